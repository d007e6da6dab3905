"""What the tests of persistent sandboxes share: a server driven by hand, a state directory, a look at the machine."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

BINARY = os.environ.get("REXEC_MCP_BINARY", "rexec-mcp")


class Lost(Exception):
    """The server is gone; whether it did what was asked is not known."""


class ToolError(Exception):
    """The tool answered with an error."""


def environment(state):
    return {"PATH": os.environ["PATH"], "HOME": state, "REXEC_STATE_DIR": state, "XDG_CONFIG_HOME": "/nonexistent"}


class Server:
    """One server process, one call at a time."""

    def __init__(self, state, *flags):
        self.process = subprocess.Popen([BINARY, "stdio", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment(state))
        self.next = 1
        self.request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                    "clientInfo": {"name": "test", "version": "1"}})

    def request(self, method, params):
        number = self.next
        self.next += 1
        line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
            while True:
                answer = self.process.stdout.readline()
                if not answer.endswith(b"\n"):
                    raise Lost(method)
                message = json.loads(answer)
                if message.get("id") == number:
                    break
        except (BrokenPipeError, ConnectionError) as error:
            raise Lost(method) from error
        if "error" in message:
            raise ToolError(message["error"]["message"])
        return message["result"]

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise ToolError(result["content"][0]["text"])
        return result.get("structuredContent") or result["content"][0]["text"]

    def kill(self):
        self.process.kill()
        self.reap()

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.reap()

    def reap(self):
        self.process.wait(20)
        self.process.stdout.close()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass


def eventually(condition, seconds=20):
    """Polls until the condition holds; its last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.005)


def processes_with(mark):
    """Processes of this machine with `mark` in their command line, zombies aside."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read()
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                zombie = "State:\tZ" in file.read()
        except OSError:
            continue
        if mark.encode() in words and not zombie:
            found.append(int(pid))
    return found


class PersistenceCase(unittest.TestCase):
    """A state directory of its own for each test; nothing of it outlives the test."""

    def setUp(self):
        self.state = tempfile.mkdtemp(prefix="rexec-keep-")
        os.chmod(self.state, 0o711)
        self.servers = []
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()
        listed = self.sandboxes("list", "--output", "json")
        for record in json.loads(listed.stdout)["sandboxes"] if listed.returncode == 0 else []:
            self.sandboxes("delete", record["id"])
        self.sandboxes("prune")
        shutil.rmtree(self.state, ignore_errors=True)

    def server(self, *flags):
        server = Server(self.state, *flags)
        self.servers.append(server)
        return server

    def run_program(self, *words):
        return subprocess.run([BINARY, *words], env=environment(self.state), capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL, check=False)

    def sandboxes(self, *words):
        return self.run_program("sandboxes", *words)

    def records(self):
        return json.loads(self.sandboxes("list", "--output", "json").stdout)["sandboxes"]

    def directories(self):
        try:
            return sorted(name for name in os.listdir(os.path.join(self.state, "sandboxes")) if name != "lock")
        except FileNotFoundError:
            return []

    def init_of(self, name):
        """The number of the sandbox's pid 1 on this machine."""
        with open(self.path_of(name, "alive"), encoding="utf-8") as file:
            return json.loads(file.readline())["child-pid"]

    def path_of(self, *parts):
        return os.path.join(self.state, "sandboxes", *parts)
