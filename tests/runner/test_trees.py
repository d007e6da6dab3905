"""Listing and searching trees: large, hostile, and changing ones."""
import os
import random
import shutil
import sys
import tempfile
import threading
import time

from runner_case import PATIENCE, SANITIZED, RunnerCase, eventually
from runner_protocol import PING, RunnerError
from tree_protocol import (COMPLETE, LIMIT, LIST_FILES, SEARCH_FILES, TIME, list_payload, search_payload)

MANY_FOLDERS, FILES_PER_FOLDER = 100, 1000
GIGABYTE = 1 << 30
MAX_WORKER_RSS = 64 << 20  # bytes
SLOW_PATTERN, SLOW_LINE = "(a?){500}a{500}z", b"a" * 32000 + b"\n"  # seconds for each line


class TreeCase(RunnerCase):
    def list(self, path=None, **options):
        return self.client.call(LIST_FILES, list_payload(path or self.folder, **options))

    def send_search(self, pattern, path=None, **options):
        return self.client.send(SEARCH_FILES, search_payload(path or self.folder, pattern, **options))

    def search(self, pattern, path=None, **options):
        return self.client.receive(self.send_search(pattern, path, **options))

    def fails(self, number, step, function, *arguments, **options):
        with self.assertRaises(RunnerError) as caught:
            function(*arguments, **options)
        self.assertEqual((caught.exception.number, caught.exception.step), (number, step), caught.exception)

    def workers(self):
        """The processes that do the work: copies of the runner, which is number 1."""
        entries, _ = self.client.list(everything=True)
        return [entry for entry in entries if entry.process == 0 and "serve" in entry.command and entry.pid != 1]


class Listings(TreeCase):
    def test_a_directory_is_listed_with_what_its_entries_are(self):
        self.put("b", b"12345")
        os.mkdir(self.path("a"))
        os.symlink("/etc", self.path("c"))
        os.mkfifo(self.path("d"))
        listing = self.list()
        self.assertEqual([(path, info.type) for path, info in listing.entries],
                         [(b"a", 1), (b"b", 0), (b"c", 2), (b"d", 3)])
        self.assertEqual((listing.entries[1][1].size, listing.entries[2][1].target), (5, b"/etc"))
        self.assertEqual(listing.stopped, COMPLETE)

    def test_what_cannot_be_listed_is_an_error(self):
        self.fails(2, "open", self.list, self.path("none"))
        self.fails(20, "type", self.list, self.put("file", b""))
        self.fails(22, "path", self.list, "relative")
        self.fails(22, "glob", self.list, glob="[")
        self.fails(22, "pattern", self.search, "(")
        self.fails(2, "open", self.search, "x", self.path("none"))
        os.mkfifo(self.path("fifo"))
        self.fails(20, "type", self.list, self.path("fifo"))
        self.fails(22, "type", self.search, "x", self.path("fifo"))

    def test_names_of_any_bytes_are_listed_exactly(self):
        names = [b"\xff\xfe", b"line\nfeed", "é".encode(), b"-rf"]
        for name in names:
            with open(os.path.join(os.fsencode(self.folder), name), "wb"):
                pass
        self.assertEqual(self.list().paths, sorted(names))
        self.assertEqual(self.list(after=b"line\nfeed").paths, ["é".encode(), b"\xff\xfe"])

    def test_unreadable_directories_are_counted(self):
        os.mkdir(self.path("closed"))
        self.put("open", b"x\n")
        os.chmod(self.path("closed"), 0)
        self.addCleanup(os.chmod, self.path("closed"), 0o700)
        if os.access(self.path("closed"), os.R_OK):
            self.skipTest("root reads everything")
        listing = self.list(depth=2)
        self.assertEqual((listing.paths, listing.unreadable), ([b"closed", b"open"], 1))
        self.assertEqual(self.search("x").unreadable, 1)

    def test_the_kernel_s_file_systems_are_entered_only_when_asked_for(self):
        self.assertIn(b"proc", self.list("/").paths)
        self.assertFalse([path for path in self.list("/", glob="/proc/1/*").paths if path != b"proc"])
        self.assertIn(b"status", self.list("/proc/self", limit=1000).paths)


class Searches(TreeCase):
    def test_files_are_searched_with_all_that_is_to_be_skipped(self):
        os.makedirs(self.path(".git"))
        os.makedirs(self.path(".hidden"))
        self.put(".git/config", b"needle\n")
        self.put(".hidden/a", b"Needle\n")
        self.put("binary", b"needle\0\n")
        self.put("text.c", b"x\nneedle\n")
        os.symlink("text.c", self.path("link"))
        os.mkfifo(self.path("fifo"))
        result = self.search("needle")
        self.assertEqual((result.places, result.files, result.binary), ([(b"text.c", 2)], 2, 1))
        self.assertEqual(self.search("needle", ignore_case=True).places, [(b".hidden/a", 1), (b"text.c", 2)])
        self.assertEqual(self.search("needle", glob="*.h").places, [])
        self.assertEqual(self.search("needle", self.path("text.c")).places, [(b"", 2)])
        self.assertEqual(self.search("needle", self.path("link")).places, [(b"", 2)])

    def test_a_hostile_pattern_does_not_hold_the_runner(self):
        self.put("a", SLOW_LINE * 50)
        request = self.send_search(SLOW_PATTERN, max_ms=60000)
        self.assertTrue(eventually(self.workers))
        for _ in range(20):
            start = time.monotonic()
            self.client.call(PING)
            self.assertLess(time.monotonic() - start, PATIENCE)
        self.client.cancel(request)
        self.fails(125, "cancelled", self.client.receive, request)
        self.assertTrue(eventually(lambda: not self.workers()))

    def test_work_that_overstays_its_time_is_ended(self):
        self.put("a", SLOW_LINE * 50)
        start = time.monotonic()
        # Between two pieces the search sees for itself that its time is over, within one it is ended.
        try:
            self.assertEqual(self.search(SLOW_PATTERN, max_ms=1).stopped, TIME)
        except RunnerError as error:
            self.assertEqual((error.number, error.step), (110, "work"))
        self.assertLess(time.monotonic() - start, 30)
        self.assertTrue(eventually(lambda: not self.workers()))

    def test_more_requests_than_run_at_once_wait_for_their_turn(self):
        self.put("a", SLOW_LINE * 50)
        slow = [self.send_search(SLOW_PATTERN) for _ in range(4)]
        waiting = [self.send_search("a$") for _ in range(64)]
        self.fails(11, "limit", self.search, "a$")
        self.assertLessEqual(len(self.workers()), 4)
        for request in slow:
            self.client.cancel(request)
            self.fails(125, "cancelled", self.client.receive, request)
        for request in waiting:
            self.assertEqual(len(self.client.receive(request).matches), 50)

    def test_a_worker_that_is_killed_is_an_error(self):
        self.put("a", SLOW_LINE * 50)
        request = self.send_search(SLOW_PATTERN)
        worker = eventually(self.workers)[0].pid
        self.assertEqual(self.client.run(f"kill -KILL {worker}").exit_code, 0)
        self.fails(5, "work", self.client.receive, request)
        self.assertEqual(self.search("a$", limit=1).stopped, LIMIT)


class Sizes(TreeCase):
    def setUp(self):
        super().setUp()
        if os.access("/dev/shm", os.W_OK):  # in memory, so that making the files takes no time
            self.folder = tempfile.mkdtemp(prefix="rexec-runner-", dir="/dev/shm")
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_a_hundred_thousand_files_are_listed_and_searched(self):
        for folder in range(MANY_FOLDERS):
            path = self.path(f"d{folder}")
            os.mkdir(path)
            for number in range(FILES_PER_FOLDER):
                os.close(os.open(f"{path}/f{number}", os.O_WRONLY | os.O_CREAT))
        self.put("d77/f500", b"one\nneedle\n")
        start = time.monotonic()
        after, count, last = b"", 0, b""
        while True:
            page = self.list(depth=2, limit=10000, after=after)
            count += len(page.entries)
            self.assertEqual(page.paths, sorted(page.paths))
            self.assertGreater(page.paths[0], last)
            last = page.paths[-1]
            if page.stopped == COMPLETE:
                break
            after = page.next
        self.assertEqual(count, MANY_FOLDERS * (FILES_PER_FOLDER + 1))
        listed = time.monotonic() - start
        start = time.monotonic()
        self.assertEqual(self.list(depth=64, glob="**/f999", limit=1000).stopped, COMPLETE)
        globbed = time.monotonic() - start
        request = self.send_search("^need(le)?$")
        slowest, largest = self.busy()
        result = self.client.receive(request)
        self.assertEqual((result.places, result.files), ([(b"d77/f500", 2)], 100000))
        self.report(f"100 000 files: all pages {listed:.2f} s, glob {globbed:.2f} s", slowest, largest)

    def test_a_gigabyte_is_searched_in_bounded_memory(self):
        with open(self.path("zeros"), "wb") as file:
            file.truncate(GIGABYTE)
        result = self.search("x")
        self.assertEqual((result.files, result.binary), (0, 1))
        # What has no line end, and what has a hole behind its text.
        with open(self.path("text"), "wb") as file:
            file.write(b"needle\n" + b"x" * (64 << 20))
            file.truncate(GIGABYTE)
        start = time.monotonic()
        request = self.send_search("needle", self.path("text"))
        slowest, largest = self.busy()
        self.assertEqual(self.client.receive(request).places, [(b"", 1)])
        self.report(f"64 MB line: {time.monotonic() - start:.2f} s", slowest, largest)

    def test_lines_of_a_gigabyte_are_read_from_both_ends(self):
        with open(self.path("sparse"), "wb") as file:
            file.write(b"first\nsecond\n")
            file.truncate(GIGABYTE - 12)
            file.seek(0, os.SEEK_END)
            file.write(b"\nlast but\nx\n")
        path = self.path("sparse")
        self.assertEqual(self.client.read_lines(path, 1, 2).data, b"first\nsecond\n")
        self.assertEqual(self.client.read_lines(path, -2, 2).data, b"last but\nx\n")
        beyond = self.client.read_lines(path, 1 << 40, 1)
        self.assertEqual((beyond.data, beyond.total_lines), (b"", 5))

    def busy(self):
        """The slowest ping in seconds and the largest worker in bytes, while there is work."""
        slowest, largest = 0, 0
        while workers := self.workers():
            largest = max([largest, *(worker.rss for worker in workers)])
            start = time.monotonic()
            self.client.call(PING)
            slowest = max(slowest, time.monotonic() - start)
        return slowest, largest

    def report(self, what, slowest, largest):
        if not SANITIZED:
            self.assertLess(largest, MAX_WORKER_RSS)
        self.assertLess(slowest, PATIENCE)
        print(f"{what}, slowest ping {slowest * 1000:.1f} ms, largest worker {largest / 1e6:.1f} MB", file=sys.stderr)


class Races(TreeCase):
    def test_a_tree_that_changes_meanwhile_never_leads_out(self):
        """Directories are replaced by symlinks to a secret while they are walked."""
        os.makedirs(self.path("outside"))
        self.put("outside/secret", b"secret\n")
        os.makedirs(self.path("tree"))
        for number in range(50):
            os.makedirs(self.path(f"tree/d{number}/e"))
            self.put(f"tree/d{number}/e/f", b"harmless\n")
        done = threading.Event()

        def swap():
            generator = random.Random(1)
            while not done.is_set():
                folder = self.path(f"tree/d{generator.randrange(50)}")
                os.rename(folder + "/e", folder + "/moved")
                os.symlink(self.path("outside"), folder + "/e")
                os.unlink(folder + "/e")
                os.rename(folder + "/moved", folder + "/e")

        thread = threading.Thread(target=swap)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(done.set)
        for _ in range(100):
            self.assertEqual(self.search("secret", self.path("tree")).matches, [])
            paths = self.list(self.path("tree"), depth=64, limit=10000).paths
            self.assertFalse([path for path in paths if b"secret" in path])
            self.assertEqual(paths, sorted(paths))
