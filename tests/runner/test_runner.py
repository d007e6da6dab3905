"""Commands: what they print, what they are told, how they end."""
import os
import random
import signal
import struct
import time
import unittest

from runner_case import PATIENCE, RunnerCase, eventually
from runner_protocol import (ENVIRONMENT, EXITED, MAX_DATA, RUNNING, SIGNALED, START, TIMED_OUT, TREE, UNTIL_NONE,
                             UNTIL_OUTPUT, RunnerError, start_payload, wait_spec)


class Output(RunnerCase):
    def test_both_streams_and_status_are_exact(self):
        report = self.client.run("printf 'out\\n'; printf 'err\\nor' >&2; exit 7")
        self.assertEqual((report.status, report.exit_code), (EXITED, 7))
        self.assertEqual((report.out, report.err), (b"out\n", b"err\nor"))
        self.assertEqual([stream.newlines for stream in report.streams], [1, 1])
        self.assertTrue(all(stream.end for stream in report.streams))
        self.assertFalse(report.pipes_held)
        self.assertTrue(report.usage_known)
        self.assertGreater(report.max_rss, 100_000)

    def test_every_byte_value_comes_through(self):
        data = bytes(range(256)) * 40 + b"\xff\xfe\x80 \0\0 end"
        path = self.put("bytes", data)
        report = self.client.run(f"cat {path}; cat {path} >&2")
        self.assertEqual((report.out, report.err), (data, data))

    def test_four_megabytes_on_one_line_are_read_back_whole(self):
        line = random.Random(1).randbytes(4 << 20).replace(b"\n", b"x")
        path = self.put("line", line)
        report = self.client.run(f"cat {path}", wait=wait_spec(head=1000, tail=2000))
        stream = report.streams[0]
        self.assertEqual((stream.produced, stream.newlines, stream.lost), (len(line), 0, 0))
        self.assertEqual((stream.head, stream.tail), (line[:1000], line[-2000:]))
        self.assertEqual(stream.tail_offset, len(line) - 2000)
        got = b""
        while len(got) < len(line):
            part = self.client.read_output(report.process, 0, len(got))
            self.assertEqual(part["offset"], len(got))
            got += part["data"]
        self.assertEqual(got, line)

    def test_what_does_not_fit_is_counted_and_its_ends_are_kept(self):
        size, window = 24_000_000, 8 << 20
        report = self.client.run(f"yes 0123456 | head -c {size}", wait=wait_spec(head=100, tail=100))
        stream = report.streams[0]
        self.assertEqual((stream.produced, stream.newlines), (size, size // 8))
        self.assertEqual(stream.lost, size - window - (64 << 10))
        self.assertEqual(stream.head, (b"0123456\n" * 13)[:100])
        self.assertEqual(stream.tail, (b"0123456\n" * 13)[-100:])
        part = self.client.read_output(report.process, 0, 1_000_000, 800)
        self.assertEqual(part["offset"], size - window)
        self.assertEqual(part["newlines_before"], (size - window) // 8)
        self.assertEqual(part["data"], b"0123456\n" * 100)

    def test_fifty_overlapping_commands_are_exact_twenty_times(self):
        for turn in range(20):
            requests = {}
            for index in range(50):
                size = (index * 997 + turn * 131) % 9000
                command = f"printf '%0{size + 1}d' {index}; printf 'e{index}-{turn}' >&2; exit {index}"
                requests[self.client.start(command)] = (index, size)
            for request, (index, size) in requests.items():
                report = self.client.receive(request)
                self.assertEqual(report.exit_code, index)
                self.assertEqual(report.out, f"{index:0{size + 1}d}".encode())
                self.assertEqual(report.err, f"e{index}-{turn}".encode())

    def test_a_child_that_holds_the_pipe_delays_the_answer_by_the_grace_only(self):
        go = self.path("go")
        os.mkfifo(go)
        begun = time.monotonic()
        report = self.client.run(f"(read _ <{go}; echo late; sleep 60) & echo now")
        self.assertGreaterEqual(time.monotonic() - begun, 0.195)
        self.assertEqual(report.out, b"now\n")
        self.assertTrue(report.pipes_held)
        later = self.client.wait(report.process, until=UNTIL_OUTPUT, wait_ms=0)
        self.assertEqual(later.out, b"now\n")
        with open(go, "w", encoding="ascii") as file:
            file.write("now\n")
        self.assertTrue(eventually(lambda: self.client.wait(report.process).out == b"now\nlate\n"))

    def test_waiting_for_output_answers_with_what_is_there(self):
        request = self.client.start("echo one; read -r line; echo $line; sleep 60", stdin_pipe=True,
                                    wait=wait_spec(until=UNTIL_OUTPUT))
        report = self.client.receive(request)
        self.assertEqual((report.status, report.out), (RUNNING, b"one\n"))
        waiting = self.client.send(11, struct.pack("<Q", report.process) +
                                   wait_spec(until=UNTIL_OUTPUT, start=(4, 0)))
        self.client.receive(self.client.write_input(report.process, b"two\n", 0))
        self.assertEqual(self.client.receive(waiting).out, b"two\n")

    def test_waiting_has_an_end_of_its_own(self):
        begun = time.monotonic()
        report = self.client.run("sleep 60", wait=wait_spec(wait_ms=120))
        self.assertEqual(report.status, RUNNING)
        self.assertGreaterEqual(time.monotonic() - begun, 0.12)
        self.assertEqual(self.client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE)).status, RUNNING)

    def test_a_busy_stream_does_not_starve_others(self):
        self.client.run("cat /dev/zero", wait=wait_spec(until=UNTIL_NONE))
        for _ in range(20):
            begun = time.monotonic()
            self.assertEqual(self.client.run("echo hi").out, b"hi\n")
            self.assertLess(time.monotonic() - begun, PATIENCE)


class Starting(RunnerCase):
    def fails(self, number, step, **options):
        with self.assertRaises(RunnerError) as caught:
            self.client.run(**options)
        self.assertEqual((caught.exception.number, caught.exception.step), (number, step))
        return caught.exception.message

    def test_what_fails_is_named(self):
        self.assertIn("/no/such", self.fails(2, "cwd", command="true", cwd="/no/such"))
        self.assertIn("no-such-program", self.fails(2, "exec", argv=["no-such-program"]))
        self.fails(13, "exec", argv=[self.put("plain", b"text")])
        self.fails(22, "start", command="true", argv=["true"])
        self.fails(22, "start", command="")
        self.fails(22, "start", command="echo a\0b")
        self.fails(22, "cwd", command="true", cwd="relative")
        self.fails(7, "limit", argv=["echo", "x" * 131072])
        self.fails(7, "limit", argv=["echo"] + ["x" * 100_000] * 11)

    def test_programs_are_found_in_the_given_path(self):
        script = self.put("tool", b"echo script $1\n")
        os.chmod(script, 0o755)
        environment = {"PATH": f"/nonexistent:{self.folder}:/usr/bin:/bin"}
        self.assertEqual(self.client.run(argv=["tool", "here"], env=environment).out, b"script here\n")
        self.assertEqual(self.client.run(argv=["echo", "a b", ""], env=environment).out, b"a b \n")

    def test_the_environment_is_exactly_what_was_given(self):
        report = self.client.run(argv=["/usr/bin/env"], env={"A": "1", "B": "x=y"})
        self.assertEqual(report.out, b"A=1\nB=x=y\n")

    def test_a_command_starts_clean(self):
        report = self.client.run("ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status; umask; ulimit -Sn; "
                                 "cut -d' ' -f5,6 /proc/$$/stat; echo $$; cat | wc -c")
        lines = report.out.decode().split("\n")
        self.assertEqual(lines[:4], ["0", "1", "2", "3"])  # 3 is ls itself
        self.assertEqual(lines[4:6], ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"])
        self.assertEqual(lines[6], "0022")
        group, session = lines[8].split()
        self.assertEqual((group, session, lines[10]), (lines[9], lines[9], "0"))

    def test_the_same_nonce_is_the_same_process(self):
        path = self.path("count")
        nonce = os.urandom(16)
        payload = start_payload(f"echo x >> {path}; sleep 0.2; echo done", nonce=nonce)
        first = [self.client.send(START, payload) for _ in range(5)]
        reports = [self.client.receive(request) for request in first]
        reports.append(self.client.call(START, payload))
        self.assertEqual({report.process for report in reports}, {reports[0].process})
        self.assertEqual({report.out for report in reports}, {b"done\n"})
        self.assertEqual(self.get("count"), b"x\n")

    def test_numbers_count_up_from_one(self):
        self.assertEqual([self.client.run("true").process for _ in range(3)], [1, 2, 3])


class Ending(RunnerCase):
    def test_a_signal_is_reported(self):
        report = self.client.run("kill -SEGV $$")
        self.assertEqual((report.status, report.signal), (SIGNALED, signal.SIGSEGV))

    def test_timeout_ends_with_its_reason(self):
        begun = time.monotonic()
        report = self.client.run("echo before; sleep 60", timeout_ms=150)
        self.assertEqual((report.status, report.reason, report.out), (TIMED_OUT, "timeout 0.15 s", b"before\n"))
        self.assertLess(time.monotonic() - begun, PATIENCE)

    def test_timeout_kills_what_ignores_it_after_the_grace(self):
        command = "trap '' TERM; (trap '' TERM; setsid sleep 4321) & sleep 60; sleep 60"
        begun = time.monotonic()
        report = self.client.run(command, timeout_ms=100, grace_ms=300)
        took = time.monotonic() - begun
        self.assertEqual((report.status, report.signal), (TIMED_OUT, signal.SIGKILL))
        self.assertGreaterEqual(took, 0.4)
        self.assertLess(took, PATIENCE)
        self.assertEqual(self.pids_of("sleep 4321"), [])

    def test_the_kill_of_a_timeout_still_finds_leftovers_after_another_signal(self):
        command = "(trap '' TERM; exec setsid sleep 4322) >/dev/null 2>&1 & sleep 60"
        report = self.client.run(command, timeout_ms=75 * PATIENCE, grace_ms=600_000)
        self.assertEqual(report.status, TIMED_OUT)
        self.assertTrue(self.pids_of("sleep 4322"))
        self.client.signal(report.process, signal.SIGTERM, scope=TREE, kill_after_ms=1)
        self.assertTrue(eventually(lambda: not self.pids_of("sleep 4322")))

    def test_a_timeout_does_not_put_off_a_kill_that_is_due_earlier(self):
        report = self.client.run("trap '' TERM; echo up; while :; do sleep 60; done", timeout_ms=300,
                                 grace_ms=600_000, wait=wait_spec(until=UNTIL_OUTPUT))
        self.client.signal(report.process, signal.SIGTERM, kill_after_ms=600)
        report = self.client.wait(report.process, wait_ms=10_000)
        self.assertEqual((report.status, report.signal), (TIMED_OUT, signal.SIGKILL))

    def test_pipes_of_forgotten_commands_are_bounded(self):
        def leave_children(count):
            for done in range(0, count, 64):
                for _ in range(min(64, count - done)):
                    self.client.run("sleep 4323 &", wait=wait_spec(until=UNTIL_NONE))
                self.assertTrue(eventually(lambda: all(e.status != RUNNING for e in self.client.list()[0])))

        def pipes():
            return int(self.client.run("ls -l /proc/1/fd | grep -c pipe:").out)

        # 256 commands are remembered, and 256 pipes of forgotten ones are kept: two for each.
        leave_children(256 + 128 + 8)
        before = pipes()
        self.assertGreaterEqual(before, 2 * 256 + 256 - 32)
        leave_children(32)
        self.assertLessEqual(abs(pipes() - before), 32)

    def test_the_time_left_is_told(self):
        report = self.client.run("sleep 60", timeout_ms=50_000, wait=wait_spec(until=UNTIL_NONE))
        self.assertTrue(45_000 < report.deadline_ms <= 50_000)

    def test_signals_go_to_the_group_and_carry_a_reason(self):
        report = self.client.run("trap 'echo got; exit 5' INT; sleep 60 & echo up; wait",
                                 wait=wait_spec(until=UNTIL_OUTPUT))
        self.client.signal(report.process, signal.SIGINT, reason="stopped by the user")
        report = self.client.wait(report.process)
        self.assertEqual((report.exit_code, report.out, report.reason), (5, b"up\ngot\n", "stopped by the user"))

    def test_kill_after_follows_when_the_signal_is_ignored(self):
        report = self.client.run("trap '' TERM; echo up; while :; do sleep 60; done",
                                 wait=wait_spec(until=UNTIL_OUTPUT))
        self.client.signal(report.process, signal.SIGTERM, kill_after_ms=100)
        self.assertEqual(self.client.wait(report.process).signal, signal.SIGKILL)

    def test_kill_after_spares_what_a_command_that_ended_left_behind(self):
        report = self.client.run("setsid -f sleep 5431; trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done",
                                 wait=wait_spec(until=UNTIL_OUTPUT))
        self.assertTrue(eventually(lambda: self.commands() >= {"sleep 5431"}))
        clock = self.client.run("trap '' TERM; echo up; while :; do sleep 0.01; done",
                                wait=wait_spec(until=UNTIL_OUTPUT))
        self.client.signal(report.process, signal.SIGTERM, kill_after_ms=300)
        self.client.signal(clock.process, signal.SIGTERM, kill_after_ms=600)
        self.assertEqual(self.client.wait(report.process).status, EXITED)
        self.assertEqual(self.client.wait(clock.process).signal, signal.SIGKILL)  # so the other's time was over, too
        self.assertIn("sleep 5431", self.commands())

    def test_signals_reach_what_is_left_of_a_group(self):
        report = self.client.run("sleep 5432 & echo left")
        self.assertEqual(len(self.pids_of("sleep 5432")), 1)
        self.client.signal(report.process, signal.SIGTERM)
        self.assertTrue(eventually(lambda: not self.pids_of("sleep 5432")))
        self.assertEqual(eventually(lambda: self.refusal(report.process)), "ended")

    def refusal(self, process):
        """Why a signal is refused; None while something of the process is still there to take it."""
        try:
            self.client.signal(process, signal.SIGTERM)
            return None
        except RunnerError as error:
            return error.step

    def test_a_tree_signal_finds_what_left_the_group(self):
        report = self.client.run("setsid -f sleep 6543; echo left")
        self.client.signal(report.process, signal.SIGTERM, scope=TREE)
        self.assertTrue(eventually(lambda: not self.pids_of("sleep 6543")))

    def test_nonsense_signals_are_refused(self):
        report = self.client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE))
        for number in (0, -1, -9, 65, 1 << 30):
            with self.assertRaises(RunnerError):
                self.client.signal(report.process, number)
        with self.assertRaises(RunnerError) as caught:
            self.client.signal(99, signal.SIGTERM)
        self.assertEqual(caught.exception.number, 3)

    def test_the_runner_is_not_ended_from_inside(self):
        self.client.run("kill -TERM 1; kill -KILL 1; kill -HUP 1; kill -KILL -1; sleep 0.1")
        self.assertEqual(self.client.run("echo alive").out, b"alive\n")


class Listing(RunnerCase):
    def test_running_and_finished_commands_are_listed(self):
        self.client.run("exit 3")
        report = self.client.run("exec sleep 7654", wait=wait_spec(until=UNTIL_NONE))
        self.assertTrue(eventually(lambda: self.client.list()[0][0].rss > 0))
        entries, truncated = self.client.list()
        self.assertFalse(truncated)
        self.assertEqual([(entry.process, entry.status, entry.command) for entry in entries],
                         [(2, RUNNING, "exec sleep 7654"), (1, EXITED, "exit 3")])
        self.assertEqual((entries[0].pid, entries[0].ppid), (report.pid, 1))

    def test_every_process_of_the_sandbox_is_listed(self):
        self.client.run("sleep 8765 & (exec -a 'odd) (name' sleep 8766) & echo", env=ENVIRONMENT)
        self.assertTrue(eventually(lambda: self.pids_of("odd) (name")))
        entries, _ = self.client.list(everything=True)
        found = [entry.command for entry in entries if entry.process == 0 and entry.command.startswith("sleep")]
        self.assertEqual(found, ["sleep 8765"])
        self.assertEqual([entry.pid for entry in entries if "rexec-runner" in entry.command], [1])


class Input(RunnerCase):
    def test_ten_megabytes_pass_exactly(self):
        data = random.Random(2).randbytes(10_000_000)
        path = self.path("copy")
        request = self.client.start(f"cat > {path}; wc -c < {path}", stdin_pipe=True, data=data[:MAX_DATA])
        offset = MAX_DATA
        process = self.client.list()[0][0].process
        pending = []
        while offset < len(data):
            part = data[offset:offset + MAX_DATA]
            pending.append(self.client.write_input(process, part, offset, close=offset + len(part) == len(data)))
            offset += len(part)
            if len(pending) == 2:
                self.client.receive(pending.pop(0))
        for each in pending:
            self.client.receive(each)
        self.assertEqual(self.client.receive(request).out, b"10000000\n")
        self.assertEqual(self.get("copy"), data)

    def test_input_of_the_start_is_followed_by_the_end(self):
        self.assertEqual(self.client.run("cat", data=b"all of it").out, b"all of it")
        self.assertEqual(self.client.run("cat", stdin_pipe=True, close_after_input=True).out, b"")

    def test_a_resend_is_recognised_and_a_gap_refused(self):
        report = self.client.run("cat", stdin_pipe=True, data=b"abc", wait=wait_spec(until=UNTIL_NONE))
        answer = self.client.receive(self.client.write_input(report.process, b"bcdef", 1))
        self.assertEqual(answer, (6, False))
        self.assertEqual(self.client.receive(self.client.write_input(report.process, b"XYZ", 0, writer="v")), (3, False))
        with self.assertRaises(RunnerError):
            self.client.receive(self.client.write_input(report.process, b"?", 8))
        self.client.receive(self.client.write_input(report.process, b"", 6, close=True))
        self.assertEqual(self.client.wait(report.process).out, b"abcdefXYZ")

    def test_input_waits_while_nobody_reads(self):
        report = self.client.run("sleep 60", stdin_pipe=True, wait=wait_spec(until=UNTIL_NONE))
        sent, answered = 0, True
        while answered:
            request = self.client.write_input(report.process, b"x" * MAX_DATA, sent)
            self.client.call(2)
            answered = request in self.client.answers
            sent += MAX_DATA
        self.assertLessEqual(sent, 4 * MAX_DATA)
        self.client.cancel(request)
        with self.assertRaises(RunnerError) as caught:
            self.client.receive(request)
        self.assertEqual(caught.exception.number, 125)

    def test_a_closed_reader_is_reported(self):
        report = self.client.run("exec <&-; echo closed; sleep 60", stdin_pipe=True, wait=wait_spec(until=UNTIL_OUTPUT))
        answer = self.client.receive(self.client.write_input(report.process, b"data", 0))
        self.assertTrue(answer[1])
        with self.assertRaises(RunnerError):
            report = self.client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE))
            self.client.receive(self.client.write_input(report.process, b"data", 0))


if __name__ == "__main__":
    unittest.main()
