"""Trees made piece by piece: make_entry and write_range."""
import os
import random
import shutil
import socket
import stat
import unittest

from runner_case import RunnerCase
from runner_protocol import MAX_DATA, PING, RunnerError, own_namespace
from transfer_protocol import MAKE_ENTRY, SYMLINK, WRITE_RANGE, entry, part

TIME = 1_234_567_890_123_456_789


class TransferCase(RunnerCase):
    def fails(self, number, step, kind, payload):
        with self.assertRaises(RunnerError) as caught:
            self.client.call(kind, payload)
        self.assertEqual((caught.exception.number, caught.exception.step), (number, step), caught.exception)
        return caught.exception.message

    def make(self, name, **options):
        self.client.call(MAKE_ENTRY, entry(self.path(name), **options))

    def write(self, name, data=b"", **options):
        self.client.call(WRITE_RANGE, part(self.path(name), data, **options))

    def without_override(self):
        """A runner that file modes bind, as in a sandbox; root in a namespace of its own is above them."""
        if not shutil.which("setpriv"):
            self.skipTest("setpriv is missing")
        drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]

        def wrap(binary, *arguments):
            words = own_namespace(binary, *arguments)
            at = words.index(binary)
            return words[:at] + drop + words[at:]

        self.client = self.make_runner(wrap=wrap).client

    def mode(self, name):
        return stat.S_IMODE(os.lstat(self.path(name)).st_mode)


class Entries(TransferCase):
    def test_directories_are_made_and_met(self):
        self.make("d")
        self.assertEqual(self.mode("d"), 0o700)
        self.make("d/e")
        self.make("d")
        self.make("d", attributes=True, mode=0o2751, modified_ns=TIME)
        self.assertEqual((self.mode("d"), os.stat(self.path("d")).st_mtime_ns), (0o751, TIME))
        self.make("d", attributes=True, mode=0o751, modified_ns=-TIME)
        self.assertEqual(os.stat(self.path("d")).st_mtime_ns, -TIME)

    def test_a_directory_keeps_its_special_bits(self):
        os.mkdir(self.path("shared"))
        os.chmod(self.path("shared"), 0o1777)
        self.make("shared", attributes=True, mode=0o755, modified_ns=0)
        self.assertEqual(self.mode("shared"), 0o1755)

    def test_a_closed_directory_gets_its_attributes_twice(self):
        self.make("closed")
        for _ in range(2):
            self.make("closed", attributes=True, mode=0, modified_ns=TIME)
        self.assertEqual(self.mode("closed"), 0)
        os.chmod(self.path("closed"), 0o700)

    def test_symlinks_are_made_and_replace_files_and_symlinks(self):
        self.put("file", b"kept")
        self.make("link", kind=SYMLINK, target="file", attributes=True, modified_ns=TIME)
        self.assertEqual((os.readlink(self.path("link")), os.lstat(self.path("link")).st_mtime_ns), ("file", TIME))
        inode = os.lstat(self.path("link")).st_ino
        self.make("link", kind=SYMLINK, target="file", attributes=True, modified_ns=TIME)
        self.assertEqual(os.lstat(self.path("link")).st_ino, inode)
        self.make("link", kind=SYMLINK, target="other")
        self.assertEqual(os.readlink(self.path("link")), "other")
        self.make("file", kind=SYMLINK, target="x")
        self.assertEqual(os.readlink(self.path("file")), "x")

    def test_what_is_in_the_way_stays(self):
        self.put("file", b"kept")
        os.mkdir(self.path("folder"))
        os.symlink("folder", self.path("link"))
        os.mkfifo(self.path("fifo"))
        self.assertIn("a regular file", self.fails(17, "type", MAKE_ENTRY, entry(self.path("file"))))
        self.assertIn("a symbolic link", self.fails(17, "type", MAKE_ENTRY, entry(self.path("link"))))
        for name, number in (("folder", 21), ("fifo", 17)):
            self.fails(number, "type", MAKE_ENTRY, entry(self.path(name), SYMLINK, "x"))
        self.assertEqual(self.get("file"), b"kept")

    def test_paths_are_checked(self):
        self.fails(2, "make", MAKE_ENTRY, entry(self.path("no/such")))
        self.fails(22, "path", MAKE_ENTRY, entry("relative"))
        self.fails(22, "path", MAKE_ENTRY, entry("/a\0b"))
        self.fails(22, "path", WRITE_RANGE, part("relative", begin=True))


class Ranges(TransferCase):
    def test_a_small_file_is_one_request_and_may_come_again(self):
        for _ in range(2):
            self.write("file", b"hello", begin=True, size=5, mode=0o4751, modified_ns=TIME)
            self.assertEqual((self.get("file"), self.mode("file")), (b"hello", 0o751))
            self.assertEqual(os.stat(self.path("file")).st_mtime_ns, TIME)
        self.write("empty", begin=True, size=0, mode=0o600)
        self.assertEqual(self.get("empty"), b"")

    def test_parts_may_come_in_any_order_and_again(self):
        data = random.Random(1).randbytes(3 * MAX_DATA + 5)
        self.without_override()
        path = self.put("file", b"x" * (5 * MAX_DATA))
        inode = os.stat(path).st_ino
        parts = [part(path, data[at:at + MAX_DATA], at) for at in range(0, len(data), MAX_DATA)]
        first = part(path, data[:MAX_DATA], begin=True)
        last = part(path, data[3 * MAX_DATA:], 3 * MAX_DATA, size=len(data), mode=0o444, modified_ns=TIME)
        requests = [self.client.send(WRITE_RANGE, payload)
                    for payload in (first, parts[2], first, parts[1], last, parts[2], first, last)]
        for request in requests:
            self.client.receive(request)
        self.assertEqual(self.get("file"), data)
        self.assertEqual((self.mode("file"), os.stat(path).st_mtime_ns), (0o444, TIME))
        self.assertEqual(os.stat(path).st_ino, inode)

    def test_a_file_is_written_where_it_is(self):
        path = self.put("file", b"old and long")
        os.link(path, self.path("other"))
        self.write("file", b"new", begin=True, size=3)
        self.assertEqual((self.get("other"), self.mode("file")), (b"new", self.mode("other")))

    def test_without_begin_there_has_to_be_a_file(self):
        self.fails(2, "open", WRITE_RANGE, part(self.path("none"), b"x"))
        self.fails(2, "open", WRITE_RANGE, part(self.path("no/such"), b"x", begin=True))

    def test_read_only_files_and_symlinks_are_replaced(self):
        self.without_override()
        os.chmod(self.put("file", b"old"), 0o400)
        self.put("target", b"kept")
        os.symlink("target", self.path("link"))
        os.symlink("nowhere", self.path("dangling"))
        for name in ("file", "link", "dangling"):
            self.write(name, b"new", begin=True, size=3, mode=0o640)
            self.assertTrue(stat.S_ISREG(os.lstat(self.path(name)).st_mode))
            self.assertEqual(self.get(name), b"new")
        self.assertEqual(self.get("target"), b"kept")
        self.assertFalse(os.path.lexists(self.path("nowhere")))

    def test_a_symlink_is_followed_when_asked_to(self):
        self.put("target", b"old")
        os.symlink("target", self.path("link"))
        self.write("link", b"new", begin=True, size=3, follow=True)
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(self.get("target"), b"new")

    def test_nothing_but_regular_files_is_written_and_nothing_hangs(self):
        os.mkfifo(self.path("fifo"))
        os.mkdir(self.path("folder"))
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.path("socket"))
        self.addCleanup(server.close)
        for name, number in (("fifo", 17), ("folder", 21), ("socket", 17)):
            self.fails(number, "type", WRITE_RANGE, part(self.path(name), b"x", begin=True, size=1))
        reader = os.open(self.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.fails(17, "type", WRITE_RANGE, part(self.path("fifo"), b"x"))
        self.fails(17, "type", WRITE_RANGE, part("/dev/null", b"x", begin=True))
        self.client.call(PING)

    def test_what_is_beyond_the_limits_is_no_message(self):
        for payload in (part(self.path("file"), b"x" * (MAX_DATA + 1), begin=True),
                        part(self.path("file"), b"x", offset=2**63 - 10, begin=True),
                        part(self.path("file"), b"x", begin=True, size=2**63)):
            with self.assertRaises((RunnerError, ConnectionError)):
                self.client.call(WRITE_RANGE, payload)
            self.assertFalse(os.path.exists(self.path("file")))
            self.client = self.make_runner().client

    def test_a_full_disk_is_an_error(self):
        mounted = self.client.run(f"mkdir {self.path('small')} && mount -t tmpfs -o size=64k none {self.path('small')}")
        if mounted.exit_code != 0:
            self.skipTest("cannot mount a tmpfs")
        self.fails(28, "write", WRITE_RANGE, part(self.path("small/file"), b"x" * 200_000, begin=True, size=200_000))


if __name__ == "__main__":
    unittest.main()
