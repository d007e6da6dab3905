"""What the runner's tests share: the binary under test, prerequisites, and waiting for conditions."""
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from runner_protocol import Runner

BINARY = os.environ.get("REXEC_RUNNER_BINARY", "rexec-runner")
SANITIZED = BINARY.endswith("-test")  # dynamic, and generous with memory
# How much longer than planned anything may take here: what waits for something that it should not wait for takes
# longer than that.
PATIENCE = 20 if SANITIZED else 4


def skip_without(name, present):
    """Skips, or fails when REXEC_REQUIRE asks for the prerequisite (see tests/support/require.h)."""
    if present:
        return
    required = os.environ.get("REXEC_REQUIRE", "").split(",")
    if name in required or "all" in required:
        raise AssertionError(f"{name} is required (REXEC_REQUIRE) and missing")
    raise unittest.SkipTest(f"{name} is missing")


def have_namespaces():
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "true"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def eventually(condition, seconds=10):
    """Polls until the condition holds; its last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.002)


class RunnerCase(unittest.TestCase):
    """A runner of its own for each test, over a socket pair."""

    arguments = ()

    @classmethod
    def setUpClass(cls):
        skip_without("userns", have_namespaces())

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rexec-runner-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.runner = self.make_runner()
        self.client = self.runner.client

    def make_runner(self, **options):
        runner = Runner(BINARY, self.arguments, **options)
        self.addCleanup(runner.stop)
        return runner

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def get(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def commands(self):
        """The exact command lines of processes that no request started."""
        entries, _ = self.client.list(everything=True)
        return {entry.command for entry in entries if entry.process == 0}

    def pids_of(self, marker):
        """Processes of the sandbox, zombies aside, that have `marker` in their command line."""
        entries, _ = self.client.list(everything=True)
        return [entry.pid for entry in entries if entry.process == 0 and marker in entry.command]
