"""Edits of files, and what they do when others change the same file."""
import fcntl
import hashlib
import os
import stat
import threading
import unittest

from runner_case import SANITIZED, RunnerCase
from runner_protocol import PING, RunnerError

LIMIT = 16 << 20


class EditCase(RunnerCase):
    def fails(self, number, step, function, *arguments, **options):
        with self.assertRaises(RunnerError) as caught:
            function(*arguments, **options)
        self.assertEqual((caught.exception.number, caught.exception.step), (number, step), caught.exception)
        return caught.exception.message

    def refuses(self, path, *edits, **options):
        return self.fails(22, "edit", self.client.edit_file, path, *edits, **options)

    def leftovers(self):
        return [name for _, folders, names in os.walk(self.folder) for name in names if name.startswith(".rexec-")]


class Edit(EditCase):
    def test_edits_are_made_one_after_the_other_and_told(self):
        path = self.put("file", b"one\ntwo\nthree\n")
        edited = self.client.edit_file(path, ("two", "2"), ("2\nthree", "2\n3"), ("e", "E", True))
        self.assertEqual(self.get("file"), b"onE\n2\n3\n")
        self.assertEqual(edited, {
            "path": path, "bytes": 8, "replacements": 3, "sha256": hashlib.sha256(b"onE\n2\n3\n").hexdigest(),
            "diff": f"--- a{path}\n+++ b{path}\n@@ -1,3 +1,3 @@\n-one\n-two\n-three\n+onE\n+2\n+3\n".encode(),
            "diff_cut": False})
        self.assertEqual(self.leftovers(), [])

    def test_a_patch_is_applied(self):
        path = self.put("file", b"one\r\ntwo\r\nthree")
        edited = self.client.edit_file(path, patch="@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n")
        self.assertEqual(self.get("file"), b"one\r\n2\r\nthree")
        self.assertEqual(edited["replacements"], 1)

    def test_all_or_nothing(self):
        path = self.put("file", b"one\ntwo\n")
        message = self.refuses(path, ("one", "1"), ("three", "3"))
        self.assertIn("/edits/1/old_text was found 0 times in the file, as the edits before it leave it.", message)
        self.assertIn("at lines 1, 2", self.refuses(path, ("o", "0")))
        self.assertIn("/patch hunk 1 of 1", self.refuses(path, patch="@@\n-zwei\n+2\n"))
        self.assertIn("undo each other", self.refuses(path, ("one", "1"), ("1", "one")))
        self.assertEqual(self.get("file"), b"one\ntwo\n")
        self.assertEqual(self.leftovers(), [])

    def test_a_dry_run_writes_nothing(self):
        path = self.put("file", b"one\n")
        before = os.stat(path)
        edited = self.client.edit_file(path, ("one", "two"), dry_run=True)
        self.assertIn(b"-one\n+two\n", edited["diff"])
        self.assertEqual(edited["sha256"], hashlib.sha256(b"two\n").hexdigest())
        after = os.stat(path)
        self.assertEqual((self.get("file"), after.st_ino, after.st_mtime_ns), (b"one\n", before.st_ino,
                                                                              before.st_mtime_ns))

    def test_mode_links_and_bytes_are_kept(self):
        path = self.put("file", b"\xff\0one\x80")
        os.chmod(path, 0o4751)
        os.mkdir(self.path("d"))
        os.symlink("../file", self.path("d/link"))
        edited = self.client.edit_file(self.path("d/link"), ("one", "two"))
        self.assertEqual((edited["path"], self.get("file")), (path, b"\xff\0two\x80"))
        self.assertTrue(os.path.islink(self.path("d/link")))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o4751)

    def test_what_is_no_file_is_refused(self):
        self.fails(2, "open", self.client.edit_file, self.path("none"), ("a", "b"))
        self.fails(2, "parent", self.client.edit_file, self.path("none/none"), ("a", "b"))
        self.fails(21, "type", self.client.edit_file, self.folder, ("a", "b"))
        os.mkfifo(self.path("fifo"))
        self.fails(22, "type", self.client.edit_file, self.path("fifo"), ("a", "b"))
        self.fails(74, "decode", self.client.edit_file, self.path("none"))
        self.fails(74, "decode", self.client.edit_file, self.path("none"), ("a", "b"), patch="+a")
        self.fails(74, "decode", self.client.edit_file, self.path("none"), *[("a", "b")] * 257)
        self.fails(74, "decode", self.client.edit_file, self.path("none"), ("a", "b" * (1 << 20)))

    def test_files_have_a_limit(self):
        path = self.put("file", b"x" + b"a" * (LIMIT - 1))
        self.client.edit_file(path, ("x", "y"))
        self.assertIn("larger than 16 MiB", self.refuses(path, ("y", "yy")))
        self.put("file", b"x" + b"a" * LIMIT)
        self.assertIn("use exec", self.fails(27, "edit", self.client.edit_file, path, ("x", "y")))

    def test_a_large_file_does_not_keep_others_waiting(self):
        lines = b"".join(b"%09d\n" % i for i in range(1_600_000))
        path = self.put("large", lines)
        # A sanitizer checks all that is left of the text in each memmem(3), so there it has fewer places to find.
        everywhere = ("15999", "1599x", True) if SANITIZED else ("5", "6", True)
        for edits in ([("000000000\n", "first\n"), ("001599999\n", "last\n")], [("000000000\nx\n", "")], [everywhere]):
            request = self.client.send_edit(path, *edits)
            answered = 0
            while request not in self.client.answers:
                self.client.call(PING)
                answered += 1
            self.assertGreater(answered, 15)
            if edits[0][0].endswith("x\n"):
                self.fails(22, "edit", self.client.receive, request)
            else:
                self.client.receive(request)

    def test_a_cancelled_edit_leaves_the_file(self):
        path = self.put("file", b"a" * LIMIT)
        request = self.client.send_edit(path, ("a", "b", True))
        self.client.cancel(request)
        self.fails(125, "cancelled", self.client.receive, request)
        self.assertEqual((self.get("file"), self.leftovers()), (b"a" * LIMIT, []))


class Races(EditCase):
    def test_edits_at_the_same_time_are_all_made(self):
        path = self.put("file", b"0\n")
        requests = [self.client.send_edit(path, ("0\n", f"0\n{i}.\n")) for i in range(1, 101)]
        for request in requests:
            self.client.receive(request)
        self.assertEqual(sorted(self.get("file").split()), sorted([b"0"] + [b"%d." % i for i in range(1, 101)]))

    def race(self, change, rounds=300):
        """Edits while `change(i)` changes the file in another way; both kinds of lines must all be there."""
        path = self.put("file", b"start\n")
        failure = []

        def others():
            try:
                for i in range(rounds):
                    change(path, i)
            except BaseException as error:  # the test fails below
                failure.append(error)

        thread = threading.Thread(target=others)
        thread.start()
        made = []
        while thread.is_alive() or len(made) < 10:
            try:
                self.client.edit_file(path, ("start\n", f"start\nedit {len(made)}\n"))
                made.append(b"edit %d" % len(made))
            except RunnerError as error:
                self.assertIn(error.number, (16, 116), error)
        thread.join()
        self.assertEqual(failure, [])
        lines = self.get("file").splitlines()
        self.assertEqual(sorted(line for line in lines if line.startswith(b"edit")), sorted(made))
        self.assertEqual([line for line in lines if line.startswith(b"other")], [b"other %d" % i for i in range(rounds)])
        self.assertEqual(self.leftovers(), [])

    def test_nothing_that_is_appended_in_place_is_lost(self):
        def append(path, i):
            with open(path, "ab", buffering=0) as file:
                file.write(b"other %d\n" % i)
        self.race(append)

    def test_nothing_that_another_editor_replaces_is_lost(self):
        client = self.make_runner().client

        def edit(path, i):
            while True:
                try:
                    last = "start\n" if i == 0 else f"other {i - 1}\n"
                    client.edit_file(path, patch="@@\n" + "".join(f"-{line}\n" for line in last.splitlines()) + "".join(
                        f"+{line}\n" for line in (last + f"other {i}").splitlines()))
                    return
                except RunnerError as error:
                    if error.number not in (16, 116):
                        raise
        self.race(edit, rounds=100)

    def test_a_version_that_may_be_put_back_is_not_judged(self):
        # What another edit leaves between its exchange and its undoing: a file that it has locked.
        for wanted, after in ((("two", "2"), b"2\n"), (("on", "2"), b"tw2\n")):
            path = self.put("file", b"one\n")
            with open(path) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                request = self.client.send_edit(path, wanted)
                for _ in range(20):
                    self.client.call(PING)
                self.assertNotIn(request, self.client.answers)
                self.put("other", b"two\n" if wanted[0] == "two" else b"twon\n")
                os.rename(self.path("other"), path)
            self.client.receive(request)
            self.assertEqual((self.get("file"), self.leftovers()), (after, []))

    def test_a_lock_of_somebody_else_does_not_keep_an_edit(self):
        path = self.put("file", b"one\n")
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.client.edit_file(path, ("one", "two"))
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.assertIn("found 0 times", self.refuses(path, ("one", "1")))
        self.assertEqual(self.get("file"), b"two\n")

    def test_a_file_that_stays_open_for_writing_is_refused(self):
        path = self.put("file", b"one\n")
        with open(path, "ab") as file:
            message = self.fails(16, "edit", self.client.edit_file, path, ("one", "two"))
            self.assertIn("open for writing in another program", message)
            file.write(b"more\n")
        self.client.edit_file(path, ("one", "two"))
        self.assertEqual(self.get("file"), b"two\nmore\n")

    def test_who_reads_the_old_file_goes_on_reading_it(self):
        path = self.put("file", b"one\n")
        with open(path, "rb") as file:
            self.client.edit_file(path, ("one", "two"))
            self.assertEqual((file.read(), self.get("file")), (b"one\n", b"two\n"))


class Again(EditCase):
    def setUp(self):
        super().setUp()
        self.runner = self.make_runner(channel=False, listen=self.path("socket"))

    def test_an_edit_that_is_asked_for_again_is_not_made_again(self):
        path = self.put("file", b"a\n")
        nonce = os.urandom(16)
        client = self.runner.connect()
        first = client.edit_file(path, ("a", "aa"), nonce=nonce)
        client.close()
        again = self.runner.connect().edit_file(path, ("a", "aa"), nonce=nonce)
        self.assertEqual((again, self.get("file")), (first, b"aa\n"))

    def test_an_edit_that_is_under_way_on_a_lost_connection_is_made_once(self):
        path = self.put("file", b"a" * (LIMIT // 2) + b"b\n")
        nonce = os.urandom(16)
        old, new = self.runner.connect(), self.runner.connect()
        first = old.send_edit(path, ("b", "bb", True), nonce=nonce)
        old.call(PING)  # it has arrived
        self.assertEqual(new.edit_file(path, ("b", "bb", True), nonce=nonce)["replacements"], 1)
        self.assertEqual(self.get("file")[-4:], b"abb\n")
        try:
            old.receive(first)  # it may have been first
        except RunnerError as error:
            self.assertEqual(error.step, "cancelled")

    def test_a_failed_edit_may_be_made_later(self):
        path = self.put("file", b"a\n")
        nonce = os.urandom(16)
        client = self.runner.connect()
        self.fails(22, "edit", client.edit_file, path, ("b", "c"), nonce=nonce)
        self.put("file", b"b\n")
        client.edit_file(path, ("b", "c"), nonce=nonce)
        self.assertEqual(self.get("file"), b"c\n")

    def test_diffs_of_many_edits_are_forgotten_before_the_edits_are(self):
        path = self.put("file", b"a\n")
        client = self.runner.connect()
        nonce = os.urandom(16)
        first = client.edit_file(path, ("a", "x" * 900_000 + "a"), nonce=nonce)
        self.assertGreater(len(first["diff"]), 900_000)
        for _ in range(5):
            client.edit_file(path, ("a", "b"))
            client.edit_file(path, ("b", "a"))
        again = client.edit_file(path, ("a", "aa"), nonce=nonce)
        self.assertEqual((again["sha256"], again["diff"], again["diff_cut"]), (first["sha256"], b"", True))
        self.assertTrue(self.get("file").endswith(b"xa\n"))


if __name__ == "__main__":
    unittest.main()
