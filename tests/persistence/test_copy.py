"""rexec-mcp cp, between this machine and real sandboxes."""
import hashlib
import json
import os
import random
import resource
import signal
import stat
import subprocess
import unittest

from support import BINARY, PersistenceCase, environment, eventually

TIME_NS = 1_234_567_890_123_000_000
MOST_MEMORY = 150 << 20  # of a copy of any size


def digest(path):
    sums = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            sums.update(piece)
    return sums.hexdigest()


def snapshot(root):
    """What a tree is, by path from its root: type, mode, time, and contents or target."""
    found = {}
    for folder, folders, names in os.walk(os.fsencode(root)):
        for name in folders + names + ([b"."] if folder == os.fsencode(root) else []):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                what = os.readlink(path)
            else:
                what = digest(path) if stat.S_ISREG(status.st_mode) else None
            mode = None if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)
            found[os.path.relpath(path, os.fsencode(root))] = (stat.S_IFMT(status.st_mode), mode,
                                                               status.st_mtime_ns // 1_000_000, what)
    return found


class CopyCase(PersistenceCase):
    def setUp(self):
        super().setUp()
        self.local = os.path.join(self.state, "local")
        os.mkdir(self.local)
        made = self.sandboxes("create", "work")
        self.assertEqual(made.returncode, 0, made.stderr)

    def path(self, *parts):
        return os.path.join(self.local, *parts)

    def put(self, name, data=b"", mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def get(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def copy(self, *words, status=0, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([BINARY, "cp", *words], env=environment(self.state), capture_output=True, timeout=120,
                              check=False, cwd=self.local, **options)
        self.assertEqual(done.returncode, status, (words, done))
        return done

    def counts(self, *words, status=0):
        return json.loads(self.copy(*words, "--output", "json", status=status).stdout)

    def inside(self, command):
        done = self.run_program("call", "exec", "sandbox=work", f"command={command}", "--output", "json")
        self.assertEqual(done.returncode, 0, done)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["exit_code"], 0, answer)
        return answer["stdout"]

    def make_tree(self, name):
        self.put(f"{name}/plain", b"text\n", 0o640)
        self.put(f"{name}/tool", b"#!/bin/sh\n", 0o755)
        self.put(f"{name}/read-only", b"kept", 0o444)
        self.put(f"{name}/empty")
        self.put(f"{name}/with space/and\nline", b"x")
        self.put(f"{name}/.hidden/-dash", b"y")
        self.put(f"{name}/parts", random.Random(1).randbytes(3_500_000))
        self.put(f"{name}/sorts/x", b"1")
        self.put(f"{name}/sorts-between/x", b"2")
        with open(os.path.join(os.fsencode(self.path(name)), b"bytes-\xff\xfe"), "wb") as file:
            file.write(b"z")
        os.makedirs(self.path(name, "empty folder"))
        os.symlink("../nowhere", self.path(name, "dangling"))
        os.symlink("plain", self.path(name, "link"))
        os.symlink("/etc", self.path(name, "folder-link"))
        os.chmod(self.path(name, "sorts"), 0o555)
        for folder, folders, names in os.walk(os.fsencode(self.path(name)), topdown=False):
            for entry in folders + names:
                os.utime(os.path.join(folder, entry), ns=(TIME_NS, TIME_NS), follow_symlinks=False)
        os.utime(self.path(name), ns=(TIME_NS, TIME_NS))
        self.addCleanup(os.chmod, self.path(name, "sorts"), 0o755)
        return snapshot(self.path(name))


class Copies(CopyCase):
    def test_a_tree_comes_back_as_it_went(self):
        tree = self.make_tree("tree")
        self.assertEqual(self.counts("tree", "work:"), {"files": 10, "directories": 6, "symlinks": 3,
                                                        "bytes": 3_500_024, "skipped": 0, "errors": 0})
        self.copy("work:tree", "back")
        self.assertEqual(snapshot(self.path("back")), tree)
        self.assertEqual(self.inside("cat 'tree/with space/and\nline' tree/link"), "xtext\n")
        self.assertEqual(self.inside("stat -c '%a %Y' tree/sorts tree/tool"), "555 1234567890\n755 1234567890\n")
        # Once more, over what is there, read-only files among it.
        self.copy("tree/.", "work:tree")
        os.chmod(self.path("back", "sorts"), 0o755)
        self.copy("work:tree/.", "back")
        again = snapshot(self.path("back"))
        del again[b"."], tree[b"."]  # that is nobody's copy
        self.assertEqual(again, tree)
        os.chmod(self.path("back", "sorts"), 0o755)

    def test_where_a_copy_goes(self):
        self.put("tree/file", b"1")
        self.copy("tree", "work:new")  # does not exist: this is its name
        self.copy("tree", "work:new")  # exists: into it
        self.copy("tree/.", "work:merged")
        self.copy("tree/file", "work:merged")
        self.copy("tree/file", "work:merged/other")
        self.copy("tree/file", "work:~/home")
        self.assertEqual(self.inside("find new merged home -type f | LC_ALL=C sort").split(),
                         ["home", "merged/file", "merged/other", "new/file", "new/tree/file"])
        os.mkdir(self.path("folder"))
        self.copy("work:new", "folder")
        self.copy("work:merged/.", "folder")
        self.copy("work:home", "folder/renamed")
        self.copy("work:home", "folder")
        self.assertEqual(sorted(os.path.relpath(os.path.join(at, name), self.path("folder"))
                                for at, _, names in os.walk(self.path("folder")) for name in names),
                         ["file", "home", "new/file", "new/tree/file", "other", "renamed"])

    def test_a_directory_that_was_there_keeps_its_mode(self):
        self.put("tree/file", b"1")
        self.inside("mkdir shared; chmod 1770 shared")
        self.copy("tree/.", "work:shared")
        self.assertEqual(self.inside("stat -c %a shared"), "1770\n")
        os.mkdir(self.path("here"))
        os.chmod(self.path("here"), 0o2750)
        self.copy("work:shared/.", "here")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("here")).st_mode), 0o2750)

    def test_directories_and_files_do_not_replace_one_another(self):
        self.put("tree/a", b"file")
        self.put("tree/b/x", b"file")
        self.inside("mkdir -p dst/tree/a; echo kept > dst/tree/b")
        done = self.copy("tree", "work:dst", status=1)
        self.assertEqual(done.stderr.decode().count("does not replace"), 2, done.stderr)
        self.assertEqual(self.inside("cat dst/tree/b"), "kept\n")
        self.assertIn("does not replace", self.copy("tree", "work:dst/tree/b", status=1).stderr.decode())
        self.put("back/tree/a/x")
        self.inside("rm -r dst; mkdir -p dst/tree; echo new > dst/tree/a")
        self.copy("work:dst/tree", "back", status=1)
        self.assertEqual(self.get("back/tree/a/x"), b"")

    def test_what_is_no_file_is_skipped(self):
        os.makedirs(self.path("tree"))
        os.mkfifo(self.path("tree", "fifo"))
        self.put("tree/z", b"after")
        self.assertEqual(self.counts("tree", "work:tree", status=1)["skipped"], 1)
        self.inside("mkfifo tree/fifo")
        done = self.copy("work:tree", "back", status=1)
        self.assertIn("skipped", done.stderr.decode())
        self.assertEqual(self.get("back/z"), b"after")

    def test_a_problem_with_one_file_is_said_and_the_rest_copied(self):
        self.inside("mkdir -p tree/closed; echo a > tree/a; echo b > tree/b; echo c > tree/closed/c; chmod 0 tree/b "
                    "tree/closed")
        done = self.copy("work:tree", "back", status=1)
        self.assertIn("/tree/b\"", done.stderr.decode())
        self.assertIn("could not be read", done.stderr.decode())
        self.assertEqual(self.get("back/a"), b"a\n")
        self.put("file", b"x")
        self.inside("mkdir locked; chmod 555 locked")
        self.assertIn("permission", self.copy("file", "work:locked", status=1).stderr.decode())

    def test_names_give_the_terminal_no_orders(self):
        self.inside("mkdir tree; mkfifo \"tree/$(printf 'a\\033]0;x\\007\\nb')\"")
        self.assertNotIn(b"\x1b", self.copy("work:tree", "back", status=1).stderr)

    def test_streams(self):
        data = random.Random(2).randbytes(5_000_000)
        self.copy("-", "work:stream", stdin=None, input=data)
        self.assertEqual(self.inside("stat -c %a stream"), "644\n")
        self.assertEqual(self.copy("work:stream", "-").stdout, data)
        self.copy("-", "work:stream", stdin=None, input=b"short")
        self.assertEqual(self.copy("work:stream", "-").stdout, b"short")
        self.copy("work:.", "-", status=1)

    def test_what_cannot_be_copied_at_all(self):
        self.put("file", b"x")
        self.assertIn("no persistent sandbox", self.copy("file", "work2:", status=1).stderr.decode())
        self.assertIn("does not exist", self.copy("work:none", "x", status=1).stderr.decode())
        self.assertIn("No such file", self.copy("none", "work:", status=1).stderr.decode())
        self.copy("file", "work:no/such/place", status=1)
        self.copy("file", "work:none/", status=1)
        self.copy("work:.bashrc", "no/such/place", status=1)
        self.copy("file", "work:/etc/passwd", status=1)
        self.copy("file", "other", status=2)

    def test_a_stopped_sandbox_says_how_to_start_it(self):
        self.put("file", b"x")
        os.kill(self.init_of(self.directories()[0]), signal.SIGKILL)
        self.assertTrue(eventually(lambda: self.records()[0]["status"] == "stopped"))
        done = self.copy("file", "work:", status=1)
        self.assertIn("is stopped", done.stderr.decode())
        command = done.stderr.decode().split("rexec-mcp call ")[1].split()
        self.assertEqual(self.run_program("call", *command).returncode, 0)
        self.copy("file", "work:")

    def test_a_large_file_in_bounded_memory(self):
        size = 300 << 20
        with open(self.path("large"), "wb") as file:
            piece = random.Random(3).randbytes(1 << 20)
            for number in range(300):
                file.write(number.to_bytes(4, "big") + piece[4:])
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertEqual(self.counts("large", "work:")["bytes"], size)
        self.assertEqual(self.counts("work:large", "back")["bytes"], size)
        self.assertEqual(digest(self.path("back")), digest(self.path("large")))
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if most > before:
            self.assertLess(most * 1024, MOST_MEMORY)

    def test_many_small_files(self):
        for number in range(5000):
            self.put(f"many/{number % 50}/{number}", b"x" * (number % 100))
        self.assertEqual(self.counts("many", "work:")["files"], 5000)
        self.assertEqual(self.counts("work:many", "back")["files"], 5000)
        self.assertEqual(snapshot(self.path("back")), snapshot(self.path("many")))

    def test_a_signal_ends_it_in_order(self):
        with open(self.path("endless"), "wb") as file:
            file.truncate(1 << 40)
        for number, words in ((signal.SIGINT, ("endless", "work:")), (signal.SIGTERM, ("-", "work:typed"))):
            with self.subTest(words):
                process = subprocess.Popen([BINARY, "cp", *words], env=environment(self.state), cwd=self.local,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                target = words[1].split(":")[1] or words[0]
                if words[0] == "-":
                    process.stdin.write(b"x" * (2 << 20))
                    process.stdin.flush()
                self.assertTrue(eventually(lambda: self.run_program(
                    "call", "exec", "sandbox=work", f"command=test -s {target}", "--exit-code").returncode == 0))
                process.send_signal(number)
                process.wait(20)  # with its input still open
                _, said = process.communicate()
                self.assertEqual(process.returncode, 128 + number)
                self.assertIn(b"interrupted", said)
                self.inside(f"rm {target}")


if __name__ == "__main__":
    unittest.main()
