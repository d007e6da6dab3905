"""Terminals: programs on a PTY, what they put out, and what is typed to them."""
import hashlib
import os
import signal
import time
import unittest

from runner_case import PATIENCE, eventually
from runner_protocol import EXITED, RUNNING, SIGNALED
from terminal_case import RAW, TerminalCase
from terminal_protocol import END, MAX_ANSWER, MAX_SIDE, OPEN_TERMINAL, OUTPUT, WINDOW, open_payload


class Opening(TerminalCase):
    def test_a_command_has_output_and_status(self):
        report = self.run_to_end("echo one; echo two >&2; exit 7")
        self.assertEqual((report.status, report.exit_code, report.signal), (EXITED, 7, 0))
        self.assertEqual(report.data, b"one\r\ntwo\r\n")
        self.assertEqual((report.produced, report.lost, report.end), (10, 0, True))
        self.assertEqual((report.terminal, report.cols, report.rows, report.reason), (1, 80, 24, ""))
        self.assertGreater(report.pid, 1)
        self.assertLess(abs(report.started_unix_ms / 1000 - time.time()), 60)
        self.assertGreater(report.duration_us, 0)

    def test_arguments_environment_and_directory_are_those_given(self):
        report = self.run_to_end(argv=["sh", "-c", "echo $TERM $X; pwd; echo \"$1\"", "sh", "a  b"], cwd=self.folder,
                                 env={"TERM": "vt100", "X": "y"})
        self.assertEqual(report.data, f"vt100 y\r\n{self.folder}\r\na  b\r\n".encode())

    def test_the_default_is_an_interactive_shell(self):
        opened = self.terminals.open()
        self.terminals.write(opened.terminal, b"case $- in *i*) echo inter$((1))active;; esac; exit 3\r")
        report = self.terminals.ended(opened.terminal)
        self.assertIn(b"inter1active", report.data)
        self.assertEqual(report.exit_code, 3)
        self.assertTrue(self.terminals.list()[0].command.endswith("sh"))

    def test_the_terminal_controls_its_session_and_nothing_else_is_open(self):
        report = self.run_to_end("tty; echo through >/dev/tty; ps -o pid=,sid=,pgid=,tpgid= -p $$; "
                                 "for fd in /proc/$$/fd/*; do readlink $fd; done")
        lines = report.data.decode().split("\r\n")
        name = lines[0]
        self.assertRegex(name, r"^/dev/pts/\d+$")
        self.assertEqual(lines[1], "through")
        pid, session, group, _ = map(int, lines[2].split())
        self.assertEqual((pid, session, group), (report.pid,) * 3)
        self.assertEqual(lines[3:], [name] * 3 + [""])

    def test_a_utf8_character_is_erased_as_one(self):
        opened = self.terminals.open("printf ready.; read -r line; printf '<%s>' \"$line\"")
        self.terminals.until(opened.terminal, b"ready.")
        self.terminals.write(opened.terminal, "aé\x7fb\r".encode())
        self.assertIn(b"<ab>", self.terminals.ended(opened.terminal).data)

    def test_what_fails_is_named_and_uses_no_number(self):
        self.assertIn("/no/such", self.refused(2, "cwd", self.terminals.open, "true", cwd="/no/such"))
        self.assertIn("no-such", self.refused(2, "exec", self.terminals.open, argv=["no-such"]))
        self.refused(22, "start", self.terminals.open, "true", argv=["true"])
        self.refused(22, "start", self.terminals.open, "a\0b")
        self.refused(22, "cwd", self.terminals.open, "true", cwd="relative")
        for cols, rows in ((0, 24), (80, 0), (MAX_SIDE + 1, 24), (80, MAX_SIDE + 1)):
            self.refused(74, "decode", self.terminals.open, "true", cols=cols, rows=rows)
        self.assertEqual(self.terminals.open("true", cols=MAX_SIDE, rows=MAX_SIDE).terminal, 1)
        self.assertEqual(self.terminals.open("true").terminal, 2)

    def test_unknown_terminals_are_an_error(self):
        for call, arguments in ((self.terminals.wait, ()), (self.terminals.write, (b"x",)),
                                (self.terminals.answer, (0, b"x")), (self.terminals.resize, (80, 24)),
                                (self.terminals.close, ()), (self.terminals.put_checkpoint, (0, b"x")),
                                (self.terminals.get_checkpoint, ())):
            self.assertIn("no terminal t9", self.refused(3, "terminal", call, 9, *arguments))

    def test_commands_are_not_terminals_and_have_numbers_of_their_own(self):
        opened = self.terminals.open("sleep 60")
        self.assertEqual(self.client.run("echo hi").process, 1)
        self.assertEqual([entry.terminal for entry in self.terminals.list()], [1])
        processes, _ = self.client.list()
        self.assertEqual([entry.process for entry in processes], [1])
        self.assertIn(opened.pid, [entry.pid for entry in self.client.list(everything=True)[0]])


class Output(TerminalCase):
    def test_waiting_for_output_is_answered_by_output(self):
        go = self.path("go")
        os.mkfifo(go)
        opened = self.terminals.open(f"read _ <{go}; printf hello; sleep 60")
        waiting = self.terminals.send_wait(opened.terminal, until=OUTPUT)
        self.assertFalse(self.client.readable(0.05))
        with open(go, "w", encoding="ascii") as file:
            file.write("now\n")
        self.assertTrue(self.client.receive(waiting).data.startswith(b"h"))

    def test_waiting_has_an_end_of_its_own_and_can_be_cancelled(self):
        opened = self.terminals.open("sleep 60")
        begun = time.monotonic()
        self.assertEqual(self.terminals.ended(opened.terminal, wait_ms=120).status, RUNNING)
        self.assertGreaterEqual(time.monotonic() - begun, 0.12)
        waiting = self.terminals.send_wait(opened.terminal, until=END)
        self.client.cancel(waiting)
        self.assertIn("cancelled", self.refused(125, "cancelled", self.client.receive, waiting))
        self.assertEqual(self.terminals.wait(opened.terminal).status, RUNNING)
        waiting = self.terminals.send_wait(opened.terminal, until=END)
        self.client.cancel(waiting, kill=True)
        self.refused(125, "cancelled", self.client.receive, waiting)
        report = self.terminals.ended(opened.terminal)
        self.assertEqual((report.status, report.signal, report.reason), (SIGNALED, signal.SIGKILL, "cancelled"))

    def test_a_cancel_that_crosses_the_answer_of_open_still_kills(self):
        request = self.client.send(OPEN_TERMINAL, open_payload("sleep 60"))
        opened = self.client.receive(request)
        self.client.cancel(request, kill=True)
        self.assertEqual(self.terminals.ended(opened.terminal).reason, "cancelled")

    def test_pieces_are_read_by_offset(self):
        opened = self.terminals.open("stty -opost; printf 0123456789; exit 0")
        self.terminals.ended(opened.terminal)
        part = self.terminals.wait(opened.terminal, start=3, size=4)
        self.assertEqual((part.data, part.offset, part.start, part.produced, part.lost), (b"3456", 3, 3, 10, 0))
        part = self.terminals.wait(opened.terminal, start=50, until=END)
        self.assertEqual((part.data, part.offset, part.lost, part.end), (b"", 50, 0, True))

    def test_the_oldest_bytes_are_dropped_and_counted(self):
        size = 10_000_000
        report = self.run_to_end(f"stty -opost; yes 0123456 | head -c {size}")
        self.assertEqual((report.produced, report.end, report.status), (size, True, EXITED))
        self.assertEqual((report.lost, report.offset), (size - WINDOW, size - WINDOW))
        expected = b"0123456\n" * (size // 8)
        got, at = b"", 0
        while at < size:
            part = self.terminals.wait(report.terminal, start=at)
            self.assertEqual(part.lost, part.offset - at)
            got += part.data
            at = part.offset + len(part.data)
        self.assertEqual(got, expected[-WINDOW:])

    def test_a_slow_reader_holds_up_nobody_and_loses_only_what_is_counted(self):
        size = 10_000_000
        opened = self.terminals.open(f"stty -opost; yes 0123456 | head -c {size}")
        expected = b"0123456\n" * (size // 8)
        at = lost = 0
        while True:
            report = self.terminals.wait(opened.terminal, start=at, until=OUTPUT, size=4096)
            self.assertEqual(report.data, expected[report.offset:report.offset + len(report.data)])
            lost += report.lost
            if report.offset + len(report.data) < report.produced and report.end:
                break
            at = report.offset + len(report.data)
        self.assertEqual(report.produced, size)
        self.assertLess(lost, size)

    def test_a_busy_terminal_starves_neither_commands_nor_other_terminals(self):
        self.terminals.open("stty -opost; cat /dev/zero")
        self.terminals.open("stty -opost; cat /dev/zero")
        for _ in range(10):
            begun = time.monotonic()
            self.assertEqual(self.client.run("echo hi").out, b"hi\n")
            self.assertEqual(self.run_to_end("echo hi").data, b"hi\r\n")
            self.assertLess(time.monotonic() - begun, PATIENCE)

    def test_the_line_lasts_as_long_as_the_program(self):
        # It closes all its descriptors of the terminal, and opens it again.
        go = self.path("go")
        os.mkfifo(go)
        opened = self.terminals.open(f"exec </dev/null >/dev/null 2>&1; read _ <{go}; echo back >/dev/tty; exit 4")
        self.assertFalse(self.terminals.wait(opened.terminal, until=OUTPUT, wait_ms=100).end)
        with open(go, "w", encoding="ascii") as file:
            file.write("now\n")
        report = self.terminals.ended(opened.terminal)
        self.assertEqual((report.data, report.exit_code), (b"back\r\n", 4))

    def test_what_stays_behind_holds_the_end_up_for_the_grace_only(self):
        # It has given its session and so the hangup away, but keeps the terminal open.
        script = ("import os, fcntl, termios, time\nif os.fork() == 0:\n os.setsid(); print('held', flush=True)\n"
                  " time.sleep(60)\ntime.sleep(0.01)\n")
        report = self.run_to_end(argv=["python3", "-c", script])
        self.assertEqual((report.status, report.end), (EXITED, True))


class Typing(TerminalCase):
    def test_what_is_typed_is_echoed_and_read(self):
        opened = self.terminals.open("read -r line; echo got $line")
        self.terminals.write(opened.terminal, b"hello\r")
        self.assertEqual(self.terminals.ended(opened.terminal).data, b"hello\r\ngot hello\r\n")

    def test_control_c_and_control_z_are_signals(self):
        opened = self.terminals.open(argv=["bash", "--norc", "--noprofile", "-i"])
        terminal = opened.terminal
        self.terminals.until(terminal, b"$ ")
        self.terminals.write(terminal, b"echo be''gun; sleep 61\r")
        at = self.terminals.until(terminal, b"begun\r\n").produced
        self.assertTrue(eventually(lambda: self.pids_of("sleep 61")))
        self.terminals.write(terminal, b"\x03")
        at = self.terminals.until(terminal, b"^C", at).produced
        self.assertTrue(eventually(lambda: not self.pids_of("sleep 61")))
        self.terminals.write(terminal, b"echo be''gun; sleep 62\r")
        self.terminals.until(terminal, b"begun\r\n", at)
        self.assertTrue(eventually(lambda: self.pids_of("sleep 62")))
        job, = self.pids_of("sleep 62")

        def state():
            return self.client.run(f"ps -o stat= -p {job}").out.strip()

        self.terminals.write(terminal, b"\x1a")
        self.terminals.until(terminal, b"Stopped", at)
        self.assertEqual(state(), b"T")
        self.terminals.write(terminal, b"fg\r")
        self.assertTrue(eventually(lambda: state() == b"S+"))
        self.terminals.write(terminal, b"\x03")
        self.assertTrue(eventually(lambda: not self.pids_of("sleep 62")))
        self.terminals.write(terminal, b"exit\r")
        self.assertEqual(self.terminals.ended(terminal).status, EXITED)

    def test_a_program_that_does_not_read_holds_the_writer_up(self):
        go = self.path("go")
        os.mkfifo(go)
        opened = self.terminals.open(RAW + f"read _ <{go}; head -c 3000000 | md5sum")
        terminal = opened.terminal
        self.terminals.until(terminal, b"ready.")
        data = os.urandom(1_000_000)
        first = self.terminals.send_write(terminal, data)
        second = self.terminals.send_write(terminal, data)
        third = self.terminals.send_write(terminal, data)
        self.assertEqual(self.client.receive(first), (1_000_000, False))
        self.assertEqual(self.client.receive(second), (2_000_000, False))
        self.assertFalse(self.client.readable(0.1))  # more than 1 MiB waits
        with open(go, "w", encoding="ascii") as file:
            file.write("now\n")
        self.assertEqual(self.client.receive(third), (3_000_000, False))
        self.assertIn(hashlib.md5(data * 3).hexdigest().encode(), self.terminals.ended(terminal).data)

    def test_a_write_that_waits_is_bounded_and_can_be_cancelled(self):
        opened = self.terminals.open(RAW + "sleep 60")
        terminal = opened.terminal
        self.terminals.until(terminal, b"ready.")
        data = bytes(1 << 20)
        waiting = [self.terminals.send_write(terminal, data) for _ in range(2 + 16 + 1)]
        self.assertIn("waits for t1", self.refused(11, "limit", self.client.receive, waiting[-1]))
        self.client.cancel(waiting[5])
        self.refused(125, "cancelled", self.client.receive, waiting[5])
        self.refused(11, "limit", self.terminals.answer, terminal, 0, b"x")
        self.terminals.close(terminal, 0)
        self.assertTrue(self.client.receive(waiting[2])[1])

    def test_after_the_end_input_is_refused(self):
        report = self.run_to_end("true")
        self.assertEqual(self.terminals.write(report.terminal, b"x"), (1, True))
        self.assertIn("t1 has ended", self.refused(32, "ended", self.terminals.resize, report.terminal, 80, 24))
        self.assertFalse(report.echo_off)

    def test_resends_are_recognised_by_writer_and_offset(self):
        opened = self.terminals.open("read -r line; echo got $line")
        self.assertEqual(self.terminals.write(opened.terminal, b"abc", offset=0), (3, False))
        self.assertEqual(self.terminals.write(opened.terminal, b"abc", offset=0), (3, False))
        self.assertEqual(self.terminals.write(opened.terminal, b"bcd", offset=1), (4, False))
        self.assertEqual(self.terminals.write(opened.terminal, b"e\r", offset=0, writer="other"), (2, False))
        self.refused(22, "input", self.terminals.write, opened.terminal, b"x", offset=9)
        self.refused(22, "input", self.terminals.write, opened.terminal, b"x", offset=0, writer="w" * 33)
        self.assertIn(b"got abcde\r\n", self.terminals.ended(opened.terminal).data)

    def test_echo_off_means_that_a_secret_is_read(self):
        def echo_off_of(**options):
            terminal = self.terminals.open(**options).terminal
            self.terminals.until(terminal, b"ready.")
            eventually(lambda: self.terminals.wait(terminal).echo_off, 0.5)
            return terminal, self.terminals.wait(terminal).echo_off

        _, off = echo_off_of(argv=["bash", "-c", "read -rsp ready. secret"])
        self.assertTrue(off)
        script = "import getpass; getpass.getpass('ready.'); print('thanks', flush=True); input()"
        terminal, off = echo_off_of(argv=["python3", "-c", script])
        self.assertTrue(off)
        self.terminals.write(terminal, b"secret\r")
        report = self.terminals.until(terminal, b"thanks")
        self.assertNotIn(b"secret", report.data)
        self.assertTrue(eventually(lambda: not self.terminals.wait(terminal).echo_off))
        _, off = echo_off_of(command="stty -echo; printf ready.; read -r _")
        self.assertTrue(off)
        _, off = echo_off_of(argv=["bash", "--norc", "--noprofile", "-i"], env={"PS1": "ready.", "TERM": "xterm"})
        self.assertFalse(off)
        _, off = echo_off_of(command="printf ready.; read -r _")
        self.assertFalse(off)

    def test_each_query_is_answered_once(self):
        opened = self.terminals.open(RAW + "head -c 9 | od -An -c")
        terminal = opened.terminal
        at = self.terminals.until(terminal, b"ready.").produced
        self.refused(22, "answer", self.terminals.answer, terminal, at, b"zzz")
        self.terminals.answer(terminal, 2, b"one")
        self.terminals.answer(terminal, 2, b"xxx")
        self.terminals.answer(terminal, 1, b"xxx")
        self.terminals.answer(terminal, 3, b"two")
        self.refused(74, "decode", self.terminals.answer, terminal, 4, bytes(MAX_ANSWER + 1))
        self.terminals.write(terminal, b"end")
        self.assertIn(b"o   n   e   t   w   o   e   n   d", self.terminals.ended(terminal).data)

    def test_the_longest_answer_and_one_at_the_first_byte(self):
        opened = self.terminals.open(RAW + f"head -c {MAX_ANSWER} | wc -c")
        self.terminals.until(opened.terminal, b"ready.")
        self.terminals.answer(opened.terminal, 0, bytes(MAX_ANSWER))
        self.assertIn(str(MAX_ANSWER).encode(), self.terminals.ended(opened.terminal).data)
        self.terminals.answer(opened.terminal, 5, b"late")


class Size(TerminalCase):
    def test_a_new_size_is_seen_and_signalled_once(self):
        opened = self.terminals.open("trap 'stty size' WINCH; stty size; while :; do sleep 0.01; done", cols=132,
                                     rows=43)
        terminal = opened.terminal
        at = self.terminals.until(terminal, b"43 132\r\n").produced
        self.terminals.resize(terminal, 132, 43)
        self.terminals.resize(terminal, 100, 30)
        report = self.terminals.until(terminal, b"\r\n", at)
        self.assertEqual(report.data, b"30 100\r\n")
        self.assertEqual((report.cols, report.rows), (100, 30))
        for cols, rows in ((0, 1), (1, 0), (MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)):
            self.refused(74, "decode", self.terminals.resize, terminal, cols, rows)


if __name__ == "__main__":
    unittest.main()
