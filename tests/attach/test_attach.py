"""People join terminals of sandboxes: rexec-mcp attach and watch, while a server keeps the sandbox alive."""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "persistence"))

from people import TMUX, Person, TmuxPerson  # noqa: E402
from support import BINARY, PersistenceCase, environment, eventually  # noqa: E402

OPENER = os.environ.get("REXEC_TERMINAL_OPENER", "rexec-terminal-opener")
LEAVE = "\x1d"  # ctrl-]
SHELL = "PS1='prompt> ' exec sh -i"
# When asked to, asks its terminal who it is, and keeps whatever comes within a second.
QUERY = "read -r x; stty raw -echo min 0 time 10; printf '\\033[c'; cat >answer; stty sane; echo query-done; read -r x"
HOSTILE = ("printf '\\033]52;c;aGk=\\007\\033]0;evil-title\\007\\033]2;evil-title\\033\\\\\\033[c\\033[6n\\033[>q"
           "\\033[21t\\033P$qm\\033\\\\\\033]8;;http://evil.example\\007visible\\033]8;;\\007\\n'; read -r x")


def skip_without_tmux():
    if TMUX:
        return
    required = os.environ.get("REXEC_REQUIRE", "").split(",")
    if "all" in required or "tmux" in required:
        raise AssertionError("tmux is required (REXEC_REQUIRE) and missing")
    raise unittest.SkipTest("tmux is missing")


class AttachCase(PersistenceCase):
    def setUp(self):
        super().setUp()
        self.first = self.serve()

    def serve(self):
        """A server with its default sandbox."""
        server = self.server()
        server.call("exec", command="true")
        return server

    def open(self, command=SHELL, sandbox="default", columns=100, rows=30):
        opened = subprocess.run([OPENER, sandbox, str(columns), str(rows), command], env=environment(self.state),
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(opened.returncode, 0, opened.stderr)
        return opened.stdout.strip()

    def person(self, *words, kind=Person, **options):
        person = kind([BINARY, *words], environment(self.state), **options)
        self.addCleanup(person.close)
        return person

    def tmux(self, *words, **options):
        skip_without_tmux()
        return self.person(*words, kind=TmuxPerson, **options)

    def listed(self):
        """Size and status by name of terminal."""
        lines = self.run_program("attach").stdout.splitlines()
        return {words[0]: words[1:3] for words in map(str.split, lines) if re.search(r":t\d+$", words[0])}

    def read_file(self, name):
        return self.first.call("exec", command="cat " + name, raw=True)["stdout"]


class InTmux(AttachCase):
    def test_who_attaches_types_and_sees_and_leaves_and_comes_back(self):
        self.open()
        person = self.tmux("attach", "t1")
        self.assertTrue(person.sees("^prompt>"), person.screen())
        person.keys("echo hello-$((40+2))", "Enter")
        self.assertTrue(person.sees("^hello-42$"), person.screen())
        person.keys("C-]")
        self.assertTrue(person.sees("^status 0$"), person.screen())
        self.assertIn("rexec-mcp: left default:t1, which goes on; to come back: rexec-mcp attach default:t1",
                      person.screen().replace("\n", ""))
        self.assertIn("before\n", person.screen())
        self.assertNotIn("hello", person.screen())
        before, after = person.modes()
        self.assertEqual(before, after)
        self.assertTrue(self.tmux("attach", "default:t1").sees("^hello-42$"))

    def test_the_terminal_follows_the_size_of_the_window_and_gets_its_own_back(self):
        self.open()
        person = self.tmux("attach", "t1", columns=80, rows=24)
        self.assertTrue(person.sees("^prompt>"))
        person.keys("stty size", "Enter")
        self.assertTrue(person.sees("^24 80$"), person.screen())
        person.resize(70, 20)
        self.assertTrue(eventually(lambda: self.listed() == {"default:t1": ["70x20", "running"]}), self.listed())
        person.keys("stty size", "Enter")
        self.assertTrue(person.sees("^20 70$"), person.screen())
        person.keys("C-]")
        self.assertTrue(person.sees("^status 0$"), person.screen())
        self.assertEqual(self.listed(), {"default:t1": ["100x30", "running"]})

    def test_who_watches_sees_and_cannot_type(self):
        self.open()
        person = self.tmux("attach", "t1")
        watcher = self.tmux("watch", "t1", columns=60, rows=10)
        for each in (person, watcher):
            self.assertTrue(each.sees("prompt>"), each.screen())
        watcher.keys("touch typed", "Enter")
        person.keys("echo seen-by-all", "Enter")
        for each in (person, watcher):
            self.assertTrue(each.sees("^seen-by-all$"), each.screen())
        self.assertNotIn("touch", person.screen())
        self.assertEqual(self.listed()["default:t1"][0], "80x24")
        watcher.keys("q")
        self.assertTrue(watcher.sees("^status 0$"), watcher.screen())
        self.assertEqual(self.first.call("exec", command="ls typed")["exit_code"], 2)

    def test_a_query_is_answered_once_however_many_watch(self):
        self.open(QUERY)
        people = [self.tmux("watch", "t1"), self.tmux("watch", "t1"), self.tmux("attach", "t1"),
                  self.tmux("attach", "t1")]
        for each in people:
            self.assertTrue(eventually(lambda each=each: "before" not in each.screen()))
        people[2].keys("go", "Enter")
        for each in people:
            self.assertTrue(each.sees("^query-done$"), each.screen())
        self.assertRegex(self.read_file("answer"), r"^\x1b\[\?[0-9;]+c$")

    def test_a_program_of_the_whole_screen_looks_the_same_in_a_window_of_another_size(self):
        self.open("printf '\\033[?1049h\\033[2J\\033[3;5H\\033[7mabove\\033[m\\033[28;90Hbelow'; read -r x")
        watcher = self.tmux("watch", "t1", columns=40, rows=12)
        self.assertTrue(watcher.sees("below$"), watcher.screen())  # around the cursor
        wide = self.tmux("watch", "t1", columns=120, rows=40)
        self.assertTrue(wide.sees("^ {4}above"), wide.screen())
        self.assertTrue(wide.sees("^ {89}below"), wide.screen())


class ByHand(AttachCase):
    def test_a_program_that_ends_ends_the_visit_with_its_status(self):
        self.open()
        person = self.person("attach", "t1")
        before = person.modes()
        self.assertTrue(person.sees("prompt> "))
        self.assertTrue(person.is_raw())
        person.type("exit 3\r")
        self.assertEqual(person.wait(), 0)
        self.assertTrue(person.sees("default:t1 has ended: exited 3"))
        self.assertEqual(person.modes(), before)
        late = self.person("attach", "t1")
        self.assertEqual(late.wait(), 0)
        self.assertTrue(late.sees("default:t1 has ended: exited 3"))

    def test_a_killed_server_ends_the_visit_soon_and_restores_the_terminal(self):
        self.open()
        person = self.person("attach", "t1")
        before = person.modes()
        self.assertTrue(person.sees("prompt> "))
        begun = time.monotonic()
        self.first.kill()
        self.assertEqual(person.wait(), 1)
        self.assertLess(time.monotonic() - begun, 2)
        self.assertTrue(person.sees("default:t1 is gone"))
        self.assertEqual(person.modes(), before)
        self.assertTrue(person.sees("\x1b[?1049l"))
        self.assertIn("There is no terminal", self.run_program("attach").stdout)

    def test_signals_end_the_visit_and_restore_the_terminal(self):
        self.open()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            person = self.person("attach", "t1")
            before = person.modes()
            self.assertTrue(person.sees("prompt> "))
            os.kill(person.pid, number)
            self.assertEqual(person.wait(), 128 + number)
            self.assertEqual(person.modes(), before)
            self.assertTrue(person.sees("\x1b[?1049l"))
        self.assertEqual(self.listed()["default:t1"], ["100x30", "running"])

    def test_a_password_is_typed_and_not_shown(self):
        self.open("printf 'Password: '; stty -echo; read -r word; stty echo; printf '\\nlength %s\\n' ${#word}; read -r x")
        person = self.person("attach", "t1")
        self.assertTrue(person.sees("Password: "))
        person.type("correct horse\r")
        self.assertTrue(person.sees("length 13"))
        self.assertNotIn(b"horse", person.drawn)

    def test_what_a_hostile_program_writes_does_not_reach_the_terminal(self):
        self.open(HOSTILE)
        for verb in ("attach", "watch"):
            person = self.person(verb, "t1")
            self.assertTrue(person.sees("visible"))
            person.type(LEAVE)
            self.assertEqual(person.wait(), 0)
            for harm in (b"\x1b]", b"\x1bP", b"\x1b[c", b"\x1b[6n", b"\x1b[>q", b"\x1b[21t", b"evil", b"aGk="):
                self.assertNotIn(harm, person.drawn)

    def test_terminals_are_found_by_name_and_what_is_ambiguous_is_listed(self):
        self.open()
        self.serve()
        ids = self.directories()
        self.assertEqual(len(ids), 2)
        for sandbox in ids:
            if not any(name.startswith(sandbox) for name in self.listed()):
                self.open(sandbox=sandbox, columns=50, rows=5)
        self.assertEqual(sorted(self.listed()), [f"{sandbox}:t1" for sandbox in ids])
        for words, expected in ((("t1",), "several sandboxes have a terminal t1"), (("t7",), "no terminal t7"),
                                (("nowhere:t1",), 'no sandbox "nowhere"')):
            person = self.person("attach", *words)
            self.assertEqual(person.wait(), 1)
            self.assertTrue(person.sees(expected), person.drawn)
        person = self.person("attach", f"{ids[0]}:t1")
        self.assertTrue(person.sees("prompt> "))

    def test_without_a_terminal_of_ones_own_it_says_so(self):
        self.open()
        for verb in ("attach", "watch"):
            tried = self.run_program(verb, "t1")
            self.assertEqual(tried.returncode, 1)
            self.assertIn("standard input is not a terminal", tried.stderr)
            self.assertEqual(self.run_program(verb, "terminal-1").returncode, 2)

    def test_a_persistent_sandbox_is_joined_without_any_server(self):
        self.assertEqual(self.sandboxes("create", "work").returncode, 0)
        self.open(sandbox="work")
        person = self.person("attach", "t1")
        self.assertTrue(person.sees("prompt> "))
        person.type("echo $((6*7))\r")
        self.assertTrue(person.sees("42"))

    def test_files_are_copied_out_of_a_sandbox_of_a_server(self):
        self.first.call("exec", command="echo content >file")
        copied = self.run_program("cp", "default:file", "-")
        self.assertEqual(copied.stdout, "content\n", copied.stderr)


if __name__ == "__main__":
    unittest.main()
