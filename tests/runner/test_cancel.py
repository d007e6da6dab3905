"""Dead means dead: a cancelled command leaves nothing behind, and nothing else is touched."""
import statistics
import time
import unittest

from runner_case import PATIENCE, SANITIZED, RunnerCase, eventually
from runner_protocol import CANCELLED, EXITED, RUNNING, UNTIL_NONE, UNTIL_OUTPUT, RunnerError, wait_spec

IGNORE = "trap '' HUP INT TERM QUIT USR1 USR2; "

# Each leaves descendants that try to get away in their own manner: (what they are called when they have done it, how many
# are sure to be called so, command).
ESCAPES = {
    "ignores signals": ("sleep 31001", 2, IGNORE + "(%s sleep 31001) & (sleep 31001) & sleep 31001" % IGNORE),
    "double fork": ("sleep 31002", 1, "( (sleep 31002 &) & ) ; sleep 31002"),
    "setsid": ("sleep 31003", 2, "setsid sleep 31003 & setsid -f sleep 31003; sleep 31003"),
    "empty environment": ("sleep 31004", 1,
                          "env -i setsid -f sh -c 'cd /; exec sleep 31004' </dev/null >/dev/null 2>&1; sleep 31004"),
    "stopped": ("sleep 31005", 0, "sleep 31005 & kill -STOP $!; sleep 31005"),
    "parent gone": ("sleep 31006", 2, "setsid -f sh -c 'sh -c \"sleep 31006 & sleep 31006\" & exit'; sleep 31006"),
    "lowers limits": ("sleep 31007", 1, "ulimit -x 1 2>/dev/null; setsid -f sleep 31007; sleep 31007"),
}

# Processes that live for a moment and leave one child each.
HOPPERS = """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(12):
    if os.fork() == 0:
        while True:
            if os.fork() > 0: os._exit(0)
            SESSION
            time.sleep(0.0005)
time.sleep(60)
"""

PYTHON_ESCAPE = r"""
import ctypes, os, resource, sys, time
libc = ctypes.CDLL(None, use_errno=True)
outcomes = []
for attempt in (lambda: resource.setrlimit(10, (5, 5)),
                lambda: resource.prlimit(os.getppid(), 10, (5, 5)),
                lambda: resource.setrlimit(10, resource.getrlimit(10))):
    try:
        attempt()
        outcomes.append("done")
    except (PermissionError, ValueError):
        outcomes.append("refused")
# setrlimit(2) itself, and prlimit(2) with rubbish in the registers that follow its arguments.
limit = (ctypes.c_uint64 * 2)(5, 5)
outcomes.append("refused" if libc.syscall(160 if os.uname().machine == "x86_64" else 164, 10, limit) else "done")
outcomes.append("refused" if libc.syscall(302 if os.uname().machine == "x86_64" else 261, 0, 10, limit, 0, -1, -1)
                else "done")
print(*outcomes)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
print(resource.getrlimit(resource.RLIMIT_CORE)[0], resource.getrlimit(10)[0] > 1 << 62)
"""


class Cancel(RunnerCase):
    def everything(self):
        entries, _ = self.client.list(everything=True)
        return sorted(entry.pid for entry in entries if entry.process == 0 or entry.status == RUNNING)

    def called(self, command):
        """How many processes have exactly this command line, the shell of a request aside."""
        entries, _ = self.client.list(everything=True)
        return sum(entry.process == 0 and entry.command == command for entry in entries)

    def sealed(self):
        return "lineage-sealed" in self.client.greeting["features"]

    def test_nothing_survives_and_others_are_unharmed(self):
        bystander = self.client.run("setsid -f sleep 32000; echo up; sleep 32000", wait=wait_spec(until=UNTIL_OUTPUT))
        self.assertTrue(eventually(lambda: "sleep 32000" in self.commands() and not self.pids_of("setsid")))
        before = self.everything()
        for name, (marker, count, command) in ESCAPES.items():
            if name == "lowers limits" and not self.sealed():
                continue
            with self.subTest(name):
                request = self.client.start(command)
                self.assertTrue(eventually(lambda: len(self.everything()) >= len(before) + 2 and self.called(marker) >= count))
                self.client.cancel(request, kill=True)
                report = self.client.receive(request)
                self.assertEqual(self.everything(), before)
                self.assertEqual((report.status, report.reason), (CANCELLED, "cancelled"))
        self.assertEqual(self.client.wait(bystander.process, until=UNTIL_NONE).status, RUNNING)

    def test_it_takes_less_than_a_tenth_of_a_second(self):
        times = []
        command = "; ".join(ESCAPES[name][2] + " &" for name in ("double fork", "setsid", "parent gone")) \
            .replace("&;", "&") + " sleep 31008"
        idle = self.everything()
        for _ in range(20):
            request = self.client.start(IGNORE + command)
            self.assertTrue(eventually(lambda: len(self.everything()) >= len(idle) + 8))
            begun = time.monotonic()
            self.client.cancel(request, kill=True)
            self.client.receive(request)
            times.append(time.monotonic() - begun)
            self.assertEqual(self.everything(), idle)
        self.assertLess(statistics.median(times), 0.1 * (PATIENCE if SANITIZED else 1))
        print(f"\ncancel to last process gone: median {statistics.median(times) * 1000:.2f} ms, "
              f"largest {max(times) * 1000:.2f} ms")

    def test_what_keeps_moving_is_caught(self):
        for session in ("", "os.setsid()"):
            with self.subTest(session):
                request = self.client.start(argv=["python3", "-c", HOPPERS.replace("SESSION", session)])
                self.assertTrue(eventually(lambda: len(self.everything()) > 8))
                self.client.cancel(request, kill=True)
                self.assertEqual(self.client.receive(request).status, CANCELLED)
                self.assertEqual(self.everything(), [1])

    def test_the_tag_cannot_be_shed(self):
        if not self.sealed():
            self.skipTest("no seccomp filter can be installed here")
        report = self.client.run(argv=["python3", "-c", PYTHON_ESCAPE])
        self.assertEqual(report.err, b"")
        self.assertEqual(report.out, b"refused refused refused refused refused\n0 True\n")

    def test_a_command_that_has_ended_keeps_its_result(self):
        request = self.client.start("setsid -f sleep 31009; echo done; exit 4")
        self.assertTrue(eventually(lambda: self.pids_of("sleep 31009")))
        self.assertTrue(eventually(lambda: self.client.list()[0][0].status == EXITED))
        self.client.cancel(request, kill=True)
        report = self.client.receive(request)
        self.assertEqual((report.status, report.exit_code, report.out), (EXITED, 4, b"done\n"))

    def test_a_start_that_has_been_answered_is_still_cancelled(self):
        idle = self.everything()
        escape = IGNORE + "(%s setsid -f sleep 31010) & sleep 31010 & echo up; sleep 31010" % IGNORE
        request = self.client.start(escape, wait=wait_spec(until=UNTIL_NONE))
        report = self.client.receive(request)
        self.assertEqual(report.status, RUNNING)
        self.assertTrue(eventually(lambda: len(self.pids_of("sleep 31010")) >= 2))
        self.client.cancel(request)
        self.assertEqual(self.client.wait(report.process, until=UNTIL_NONE).status, RUNNING)
        self.client.cancel(request, kill=True)
        ended = self.client.wait(report.process)
        self.assertEqual((ended.status, ended.reason), (CANCELLED, "cancelled"))
        self.assertTrue(eventually(lambda: self.everything() == idle))

    def test_a_late_cancel_leaves_what_has_ended_alone(self):
        request = self.client.start("setsid -f sleep 31011 >/dev/null 2>&1; exit 4")
        report = self.client.receive(request)
        self.assertTrue(eventually(lambda: self.pids_of("sleep 31011")))
        self.client.cancel(request, kill=True)
        after = self.client.wait(report.process)
        self.assertEqual((after.status, after.exit_code, after.reason), (EXITED, 4, ""))
        self.assertTrue(self.pids_of("sleep 31011"))

    def test_a_late_cancel_of_another_connection_changes_nothing(self):
        runner = self.make_runner(channel=False, listen=self.path("socket"))
        first, second = runner.connect(), runner.connect()
        request = first.start("sleep 31012", wait=wait_spec(until=UNTIL_NONE))
        process = first.receive(request).process
        second.cancel(request, kill=True)
        self.assertEqual(second.wait(process, until=UNTIL_NONE).status, RUNNING)
        first.cancel(request, kill=True)
        self.assertEqual(first.wait(process).status, CANCELLED)

    def test_a_repeated_start_hands_its_process_to_the_latest_request(self):
        nonce = bytes(range(16))
        for _ in range(2):
            request = self.client.start("sleep 31013", nonce=nonce, wait=wait_spec(until=UNTIL_NONE))
            report = self.client.receive(request)
        self.client.cancel(request, kill=True)
        self.assertEqual(self.client.wait(report.process).status, CANCELLED)

    def test_output_before_the_cancellation_is_reported(self):
        request = self.client.start("echo before; sleep 60")
        self.assertTrue(eventually(lambda: self.client.read_output(1, 0, 0)["produced"] == 7))
        self.client.cancel(request, kill=True)
        self.assertEqual(self.client.receive(request).out, b"before\n")

    def test_giving_up_waiting_lets_it_run(self):
        report = self.client.run("echo up; sleep 60", wait=wait_spec(until=UNTIL_OUTPUT))
        request = self.client.send(11, report.process.to_bytes(8, "little") + wait_spec())
        self.client.cancel(request)
        with self.assertRaises(RunnerError) as caught:
            self.client.receive(request)
        self.assertEqual((caught.exception.number, caught.exception.step), (125, "cancelled"))
        self.client.cancel(request)
        self.client.cancel(4242, kill=True)
        self.assertEqual(self.client.wait(report.process, until=UNTIL_NONE).status, RUNNING)


if __name__ == "__main__":
    unittest.main()
