"""File operations."""
import hashlib
import os
import random
import socket
import stat
import struct
import subprocess
import time
import unittest

from runner_case import PATIENCE, RunnerCase, eventually
from runner_protocol import MAX_DATA, PING, RunnerError


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class FileCase(RunnerCase):
    def fails(self, number, step, function, *arguments, **options):
        with self.assertRaises(RunnerError) as caught:
            function(*arguments, **options)
        self.assertEqual((caught.exception.number, caught.exception.step), (number, step), caught.exception)
        return caught.exception.message

    def leftovers(self):
        return [name for _, folders, names in os.walk(self.folder) for name in names if name.startswith(".rexec-")]


class Look(FileCase):
    def test_stat_tells_type_size_mode_and_target(self):
        path = self.put("file", b"12345")
        os.chmod(path, 0o640)
        os.symlink("file", self.path("link"))
        info = self.client.stat(path)
        self.assertEqual((info.type, info.size, info.mode), (0, 5, 0o640))
        self.assertLess(abs(info.modified_unix_ms - time.time() * 1000), 60_000)
        self.assertEqual(self.client.stat(self.path("link")).type, 0)
        link = self.client.stat(self.path("link"), follow=False)
        self.assertEqual((link.type, link.target), (2, "file"))
        self.assertEqual(self.client.stat(self.folder).type, 1)
        self.assertEqual(self.client.stat("/dev/null").type, 3)
        self.fails(2, "stat", self.client.stat, self.path("none"))
        self.fails(22, "path", self.client.stat, "relative")
        self.fails(22, "path", self.client.stat, "/a\0b")
        self.fails(36, "path", self.client.stat, "/" + "x" * 4095)

    def test_a_byte_range_is_read(self):
        data = random.Random(3).randbytes(3_000_000)
        path = self.put("data", data)
        part = self.client.read_file(path, 1_000_000, MAX_DATA)
        self.assertEqual((part.data, part.offset, part.info.size), (data[1_000_000:1_000_000 + MAX_DATA], 1_000_000,
                                                                    len(data)))
        self.assertEqual(part.probe, data[:4096])
        self.assertEqual(self.client.read_file(path, 2_999_990).data, data[-10:])
        self.assertEqual(self.client.read_file(path, 9_000_000).data, b"")

    def test_files_of_unknown_size_are_read(self):
        self.assertIn(b"rexec-runner", self.client.read_file("/proc/1/cmdline").data)
        self.assertGreaterEqual(self.client.read_lines("/proc/meminfo").total_lines, 10)

    def test_nothing_but_a_regular_file_is_read_and_nothing_hangs(self):
        os.mkfifo(self.path("fifo"))
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.path("socket"))
        self.addCleanup(server.close)
        for function in (self.client.read_file, self.client.read_lines):
            self.assertIn("a FIFO", self.fails(22, "type", function, self.path("fifo")))
            self.assertIn("a socket", self.fails(22, "type", function, self.path("socket")))
            self.assertIn("a character device", self.fails(22, "type", function, "/dev/zero"))
            self.assertIn("a directory", self.fails(21, "type", function, self.folder))
            self.fails(2, "open", function, self.path("none"))
        self.fails(22, "type", self.client.write_file, self.path("fifo"), b"x")
        self.fails(22, "type", self.client.write_file, self.path("fifo"), b"x", append=True)
        self.fails(21, "type", self.client.write_file, self.folder, b"x")


class Lines(FileCase):
    def lines(self, data, *arguments, **options):
        got = self.client.read_lines(self.put("lines", data), *arguments, **options)
        return got.data, got.first_line, got.lines, got.total_lines, got.offset

    def test_lines_are_counted_as_people_do(self):
        self.assertEqual(self.lines(b""), (b"", 1, 0, 0, 0))
        self.assertEqual(self.lines(b"a"), (b"a", 1, 1, 1, 0))
        self.assertEqual(self.lines(b"a\nb\n"), (b"a\nb\n", 1, 2, 2, 0))
        self.assertEqual(self.lines(b"a\nb\nc"), (b"a\nb\nc", 1, 3, 3, 0))
        self.assertEqual(self.lines(b"a\nb\nc", 2, 1), (b"b\n", 2, 1, 3, 2))
        self.assertEqual(self.lines(b"\n\n\n", 3), (b"\n", 3, 1, 3, 2))
        self.assertEqual(self.lines(b"a\nb\n", 3), (b"", 3, 0, 2, 4))
        self.assertEqual(self.lines(b"a\nb\n", 9), (b"", 9, 0, 2, 4))
        self.assertEqual(self.lines(b"a\nb\nc", -1), (b"c", 3, 1, 3, 4))
        self.assertEqual(self.lines(b"a\nb\nc\n", -2), (b"b\nc\n", 2, 2, 3, 2))
        self.assertEqual(self.lines(b"a\nb\nc\n", -9, 2), (b"a\nb\n", 1, 2, 3, 0))
        self.assertEqual(self.lines(b"", -1), (b"", 1, 0, 0, 0))
        self.fails(22, "lines", self.client.read_lines, self.path("lines"), 0)

    def test_lines_that_do_not_fit_are_left_for_the_next_call(self):
        self.assertEqual(self.lines(b"12345\n6789\nabc\n", 1, size=12), (b"12345\n6789\n", 1, 2, 3, 0))

    def test_a_line_that_can_never_fit_is_cut(self):
        line = b"y" * 3_000_000
        path = self.put("long", b"first\n" + line + b"\nlast\n")
        got = self.client.read_lines(path, 2, size=1000)
        self.assertEqual((got.data, got.lines, got.offset, got.cut_line_end), (line[:1000], 1, 6, 6 + len(line) + 1))
        got = self.client.read_lines(self.put("only", line), 1, size=1000)
        self.assertEqual((got.lines, got.total_lines, got.cut_line_end), (1, 1, len(line)))

    def test_a_large_file_does_not_keep_others_waiting(self):
        path = self.path("large")
        total = 8_000_000
        with open(path, "wb") as file:
            subprocess.run(["seq", "-f", "%09.0f", "0", str(total - 1)], stdout=file, check=True)
        request = self.client.send(22, struct.pack("<I", len(path)) + path.encode() + struct.pack("<qII", -3, 5, 1000))
        times = []
        while request not in self.client.answers:
            begun = time.monotonic()
            self.client.call(PING)
            times.append(time.monotonic() - begun)
        got = self.client.receive(request)
        self.assertEqual((got.data, got.first_line, got.total_lines),
                         (b"007999997\n007999998\n007999999\n", total - 2, total))
        self.assertGreater(len(times), 3)
        self.assertLess(max(times), PATIENCE)
        for first in (1, 104_858, 104_859, 3_456_789, total):
            got = self.client.read_lines(path, first, 1)
            self.assertEqual((got.data, got.offset), (b"%09d\n" % (first - 1), (first - 1) * 10))

    def test_cancelling_a_large_read_answers(self):
        path = self.path("sparse")
        with open(path, "wb") as file:
            file.truncate(1 << 40)
        request = self.client.send(22, struct.pack("<I", len(path)) + path.encode() + struct.pack("<qII", -3, 5, 1000))
        for _ in range(20):
            begun = time.monotonic()
            self.client.call(PING)
            self.assertLess(time.monotonic() - begun, PATIENCE)
        self.client.cancel(request)
        self.assertEqual(self.fails(125, "cancelled", self.client.receive, request), "cancelled")


class Write(FileCase):
    def test_new_files_get_ordinary_modes_and_parents(self):
        written = self.client.write_file(self.path("a/b/c.txt"), b"hello\n", parents=True)
        self.assertEqual(written, {"path": self.path("a/b/c.txt"), "bytes": 6, "created": True,
                                   "sha256": sha256(b"hello\n")})
        self.assertEqual(self.get("a/b/c.txt"), b"hello\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("a/b/c.txt")).st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("a/b")).st_mode), 0o755)
        self.client.write_file(self.path("tool"), b"#!/bin/sh\n", mode=0o755)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("tool")).st_mode), 0o755)
        self.fails(2, "parent", self.client.write_file, self.path("no/such"), b"")
        self.fails(20, "parent", self.client.write_file, self.path("tool/x/y"), b"", parents=True)
        self.fails(21, "type", self.client.write_file, self.folder + "/", b"")
        self.assertEqual(self.leftovers(), [])

    def test_replacing_keeps_the_mode_and_is_atomic(self):
        path = self.put("file", b"old")
        os.chmod(path, 0o751)
        inode = os.stat(path).st_ino
        reader = open(path, "rb")
        self.addCleanup(reader.close)
        self.assertFalse(self.client.write_file(path, b"new")["created"])
        self.assertEqual((self.get("file"), reader.read()), (b"new", b"old"))
        self.assertNotEqual(os.stat(path).st_ino, inode)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o751)
        self.client.write_file(path, b"", mode=0o600)
        self.assertEqual((self.get("file"), stat.S_IMODE(os.stat(path).st_mode)), (b"", 0o600))

    def test_links_at_the_end_are_followed(self):
        path = self.put("target", b"old")
        os.mkdir(self.path("d"))
        os.symlink("../target", self.path("d/link"))
        os.symlink("d/link", self.path("chain"))
        os.symlink("loop", self.path("loop"))
        os.symlink("fresh", self.path("dangling"))
        self.assertEqual(self.client.write_file(self.path("chain"), b"new")["path"], path)
        self.assertEqual(self.get("target"), b"new")
        self.assertTrue(os.path.islink(self.path("chain")) and os.path.islink(self.path("d/link")))
        self.assertTrue(self.client.write_file(self.path("dangling"), b"made")["created"])
        self.assertEqual(self.get("fresh"), b"made")
        self.fails(40, "open", self.client.write_file, self.path("loop"), b"x")

    def test_large_files_come_in_several_frames(self):
        for size in (MAX_DATA, MAX_DATA + 1, 10_000_000):
            data = random.Random(size).randbytes(size)
            written = self.client.write_file(self.path("large"), data)
            self.assertEqual((written["bytes"], written["sha256"]), (size, sha256(data)))
            self.assertEqual(self.get("large"), data)

    def test_appending_extends_in_place(self):
        path = self.path("log")
        self.assertTrue(self.client.write_file(path, b"one\n", append=True)["created"])
        inode = os.stat(path).st_ino
        written = self.client.write_file(path, b"two\n", append=True)
        self.assertEqual((written["bytes"], written["created"], written["sha256"]), (8, False, sha256(b"one\ntwo\n")))
        self.assertEqual(os.stat(path).st_ino, inode)
        data = random.Random(5).randbytes(5_000_000)
        written = self.client.write_file(path, data, append=True)
        self.assertEqual(written["sha256"], sha256(b"one\ntwo\n" + data))

    def test_expectations_protect_what_changed(self):
        path = self.path("file")
        self.assertTrue(self.client.write_file(path, b"1", expect="absent")["created"])
        self.fails(17, "expect", self.client.write_file, path, b"2", expect="absent")
        self.fails(2, "expect", self.client.write_file, self.path("none"), b"2", expect=sha256(b""))
        message = self.fails(116, "expect", self.client.write_file, path, b"2", expect=sha256(b"other"))
        self.assertIn(sha256(b"1"), message)
        self.fails(116, "expect", self.client.write_file, path, b"2", expect=sha256(b"other"), append=True)
        self.assertEqual(self.get("file"), b"1")
        self.client.write_file(path, b"2", expect=sha256(b"1"))
        self.assertEqual(self.get("file"), b"2")
        data = random.Random(6).randbytes(4_000_000)
        self.client.write_file(path, data, expect=sha256(b"2"))
        written = self.client.write_file(path, data, append=True, expect=sha256(data))
        self.assertEqual((written["bytes"], written["sha256"]), (8_000_000, sha256(data + data)))
        self.assertEqual(self.get("file"), data + data)
        self.client.write_file(path, b"small", expect=sha256(data + data))
        self.assertEqual(self.leftovers(), [])

    def test_a_failed_or_abandoned_write_leaves_nothing(self):
        path = self.put("file", b"old")
        for end in ("cancel", "too much", "connection"):
            with self.subTest(end):
                request = self.client.send_write(path, b"x" * 1000, size=5000)
                self.client.call(PING)
                self.assertEqual(len(self.leftovers()), 1)
                if end == "cancel":
                    self.client.cancel(request)
                    self.fails(125, "cancelled", self.client.receive, request)
                elif end == "too much":
                    self.client.send(24, struct.pack("<I", 4001) + b"y" * 4001, request=request)
                    self.fails(22, "write", self.client.receive, request)
                else:
                    self.client.close()
                    self.runner.wait_for_end()
                self.assertTrue(eventually(lambda: not self.leftovers()))
                self.assertEqual(self.get("file"), b"old")

    def test_a_full_disk_is_an_error(self):
        mounted = self.client.run(f"mkdir {self.path('small')} && mount -t tmpfs -o size=64k none {self.path('small')}")
        if mounted.exit_code != 0:
            self.skipTest("cannot mount a tmpfs")
        self.fails(28, "write", self.client.write_file, self.path("small/file"), b"x" * 200_000)
        self.assertEqual(self.client.run(f"ls -A {self.path('small')}").out, b"")


if __name__ == "__main__":
    unittest.main()
