#!/usr/bin/env python3
"""Many mixed calls to one server, and what it holds on to meanwhile.

Prints a Markdown table of samples: memory of the server and of its runners, descriptors, threads, processes, disk.
Fails when an answer is wrong or late, or when one of these grows with the number of calls.

Usage: soak.py [--calls N] [--seed N]      REXEC_MCP_BINARY names the server
"""
import argparse
import base64
import json
import os
import pathlib
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

LANES = 16
ANSWER_LIMIT_S = 60
SAMPLES = 10
# What may be added between the second sample, when pools, caches and windows have their size, and the last one.
GROWTH = {"server MB": 4, "runners MB": 8, "descriptors": 8, "threads": 2, "processes": 8, "disk MB": 2}


class Server:
    """A server over pipes; calls may overlap."""

    def __init__(self, state):
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "REXEC_STATE_DIR": state,
                       "REXEC_MCP_SANDBOXES_PER_PRINCIPAL": "64", "REXEC_MCP_SANDBOXES_TOTAL": "64"}
        self.process = subprocess.Popen([os.environ["REXEC_MCP_BINARY"], "stdio"], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._lock = threading.Lock()
        self._next = 0
        self._waiting = {}
        threading.Thread(target=self._read, daemon=True).start()
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                    "clientInfo": {"name": "soak", "version": "1"}})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            with self._lock:
                slot = self._waiting.pop(message.get("id"), None)
            if slot is not None:
                slot.put(message)

    def _send(self, message):
        with self._lock:
            self.process.stdin.write(json.dumps(message) + "\n")

    def begin(self, method, params):
        slot = queue.SimpleQueue()
        with self._lock:
            self._next += 1
            number = self._next
            self._waiting[number] = slot
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number, slot

    def request(self, method, params=None):
        answer = self.begin(method, params or {})[1].get(timeout=ANSWER_LIMIT_S)
        assert "result" in answer, answer
        return answer["result"]

    def call(self, name, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def cancel(self, number):
        with self._lock:
            self._waiting.pop(number, None)
        self._send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})


def text(result):
    return result["content"][0]["text"]


def structured(result):
    assert not result.get("isError"), text(result)
    return result["structuredContent"]


class Lane(threading.Thread):
    """One caller; the last lane also makes and deletes sandboxes."""

    def __init__(self, server, number, calls, seed):
        super().__init__()
        self.server, self.number, self.calls = server, number, calls
        self.random = random.Random(f"{seed}-{number}")
        self.failure = None
        kinds = [(30, self.echo), (8, self.large), (15, self.write), (15, self.read), (8, self.background), (5, self.listing),
                 (5, self.bad), (5, self.cancelled), (4, self.stdin), (5, self.ping)]
        if number == LANES - 1:
            kinds.append((3, self.sandbox))
        self.kinds = [kind for _, kind in kinds]
        self.weights = [weight for weight, _ in kinds]

    def run(self):
        try:
            for _ in range(self.calls):
                self.random.choices(self.kinds, self.weights)[0]()
        except Exception as error:  # reported by the main thread
            self.failure = error

    def word(self):
        return f"{self.random.getrandbits(64):016x}"

    def echo(self):
        word = self.word()
        answer = structured(self.server.call("exec", command=f"echo {word}; echo {word}e >&2; exit 3"))
        assert (answer["stdout"], answer["stderr"], answer["exit_code"]) == (word + "\n", word + "e\n", 3), answer

    def large(self):
        lines = self.random.randrange(20_000)
        answer = structured(self.server.call("exec", command=f"seq {lines}"))
        assert answer["stdout_bytes"] == sum(len(str(i)) + 1 for i in range(1, lines + 1)), answer["stdout_bytes"]

    def path(self):
        return f"lane{self.number}/file{self.random.randrange(20)}"

    def write(self):
        content = self.word() * self.random.randrange(1000)
        answer = structured(self.server.call("write_file", path=self.path(), content=content))
        assert answer["bytes"] == len(content), answer

    def read(self):
        path, content = self.path(), self.word() + "\n"
        structured(self.server.call("write_file", path=path, content=content))
        assert text(self.server.call("read_file", path=path)) == content

    def background(self):
        word = self.word()
        process = structured(self.server.call("exec", command=f"echo {word}; sleep 1000", wait_s=0))["process"]
        seen = structured(self.server.call("process_read", process=process, wait_s=30))
        assert seen["stdout"] == word + "\n", seen
        ended = structured(self.server.call("process_input", process=process, signal="KILL", wait_s=30))
        assert ended["status"] == "signaled", ended

    def stdin(self):
        data = self.random.randbytes(self.random.randrange(50_000))
        answer = structured(self.server.call("exec", command="base64 -d | wc -c", stdin=base64.b64encode(data).decode()))
        assert answer["stdout"].strip() == str(len(data)), answer

    def listing(self):
        assert "processes" in structured(self.server.call("process_list"))

    def bad(self):
        assert self.server.call("exec", comand="true")["isError"]
        assert self.server.call("read_file", path="/nowhere/" + self.word())["isError"]

    def cancelled(self):
        number, _ = self.server.begin("tools/call", {"name": "exec", "arguments": {
            "command": "setsid sleep 1000 & sleep 1000"}})
        if self.random.random() < 0.5:
            self.ping()
        self.server.cancel(number)

    def ping(self):
        assert self.server.request("ping") == {}

    def sandbox(self):
        name = structured(self.server.call("sandbox_create"))["name"]
        answer = structured(self.server.call("exec", sandbox=name, command="echo $HOME > f; cat f"))
        assert answer["stdout"] == "/home/user\n", answer
        structured(self.server.call("sandbox_control", sandbox=name, action="delete"))


def descendants(pid):
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, pending = [], [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def resident(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def named(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name
    except OSError:
        return False


def disk(path):
    total = 0
    for folder, _, files in os.walk(path):
        for file in files:
            try:
                total += os.lstat(os.path.join(folder, file)).st_blocks * 512
            except OSError:
                pass
    return total / (1 << 20)


def sample(server, state):
    pid = server.process.pid
    # At rest: what was cancelled is dead, and what was answered is reaped.
    for _ in range(600):
        processes = descendants(pid)
        if not any(named(process, "sleep") for process in processes):
            break
        time.sleep(0.05)
    return {"server MB": resident(pid), "runners MB": sum(resident(p) for p in processes if named(p, "runner")),
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": len(os.listdir(f"/proc/{pid}/task")),
            "processes": len(processes), "disk MB": disk(state)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    state = tempfile.mkdtemp(prefix="rexec-soak-")
    os.chmod(state, 0o755)  # a server run as root starts its sandboxes as another uid, which has to get there
    server = Server(state)
    samples = []
    per_lane = max(1, options.calls // SAMPLES // LANES)
    begin = time.monotonic()
    print(f"{options.calls} calls in {LANES} lanes, seed {options.seed}")
    columns = list(GROWTH)
    print("| calls | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1), flush=True)
    try:
        for part in range(SAMPLES):
            lanes = [Lane(server, number, per_lane, f"{options.seed}-{part}") for number in range(LANES)]
            for lane in lanes:
                lane.start()
            for lane in lanes:
                lane.join()
                if lane.failure is not None:
                    raise lane.failure
            samples.append(sample(server, state))
            print(f"| {(part + 1) * per_lane * LANES} | " + " | ".join(f"{samples[-1][column]:.1f}" for column in columns) + " |", flush=True)
        spent = time.monotonic() - begin
        made = SAMPLES * per_lane * LANES
        print(f"{made} calls in {spent:.0f} s, {made / spent:.0f} a second")
        grown = [f"{column}: {samples[1][column]:.1f} to {samples[-1][column]:.1f}" for column, bound in GROWTH.items()
                 if samples[-1][column] - samples[1][column] > bound]
        if grown:
            print("grown: " + "; ".join(grown))
            return 1
        return 0
    finally:
        server.process.stdin.close()
        server.process.wait(timeout=10)
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
