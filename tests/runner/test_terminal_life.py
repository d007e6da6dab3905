"""Terminals: how they end, what is remembered of them, and where they work."""
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from runner_case import BINARY, SANITIZED, RunnerCase, eventually, skip_without
from runner_protocol import EXITED, RUNNING, SHUTDOWN, SIGNALED, Runner, RunnerError
from terminal_case import RAW, TerminalCase
from terminal_protocol import (CHECKPOINT_BUDGET, END, MAX_CHECKPOINT, MAX_ENDED, MAX_TERMINALS, OPEN_TERMINAL,
                               OUTPUT, Terminals, open_payload)

STUBBORN = ("trap '' HUP TERM; (trap '' HUP; setsid sleep 71) & "
            "python3 -c 'import os, signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
            "if os.fork() == 0:\n os.setsid()\n if os.fork() == 0: os.execvp(\"sleep\", [\"sleep\", \"72\"])'; "
            "env -i sleep 73 & echo started; while :; do sleep 74; done")


class Ending(TerminalCase):
    def markers(self):
        return [marker for marker in ("sleep 71", "sleep 72", "sleep 73", "sleep 74") if self.pids_of(marker)]

    def test_closing_hangs_up(self):
        opened = self.terminals.open("trap 'echo bye; exit 5' HUP; echo ready; while :; do sleep 0.01; done")
        self.terminals.until(opened.terminal, b"ready")
        self.terminals.close(opened.terminal, 60000)
        report = self.terminals.ended(opened.terminal)
        self.assertEqual((report.status, report.exit_code, report.reason), (EXITED, 5, "closed"))
        self.assertEqual(report.data.count(b"bye"), 1)
        shell = self.terminals.open()
        self.terminals.wait(shell.terminal, until=OUTPUT)
        self.terminals.close(shell.terminal, 20000)
        report = self.terminals.ended(shell.terminal)
        self.assertNotEqual((report.status, report.signal), (RUNNING, 0))
        self.assertNotEqual((report.status, report.signal), (SIGNALED, signal.SIGKILL))

    def test_closing_cuts_the_line_before_it_kills(self):
        opened = self.terminals.open("trap '' HUP; echo ready; cat; exit 6")
        self.terminals.until(opened.terminal, b"ready")
        self.terminals.close(opened.terminal, 10000)
        report = self.terminals.ended(opened.terminal)
        self.assertEqual((report.status, report.exit_code, report.reason), (EXITED, 6, "closed"))

    def test_closing_wakes_what_is_stopped(self):
        opened = self.terminals.open("kill -STOP $$")
        self.assertTrue(eventually(lambda: self.client.run(f"ps -o stat= -p {opened.pid}").out[:1] == b"T"))
        self.terminals.close(opened.terminal, 60000)
        self.assertEqual(self.terminals.ended(opened.terminal).signal, signal.SIGHUP)

    def test_closing_kills_everything_after_the_grace(self):
        opened = self.terminals.open(STUBBORN)
        self.terminals.until(opened.terminal, b"started")
        self.assertTrue(eventually(lambda: len(self.markers()) == 4))
        begun = time.monotonic()
        self.terminals.close(opened.terminal, 300)
        report = self.terminals.ended(opened.terminal)
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        self.assertEqual((report.status, report.signal, report.reason), (SIGNALED, signal.SIGKILL, "closed"))
        self.assertEqual(self.markers(), [])

    def test_a_second_close_shortens_the_grace(self):
        opened = self.terminals.open(STUBBORN)
        self.terminals.until(opened.terminal, b"started")
        self.terminals.close(opened.terminal, 3_000_000)
        self.terminals.close(opened.terminal, 0)
        self.assertEqual(self.terminals.ended(opened.terminal).signal, signal.SIGKILL)
        self.assertEqual(self.markers(), [])

    def test_what_an_ended_terminal_left_behind_can_be_closed(self):
        report = self.run_to_end("trap '' HUP; setsid sleep 75 & sleep 0.05")
        self.assertTrue(eventually(lambda: self.pids_of("sleep 75")))
        self.terminals.close(report.terminal, 50)
        again = self.terminals.ended(report.terminal)
        self.assertEqual((again.status, again.reason), (EXITED, ""))
        self.assertFalse(self.pids_of("sleep 75"))

    def test_ended_terminals_are_remembered_up_to_a_limit(self):
        for _ in range(MAX_ENDED + 1):
            last = self.run_to_end("exit 3")
        self.assertIn("no longer remembered", self.refused(3, "terminal", self.terminals.wait, 1))
        self.assertEqual(self.terminals.wait(2).exit_code, 3)
        self.assertEqual(last.terminal, MAX_ENDED + 1)
        self.assertEqual([entry.terminal for entry in self.terminals.list()], list(range(2, MAX_ENDED + 2)))

    def test_sixty_four_are_open_at_once_and_no_more(self):
        for number in range(1, MAX_TERMINALS + 1):
            self.assertEqual(self.terminals.open("read -r line; echo got $line").terminal, number)
        self.assertIn("64 terminals are open", self.refused(11, "limit", self.terminals.open, "true"))
        for number in range(1, MAX_TERMINALS + 1):
            self.terminals.write(number, f"n{number}\r".encode())
        for number in range(1, MAX_TERMINALS + 1):
            self.assertIn(f"got n{number}\r\n".encode(), self.terminals.ended(number).data)
        self.assertEqual(self.run_to_end("echo again").data, b"again\r\n")

    def test_the_end_of_the_channel_leaves_nothing(self):
        opened = self.terminals.open("trap '' HUP; setsid sleep 76 & sleep 77")
        self.assertTrue(eventually(lambda: self.pids_of("sleep 76") and self.pids_of("sleep 77")))
        marker = re.compile(rb"sleep\x007[67]\x00")
        self.client.close()
        self.runner.wait_for_end()
        self.assertGreater(opened.pid, 0)

        def left():
            found = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as file:
                        if marker.fullmatch(file.read()):
                            found.append(pid)
                except OSError:
                    pass
            return found

        self.assertTrue(eventually(lambda: not left()))

    def test_an_orderly_end_hangs_up(self):
        path = self.path("hung-up")
        opened = self.terminals.open(f"trap 'echo yes >{path}; exit' HUP; echo ready; while :; do sleep 0.01; done")
        self.terminals.until(opened.terminal, b"ready")
        self.client.call(SHUTDOWN)
        self.runner.wait_for_end()
        self.assertEqual(self.get("hung-up"), b"yes\n")


class Memory(TerminalCase):
    arguments = ("--memory-mb", "64")

    def test_a_terminal_that_has_most_is_killed_with_the_reason(self):
        eater = "import time; x = bytearray(256 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(60)"
        report = self.run_to_end(argv=["python3", "-c", eater])
        self.assertEqual((report.status, report.signal, report.reason), (SIGNALED, 9, "memory limit 64 MB"))


class Checkpoints(TerminalCase):
    def test_the_highest_is_kept(self):
        terminal = self.run_to_end("echo 0123456789").terminal
        self.assertEqual(self.terminals.get_checkpoint(terminal), (0, b""))
        self.terminals.put_checkpoint(terminal, 5, b"five")
        self.terminals.put_checkpoint(terminal, 3, b"three")
        self.terminals.put_checkpoint(terminal, 5, b"other")
        self.assertEqual(self.terminals.get_checkpoint(terminal), (5, b"five"))
        self.terminals.put_checkpoint(terminal, 12, b"\0\xfftwelve")
        self.assertEqual(self.terminals.get_checkpoint(terminal), (12, b"\0\xfftwelve"))
        self.refused(22, "checkpoint", self.terminals.put_checkpoint, terminal, 13, b"x")
        self.refused(74, "decode", self.terminals.put_checkpoint, terminal, 12, b"")
        self.refused(74, "decode", self.terminals.put_checkpoint, terminal, 12, bytes(MAX_CHECKPOINT + 1))

    def test_together_they_are_bounded_and_the_oldest_goes(self):
        count = CHECKPOINT_BUDGET // MAX_CHECKPOINT
        numbers = [self.run_to_end("echo").terminal for _ in range(count + 1)]
        for number in numbers:
            self.terminals.put_checkpoint(number, 1, bytes(MAX_CHECKPOINT))
        self.assertEqual(self.terminals.get_checkpoint(numbers[0]), (0, b""))
        self.assertEqual(self.terminals.get_checkpoint(numbers[1]), (1, bytes(MAX_CHECKPOINT)))
        self.assertEqual(self.terminals.get_checkpoint(numbers[-1]), (1, bytes(MAX_CHECKPOINT)))


class Reconnecting(RunnerCase):
    def make_runner(self, **options):
        return super().make_runner(channel=False, listen=self.path("socket"), **options)

    def test_a_terminal_outlives_its_channel(self):
        nonce = os.urandom(16)
        first = self.runner.connect()
        opened = first.call(OPEN_TERMINAL, open_payload("read -r a; read -r b; echo got $a $b", nonce=nonce))
        Terminals(first).write(opened.terminal, b"one\r", offset=0)
        first.close()
        second = Terminals(self.runner.connect())
        again = second.client.call(OPEN_TERMINAL, open_payload("echo not run again", nonce=nonce))
        self.assertEqual((again.terminal, again.pid, again.status), (opened.terminal, opened.pid, RUNNING))
        self.assertEqual(second.write(opened.terminal, b"one\r", offset=0), (4, False))
        second.write(opened.terminal, b"two\r", offset=4)
        report = second.ended(opened.terminal)
        self.assertIn(b"got one two\r\n", report.data)
        self.assertEqual(second.wait(opened.terminal, start=report.produced - 5).data, b"two\r\n")

    def test_waits_and_writes_of_a_lost_connection_are_dropped(self):
        first = Terminals(self.runner.connect())
        opened = first.open(RAW + "sleep 60")
        first.until(opened.terminal, b"ready.")
        first.send_wait(opened.terminal, until=END)
        for _ in range(4):
            first.send_write(opened.terminal, bytes(1 << 20))
        first.client.close()
        second = Terminals(self.runner.connect())
        self.assertEqual(second.wait(opened.terminal).status, RUNNING)
        second.close(opened.terminal, 0)
        self.assertEqual(second.ended(opened.terminal).status, SIGNALED)


class Lease(RunnerCase):
    arguments = ("--lease-s", "1")

    def make_runner(self, **options):
        return super().make_runner(channel=False, listen=self.path("socket"), **options)

    def test_an_open_terminal_is_use(self):
        terminals = Terminals(self.runner.connect())
        opened = terminals.open("read -r _")
        terminals.client.close()
        with self.assertRaises(subprocess.TimeoutExpired):
            self.runner.wait_for_end(2.5)
        terminals = Terminals(self.runner.connect())
        terminals.close(opened.terminal)
        terminals.client.close()
        self.assertEqual(self.runner.wait_for_end(), 75)


@unittest.skipIf(SANITIZED, "a dynamic program needs libraries that these roots do not have")
class SmallRoots(RunnerCase):
    """Roots with nothing but busybox."""

    def setUp(self):
        skip_without("bwrap", shutil.which("bwrap"))
        skip_without("busybox", shutil.which("busybox"))
        super().setUp()

    def boxed(self, *devices):
        def wrap(binary, *arguments):
            return ["bwrap", "--unshare-user", "--unshare-pid", "--as-pid-1", "--die-with-parent",
                    "--ro-bind", shutil.which("busybox"), "/bin/busybox", "--symlink", "busybox", "/bin/sh",
                    "--ro-bind", binary, "/runner", "--proc", "/proc", *devices, "--chdir", "/",
                    "/runner", "serve", *arguments]
        return wrap

    def make_runner(self, **options):
        return super().make_runner(wrap=self.boxed("--dev", "/dev"))

    def test_terminals_work(self):
        terminals = Terminals(self.client)
        opened = terminals.open("busybox tty; busybox stty size; echo ok >/dev/tty", cols=90, rows=20, cwd="/",
                                env={"PATH": "/bin"})
        report = terminals.ended(opened.terminal)
        self.assertEqual(report.data, b"/dev/pts/0\r\n20 90\r\nok\r\n")
        shell = terminals.open(env={"PATH": "/bin", "PS1": "$ "}, cwd="/")
        terminals.write(shell.terminal, b"echo $((6*7)); exit 2\r")
        report = terminals.ended(shell.terminal)
        self.assertIn(b"42\r\n", report.data)
        self.assertEqual(report.exit_code, 2)

    def test_without_devpts_the_error_says_so(self):
        runner = Runner(BINARY, wrap=self.boxed("--dir", "/dev"))
        self.addCleanup(runner.stop)
        with self.assertRaises(RunnerError) as caught:
            Terminals(runner.client).open("true", cwd="/")
        self.assertEqual((caught.exception.number, caught.exception.step), (2, "pty"))
        self.assertIn("has no pseudo-terminals", caught.exception.message)
        self.assertEqual(runner.client.run("echo on", cwd="/").out, b"on\n")


if __name__ == "__main__":
    unittest.main()
