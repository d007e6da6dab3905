"""The server is killed at random moments of a mixed workload on a persistent sandbox, and a new one goes on.

REXEC_RESTARTS: how often (20). REXEC_SEED: of the moments; printed, so that a run can be repeated.
"""
import os
import random
import re
import threading
import unittest

from support import Lost, PersistenceCase, ToolError, eventually

RESTARTS = int(os.environ.get("REXEC_RESTARTS", "20"))
SEED = int(os.environ.get("REXEC_SEED", str(random.SystemRandom().randrange(1 << 32))))
MOST_STEPS = 12  # before the one in which the server is killed, or soon after it
LONGEST_DELAY_S = 0.06

COUNTER = "i=0; while :; do i=$((i+1)); echo line $i; echo also $i >&2; sleep 0.01; done"


class Workload:
    """Uses one sandbox through whatever server there is, and knows what must have happened and what may have."""

    def __init__(self, test, choose):
        self.test = test
        self.choose = choose
        self.server = None
        self.counter = {}
        self.cursor = None
        self.lines = [0, 0]
        self.rest = ["", ""]
        self.echo = None
        self.typed = []  # (text, whether it was acknowledged)
        self.logged = []
        self.written = {}
        self.number = 0
        self.steps = 0

    def begin(self):
        self.server.call("sandbox_create", name="work", persistent=True)
        started = self.server.call("exec", sandbox="work", command=COUNTER, wait_s=0)
        self.counter = started["process"]
        self.echo = self.server.call("exec", sandbox="work", command="cat > typed", wait_s=0)["process"]

    def step(self):
        self.choose.choice([self.follow, self.type, self.log, self.write, self.look])()
        self.steps += 1

    def follow(self):
        arguments = {} if self.cursor is None else {"cursor": self.cursor}
        answer = self.server.call("process_read", sandbox="work", process=self.counter, wait_s=0.02,
                                  max_chars=100000, **arguments)
        self.test.assertEqual(answer["status"], "running", answer)
        self.test.assertNotIn("lost_bytes", answer)
        self.test.assertNotIn("omitted_bytes", answer)
        for stream, (key, word) in enumerate((("stdout", "line"), ("stderr", "also"))):
            text = self.rest[stream] + answer.get(key, "")
            *whole, self.rest[stream] = text.split("\n")
            for line in whole:
                self.lines[stream] += 1
                self.test.assertEqual(line, f"{word} {self.lines[stream]}")
        self.cursor = answer["cursor"]

    def attempt(self, record, text, action):
        record.append([text, False])
        action()
        record[-1][1] = True

    def unique(self):
        self.number += 1
        return f"<{self.number}>"

    def type(self):
        text = self.unique()
        self.attempt(self.typed, text, lambda: self.server.call(
            "process_input", sandbox="work", process=self.echo, text=text + "\n"))

    def log(self):
        text = self.unique()

        def run():
            answer = self.server.call("exec", sandbox="work", command=f"echo '{text}' >> log; echo 'said {text}'")
            self.test.assertEqual((answer["exit_code"], answer["stdout"]), (0, f"said {text}\n"))

        self.attempt(self.logged, text, run)

    def write(self):
        name = f"file{self.choose.randrange(3)}"
        text = self.unique() * self.choose.choice([1, 100, 20000])
        before = self.written.get(name, {None})
        self.written[name] = before | {text}
        self.server.call("write_file", sandbox="work", path=name, content=text)
        self.written[name] = {text}

    def look(self):
        listed = self.server.call("process_list", sandbox="work")
        running = {entry["process"] for entry in listed["processes"] if entry["status"] == "running"}
        if not listed.get("truncated"):  # the newest are listed, and these two are the oldest
            self.test.assertLessEqual({self.counter, self.echo}, running)
        for process in (self.counter, self.echo):
            answer = self.server.call("process_read", sandbox="work", process=process, tail_lines=1)
            self.test.assertEqual(answer["status"], "running", answer)

    def check(self):
        self.look()
        self.follow()
        self.server.call("process_input", sandbox="work", process=self.echo, close_stdin=True)
        ended = self.server.call("process_read", sandbox="work", process=self.echo, until="exit", wait_s=20)
        self.test.assertEqual(ended["status"], "exited")
        for record, name in ((self.typed, "typed"), (self.logged, "log")):
            text = self.server.call("exec", sandbox="work", command=f"cat {name}", max_chars=10000000)["stdout"]
            found = re.findall("<[0-9]+>", text)
            self.test.assertEqual(len(found), len(set(found)), f"{name}: something is there twice")
            self.test.assertEqual(found, sorted(found, key=lambda item: int(item[1:-1])), name)
            self.test.assertEqual([text for text, sure in record if sure and text not in found], [], name)
            self.test.assertLessEqual(set(found), {text for text, _ in record}, name)
        for name, possible in self.written.items():
            read = self.server.call("exec", sandbox="work", command=f"cat {name} 2>/dev/null || true",
                                    max_chars=10000000)["stdout"]
            self.test.assertIn(read, {text or "" for text in possible}, name)


class Restart(PersistenceCase):
    def test_nothing_is_lost_doubled_or_leaked(self):
        print(f"REXEC_SEED={SEED} REXEC_RESTARTS={RESTARTS}", flush=True)
        choose = random.Random(SEED)
        work = Workload(self, choose)
        work.server = self.server()
        work.begin()
        descriptors = None
        for _ in range(RESTARTS):
            server = work.server
            timer = threading.Timer(choose.random() * LONGEST_DELAY_S, server.process.kill)
            steps = choose.randrange(MOST_STEPS + 1)
            try:
                for _ in range(steps):
                    work.step()
                timer.start()
                while True:
                    work.step()
            except Lost:
                pass
            timer.join()
            server.reap()
            while True:
                try:
                    work.server = self.server()
                    break
                except Lost:
                    pass
            descriptors = descriptors or self.descriptors()
        work.check()
        print(f"{RESTARTS} restarts, {work.steps} steps, {work.lines[0]} lines of output, "
              f"{len(work.typed)} of input, {len(work.logged)} commands", flush=True)
        self.assertEqual(len(self.directories()), 1)
        self.assertEqual(sorted(os.listdir(self.path_of(self.directories()[0]))),
                         ["alive", "home", "lock", "record.json", "socket"])
        self.assertFalse([name for name in os.listdir(self.path_of(self.directories()[0], "home"))
                          if name.startswith(".rexec") or name.endswith(".tmp")])
        everything = work.server.call("process_list", sandbox="work", all=True)["processes"]
        others = [entry for entry in everything if entry.get("status") == "running" and "process" not in entry
                  and not entry["command"].startswith("sleep") and entry["pid"] != 1
                  and entry["ppid"] == 1]
        self.assertEqual(others, [])
        self.assertTrue(eventually(lambda: self.descriptors() <= descriptors + 2),
                        f"the runner has {self.descriptors()} descriptors, first {descriptors}")
        work.server.call("sandbox_control", sandbox="work", action="delete")
        self.assertEqual(self.directories(), [])
        with self.assertRaises(ToolError):
            work.server.call("exec", sandbox="work", command="true")

    def descriptors(self):
        """How many the runner has open."""
        try:
            return len(os.listdir(f"/proc/{self.init_of(self.directories()[0])}/fd"))
        except PermissionError:
            return 0


if __name__ == "__main__":
    unittest.main()
