"""Connections, resuming, the lifeline and the lease; frames that are none; limits."""
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

from runner_case import BINARY, PATIENCE, SANITIZED, RunnerCase, eventually, skip_without
from runner_protocol import (CANCELLED, CANCEL, EMULATOR, EXITED, HELLO, MAGIC, MAX_DATA, MAX_PAYLOAD, PING, READ_OUTPUT,
                             RUNNING, SET_LEASE, SHUTDOWN, START, WRITE_DATA, UNTIL_EXIT, UNTIL_NONE, UNTIL_OUTPUT, Client, Runner, RunnerError, frame,
                             start_payload, text, wait_spec)


LEASE_OVER = 75


class Lifeline(RunnerCase):
    def test_the_end_of_the_channel_is_the_end_of_everything(self):
        marker = f"sleep 4{os.getpid()}"
        self.client.run(f"trap '' TERM; setsid -f {marker}; {marker}", wait=wait_spec(until=UNTIL_NONE))
        self.assertTrue(eventually(lambda: len(self.pids_of(marker)) >= 1))
        begun = time.monotonic()
        self.client.close()
        self.assertEqual(self.runner.wait_for_end(), 0)
        self.assertLess(time.monotonic() - begun, PATIENCE)
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        self.assertNotIn(marker, listed)

    def test_without_a_pid_namespace_of_its_own_it_ends_what_it_started(self):
        # The runner is a child of a shell that is pid 1, as in a container that somebody else made.
        def wrap(binary, *arguments):
            inner = f"{' '.join([*EMULATOR, binary])} serve {' '.join(arguments)}; ls /proc | grep -c '^[0-9]' > {self.path('left')}"
            return ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
                    "-c", inner]
        runner = self.make_runner(wrap=wrap)
        self.assertNotEqual(runner.client.greeting["pid"], 1)
        self.client = runner.client
        runner.client.run("trap '' TERM; setsid -f sleep 41111; (sleep 41111 &) ; env -i setsid sleep 41111",
                          wait=wait_spec(until=UNTIL_NONE))
        self.assertTrue(eventually(lambda: len(self.pids_of("sleep 41111")) >= 3))
        runner.client.close()
        runner.wait_for_end()
        self.assertLessEqual(int(self.get("left")), 3)  # the shell, ls and grep

    def test_shutdown_lets_commands_end_themselves(self):
        path = self.path("said")
        self.client.run(f"trap 'echo bye > {path}; exit' TERM; echo set; sleep 60 & wait",
                        wait=wait_spec(until=UNTIL_OUTPUT))
        self.client.call(SHUTDOWN)
        self.runner.wait_for_end()
        self.assertEqual(self.get("said"), b"bye\n")

    def test_sigterm_from_outside_ends_it_in_time(self):
        self.client.run("trap '' TERM; sleep 60", wait=wait_spec(until=UNTIL_NONE))
        inside = subprocess.run(["pgrep", "-P", str(self.runner.process.pid)], capture_output=True, text=True)
        begun = time.monotonic()
        os.kill(int(inside.stdout), signal.SIGTERM)
        self.runner.wait_for_end()
        self.assertLess(time.monotonic() - begun, PATIENCE)


class Listening(RunnerCase):
    def setUp(self):
        super().setUp()
        self.persistent = self.make_runner(channel=False, listen=self.path("socket"))

    def test_a_second_connection_resumes_where_the_first_was(self):
        first = self.persistent.connect()
        nonce = os.urandom(16)
        payload = start_payload("for i in 1 2 3; do echo $i; sleep 0.1; done; read -r x; echo got $x", nonce=nonce,
                                stdin_pipe=True, wait=wait_spec(until=UNTIL_EXIT))
        first.send(START, payload)
        self.assertTrue(eventually(lambda: first.read_output(1, 0, 0)["produced"] >= 2))
        first.socket.shutdown(socket.SHUT_RDWR)
        second = self.persistent.connect()
        self.assertEqual(second.greeting["boot_id"], first.greeting["boot_id"])
        again = second.send(START, payload)
        for _ in range(2):
            answer = second.receive(second.write_input(1, b"input\n", 0))
        self.assertEqual(answer[0], 6)
        report = second.receive(again)
        self.assertEqual((report.process, report.status, report.out), (1, EXITED, b"1\n2\n3\ngot input\n"))

    def test_the_lease_ends_a_runner_that_nobody_uses(self):
        self.arguments = ("--lease-s", "1")
        self.persistent = self.make_runner(channel=False, listen=self.path("leased"))
        client = self.persistent.connect()
        running = client.run("setsid -f sleep 60; read -r x", stdin_pipe=True, wait=wait_spec(until=UNTIL_NONE))
        time.sleep(1.2)  # longer than the lease
        client.call(PING)
        report = client.run("echo still here")
        self.assertEqual(report.out, b"still here\n")
        client.receive(client.write_input(running.process, b"now\n", 0))
        begun = time.monotonic()
        # Neither a connection nor a ping is use.
        while self.persistent.process.poll() is None and time.monotonic() - begun < 10:
            try:
                client.call(PING)
            except (ConnectionError, OSError):
                break
            time.sleep(0.05)
        self.assertEqual(self.persistent.wait_for_end(), LEASE_OVER)
        self.assertGreater(time.monotonic() - begun, 0.9)

    def test_the_expiry_ends_what_runs_and_can_be_moved(self):
        client = self.persistent.connect()
        client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE))
        client.call(SET_LEASE, struct.pack("<Qq", 0, int(time.time() * 1000) + 60000))
        client.call(SET_LEASE, struct.pack("<Qq", 0, int(time.time() * 1000) + 700))
        begun = time.monotonic()
        self.assertEqual(self.persistent.wait_for_end(), LEASE_OVER)
        self.assertGreater(time.monotonic() - begun, 0.4)

    def test_a_lease_needs_a_listener_and_sane_numbers(self):
        for client, payload in ((self.client, struct.pack("<Qq", 1000, 0)),
                                (self.persistent.connect(), struct.pack("<Qq", 1 << 63, 0)),
                                (self.persistent.connect(), struct.pack("<Qq", 0, -1))):
            with self.assertRaises(RunnerError):
                client.call(SET_LEASE, payload)

    def test_a_wrong_secret_is_refused(self):
        read, write = os.pipe()
        os.write(write, b"the secret")
        os.close(write)
        self.arguments = ("--secret-fd", str(read))
        runner = self.make_runner(channel=False, listen=self.path("other"), descriptors=[read])
        os.close(read)
        for secret in (b"", b"the secre", b"the secret.", b"another..."):
            client = runner.connect(greet=False)
            with self.assertRaises(RunnerError):
                client.call(HELLO, struct.pack("<IHH", MAGIC, 1, 1) + text("") + text(secret.decode()))
            self.assertTrue(client.closed_within())
        client = runner.connect(greet=False)
        client.call(HELLO, struct.pack("<IHH", MAGIC, 1, 1) + text("") + text("the secret"))

    def test_a_connection_too_many_is_closed(self):
        clients = [self.persistent.connect() for _ in range(8)]
        with self.assertRaises((ConnectionError, OSError)):
            self.persistent.connect()
        clients.pop().close()
        self.assertTrue(eventually(lambda: self.connects()))
        for client in clients:
            client.call(PING)

    def connects(self):
        try:
            self.persistent.connect()
            return True
        except (ConnectionError, OSError):
            return False

    def test_what_is_no_frame_closes_the_connection_only(self):
        cases = {
            "too long": struct.pack("<IBBHI", MAX_PAYLOAD + 1, PING, 0, 0, 1),
            "far too long": b"\xff" * 12,
            "reserved bits": struct.pack("<IBBHI", 0, PING, 1, 0, 1),
            "no id": frame(PING, 0),
            "an id in use": frame(START, 7, start_payload("sleep 60")) + frame(PING, 7),
        }
        for name, data in cases.items():
            with self.subTest(name):
                client = self.persistent.connect()
                client.socket.sendall(data)
                self.assertTrue(client.closed_within())
        for name, data in {"no hello": frame(PING, 1), "a wrong magic": frame(HELLO, 1, b"\0" * 16),
                           "not a hello": frame(HELLO, 1, b"xx"), "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}.items():
            with self.subTest(name):
                client = self.persistent.connect(greet=False)
                client.socket.sendall(data)
                self.assertTrue(client.closed_within())
        self.assertEqual(self.persistent.connect().run("echo alive").out, b"alive\n")

    def test_a_version_of_the_future_is_refused_with_words(self):
        client = self.persistent.connect(greet=False)
        with self.assertRaises(RunnerError) as caught:
            client.call(HELLO, struct.pack("<IHH", MAGIC, 2, 3) + text("") + text(""))
        self.assertIn("version 1", caught.exception.message)
        self.assertTrue(client.closed_within())

    def test_malformed_requests_are_answered(self):
        client = self.persistent.connect()
        for kind in (3, 10, 11, 12, 13, 14, 20, 21, 22, 23):
            for payload in (b"", b"\xff" * 7, os.urandom(300)):
                if kind == CANCEL:
                    client.send(CANCEL, payload)
                    continue
                with self.assertRaises(RunnerError):
                    client.call(kind, payload)
        with self.assertRaises(RunnerError) as caught:
            client.call(99)
        self.assertEqual(caught.exception.number, 38)
        client.send(WRITE_DATA, text(b"for nobody"))
        self.assertEqual(client.run("echo alive").out, b"alive\n")

    def test_frames_arrive_in_any_pieces(self):
        client = self.persistent.connect()
        data = frame(PING, 100) + frame(START, 101, start_payload("echo slow")) + frame(PING, 102)
        for byte in data:
            client.socket.sendall(bytes([byte]))
        self.assertEqual(client.receive(101).out, b"slow\n")
        self.assertIsNone(client.receive(102))

    def test_a_client_that_does_not_read_holds_little_and_loses_nothing(self):
        client = self.persistent.connect()
        report = client.run("head -c 1000000 /dev/zero", wait=wait_spec(head=0, tail=0))
        ids = list(range(100, 300))
        wanted = struct.pack("<QBQI", report.process, 0, 0, MAX_DATA)
        client.socket.sendall(b"".join(frame(READ_OUTPUT, request, wanted) for request in ids) +
                              frame(START, 300, start_payload("echo end")))
        other = self.persistent.connect()
        entries = other.list(everything=True)[0]
        if not SANITIZED:
            self.assertLess(next(entry.rss for entry in entries if entry.pid == 1), 40 << 20)
        for request in ids:
            self.assertEqual(len(client.receive(request)["data"]), 1_000_000)
        self.assertEqual(client.receive(300).out, b"end\n")


class Limits(RunnerCase):
    def test_outstanding_requests_are_bounded(self):
        self.client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE))
        waits = [self.client.send(11, struct.pack("<Q", 1) + wait_spec()) for _ in range(1024)]
        with self.assertRaises(RunnerError) as caught:
            self.client.call(PING)
        self.assertEqual(caught.exception.step, "limit")
        self.client.cancel(waits[0])
        with self.assertRaises(RunnerError):
            self.client.receive(waits[0])
        self.client.call(PING)

    def test_running_commands_are_bounded(self):
        requests = [self.client.start("exec sleep 60", wait=wait_spec(until=UNTIL_NONE)) for _ in range(256)]
        for request in requests:
            self.assertEqual(self.client.receive(request).status, RUNNING)
        with self.assertRaises(RunnerError) as caught:
            self.client.run("true")
        self.assertEqual((caught.exception.number, caught.exception.step), (11, "limit"))
        waiting = self.client.send(11, struct.pack("<Q", 1) + wait_spec())
        self.client.cancel(waiting, kill=True)
        self.assertEqual(self.client.receive(waiting).status, CANCELLED)
        self.assertEqual(self.client.run("echo room").out, b"room\n")

    def test_the_oldest_finished_command_is_forgotten(self):
        nonce = os.urandom(16)
        payload = start_payload("(sleep 0.5; echo still writing; echo alive > " + self.path("alive") + ") & echo x",
                                nonce=nonce)
        self.client.call(START, payload)
        for _ in range(256):
            self.client.run("true")
        with self.assertRaises(RunnerError) as caught:
            self.client.wait(1)
        self.assertEqual((caught.exception.number, caught.exception.step), (3, "process"))
        self.assertTrue(eventually(lambda: os.path.exists(self.path("alive"))))
        self.assertEqual(len(self.client.list()[0]), 256)

    def test_writers_are_bounded(self):
        report = self.client.run("sleep 60", stdin_pipe=True, writer="w0", wait=wait_spec(until=UNTIL_NONE))
        for index in range(1, 18):
            self.client.receive(self.client.write_input(report.process, b"x", 0, writer=f"w{index}"))
        # The 17th took the place of the first.
        for writer, offset in (("w1", 1), ("w" * 33, 0)):
            with self.assertRaises(RunnerError):
                self.client.receive(self.client.write_input(report.process, b"x", offset, writer=writer))

    def test_output_of_all_commands_stays_within_the_budget(self):
        size = 9 << 20
        for _ in range(34):
            self.client.run(f"head -c {size} /dev/zero", wait=wait_spec(head=10, tail=10))
        entries = self.client.list(everything=True)[0]
        if not SANITIZED:
            self.assertLess(next(entry.rss for entry in entries if entry.pid == 1), 300 << 20)
        first, last = self.client.wait(1), self.client.wait(34)
        self.assertEqual(first.streams[0].lost, size - (64 << 10))
        self.assertEqual(last.streams[0].lost, size - (8 << 20) - (64 << 10))


class Busybox(RunnerCase):
    """A root with nothing but busybox and the runner."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if SANITIZED or EMULATOR:
            raise unittest.SkipTest("this build needs more than itself")
        skip_without("bwrap", shutil.which("bwrap") is not None)
        cls.busybox = shutil.which("busybox")
        if cls.busybox is None or b"dynamic" in subprocess.run(["file", "-L", cls.busybox],
                                                              capture_output=True).stdout:
            raise unittest.SkipTest("a static busybox is missing")

    def make_runner(self, **options):
        def wrap(binary, *arguments):
            return ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--as-pid-1", "--ro-bind",
                    self.busybox, "/bin/busybox", "--ro-bind", binary, "/runner", "--proc", "/proc", "--tmpfs", "/tmp",
                    "--setenv", "HOME", "/tmp", "/runner", "serve", *arguments]
        return super().make_runner(wrap=wrap)

    def test_it_needs_nothing_else(self):
        self.assertEqual(self.client.greeting["shell"], "/bin/busybox")
        report = self.client.run("echo $0; busybox id -u; busybox wc -c; busybox ls /", data=b"12345")
        self.assertEqual(report.out, b"sh\n0\n5\nbin\nproc\nrunner\ntmp\n")
        self.assertEqual(self.client.run("busybox wc -c").out, b"0\n")
        self.client.write_file("/tmp/x/y", b"data\n", parents=True)
        self.assertEqual(self.client.run("busybox cat /tmp/x/y").out, b"data\n")
        request = self.client.start("busybox setsid busybox sleep 60; busybox true")
        self.assertTrue(eventually(lambda: self.pids_of("sleep 60") and not self.pids_of("setsid")))
        self.client.cancel(request, kill=True)
        self.assertEqual(self.client.receive(request).status, CANCELLED)
        self.assertEqual(self.pids_of("sleep"), [])


class Visited(RunnerCase):
    def make_runner(self, **options):
        return super().make_runner(visit=self.path("socket"), **options)

    def test_visitors_come_and_go_and_the_channel_stays_the_lifeline(self):
        first, second = self.runner.connect(), self.runner.connect()
        self.client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE))
        self.assertEqual(first.run("echo one").out, b"one\n")
        first.close()
        self.assertEqual(second.greeting["boot_id"], self.client.greeting["boot_id"])
        self.assertEqual(self.client.run("echo two").out, b"two\n")
        begun = time.monotonic()
        self.client.close()
        self.assertEqual(self.runner.wait_for_end(), 0)
        self.assertLess(time.monotonic() - begun, PATIENCE)
        with self.assertRaises(OSError):
            second.call(PING)

    def test_a_visitor_cannot_give_it_a_lease(self):
        with self.assertRaises(RunnerError):
            self.runner.connect().call(SET_LEASE, struct.pack("<Qq", 1000, 0))

    def test_visitors_beyond_the_limit_are_sent_away(self):
        visitors = [self.runner.connect() for _ in range(7)]
        with self.assertRaises(OSError):
            self.runner.connect()
        self.assertEqual(self.client.run("echo fine").out, b"fine\n")
        visitors[0].close()
        self.assertTrue(eventually(lambda: self.comes_in()))

    def comes_in(self):
        try:
            return self.runner.connect()
        except OSError:
            return None


class CommandLine(unittest.TestCase):
    def test_version_and_usage(self):
        version = subprocess.run([*EMULATOR, BINARY, "version"], capture_output=True, text=True)
        self.assertRegex(version.stdout, r"^rexec-runner \S+, protocol 1\n$")
        for arguments in ([], ["serve"], ["serve", "--channel-fd"], ["serve", "--channel-fd", "x"],
                          ["serve", "--listen-fd", "1"], ["serve", "--visit-fd", "1"], ["version", "more"],
                          ["serve", "--no", "1"]):
            result = subprocess.run([*EMULATOR, BINARY, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("usage", result.stderr)


if __name__ == "__main__":
    unittest.main()
