"""The real server over pipes, as an assistant has it, with everything at hand that a person's session has: secrets in
the environment, open descriptors, a controlling terminal, keys."""
import base64
import itertools
import json
import os
import pty
import subprocess
import threading
import time

VERSION = "2025-11-25"


class Failed(Exception):
    """No answer, or one that is no result of a tool."""


class Answer:
    """What a tool said."""

    def __init__(self, result, seconds):
        self.failed = bool(result.get("isError"))
        self.data = result.get("structuredContent", {})
        self.text = "\n".join(block.get("text", "") for block in result.get("content", []))
        self.seconds = seconds
        self.everything = json.dumps(result, ensure_ascii=False) + self._decoded()

    def _decoded(self):
        try:
            return "\n" + base64.b64decode(self.text.split("\n")[0], validate=True).decode("latin-1")
        except ValueError:
            return ""


class Server:
    def __init__(self, host, binary, state, *flags):
        """`host`: the World, which gives what the server inherits and hears what it answers."""
        self._host = host
        self._master, terminal = pty.openpty()
        os.set_blocking(self._master, False)
        descriptors = host.descriptors()
        self._errors = open(os.path.join(host.scratch, "server.log"), "ab")
        self.process = subprocess.Popen(
            host.session(terminal) + [binary, "stdio", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors, pass_fds=[terminal, *descriptors], env=host.environment(REXEC_STATE_DIR=state))
        os.close(terminal)
        self._ids = itertools.count(1)
        self._pending = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.tools = {}
        self.request("initialize", {"protocolVersion": VERSION, "capabilities": {},
                                    "clientInfo": {"name": "isolation", "version": "1"}})
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.tools = {tool["name"]: tool for tool in self.request("tools/list", {})["tools"]}

    def _write(self, message):
        with self._lock:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def _read(self):
        for line in self.process.stdout:
            self._host.heard(line.decode("utf-8", "replace"))
            message = json.loads(line)
            waiting = self._pending.pop(message.get("id"), None)
            if waiting:
                waiting.append(message)
                waiting[0].set()
        for waiting in list(self._pending.values()):
            waiting[0].set()

    def request(self, method, parameters, seconds=60):
        number = next(self._ids)
        waiting = self._pending[number] = [threading.Event()]
        try:
            self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        except OSError as error:
            raise Failed(f"the server is gone: {error}") from error
        if not waiting[0].wait(seconds):
            raise Failed(f"no answer to {method} {json.dumps(parameters)[:200]} within {seconds} s")
        if len(waiting) < 2:
            raise Failed("the server ended")
        if "error" in waiting[1]:
            raise Failed(f"{method}: {waiting[1]['error']}")
        return waiting[1]["result"]

    def begin(self, tool, **arguments):
        """A call that nobody waits for."""
        number = next(self._ids)
        self._write({"jsonrpc": "2.0", "id": number, "method": "tools/call",
                     "params": {"name": tool, "arguments": arguments}})
        return number

    def cancel(self, number):
        self._write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})

    def call(self, tool, seconds=60, **arguments):
        begin = time.monotonic()
        result = self.request("tools/call", {"name": tool, "arguments": arguments}, seconds)
        answer = Answer(result, time.monotonic() - begin)
        self._host.heard(answer.everything)
        return answer

    def alive(self):
        """Runs, and is not stopped."""
        if self.process.poll() is not None:
            return False
        with open(f"/proc/{self.process.pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()[0] not in "TtZX"

    def typed(self):
        """What has been written to the person's terminal."""
        try:
            return os.read(self._master, 65536).decode("latin-1")
        except OSError:
            return ""

    def end(self):
        """Seconds until it had ended by itself after the end of its input; a failure when it did not."""
        begin = time.monotonic()
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("the server did not end with its input") from None
        finally:
            os.close(self._master)
            self._errors.close()
        self._reader.join(20)
        return time.monotonic() - begin
