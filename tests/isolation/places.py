"""Where an attack runs: inside of a sandbox, where it must fail, or outside, where it must work."""
import base64
import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

from server import Failed

MARK = "written-from-a-sandbox"
WORKED, REFUSED, ABSENT = 0, 1, 3  # of the attack program; ABSENT: this kernel does not have it


def wait_for(condition, seconds=10):
    """The condition's first value that is true, or its last."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return value


class NotTried(Exception):
    """The attack could not be made, which proves nothing."""


class Ran:
    def __init__(self, code, output, seconds=0.0):
        self.code = code  # negative or None: ended by a signal
        self.output = output
        self.seconds = seconds


class Place:
    """What inside and outside have in common. A case uses nothing else."""

    inside = False

    def __init__(self, world):
        self.world = world
        self.absent = False

    def attack(self, name, *arguments):
        """Whether the attack program says that it worked."""
        ran = self.run(" ".join(["exec", "~/attacks", name, *map(str, arguments)]))
        if ran.code == ABSENT:
            self.absent = True
        elif ran.code not in (WORKED, REFUSED) and not (self.inside and ran.code in (None, 128 + signal.SIGSYS)):
            raise NotTried(f"{name}: {ran.code} {ran.output[-300:]}")
        return ran.code == 0

    def works(self, command):
        """Whether a shell command ends with 0."""
        return self.run(command).code == 0

    def python(self, program, **options):
        return self.run("exec python3 -", stdin=program, **options)


class Inside(Place):
    inside = True

    def __init__(self, battery, server, name):
        super().__init__(battery.world)
        self.battery = battery
        self.server = server
        self.name = name
        self.runner = "1"
        self.runner_program = "/run/rexec/runner"

    @property
    def outsider(self):
        """The server's process id, which soon nobody has here: ids are given in order."""
        wanted = self.server.process.pid
        for _ in range(20):
            if not int(self.run("echo $$").output) <= wanted <= int(self.run("echo $$").output) + 100:
                break
            self.run("for i in $(seq 100); do (:); done")
        return str(wanted)

    def runner_lives(self):
        return self.works("true")

    def put_attacks(self):
        with open(self.world.attacks, "rb") as file:
            content = base64.b64encode(file.read()).decode()
        self.tool("write_file", path="~/attacks", content=content, encoding="base64", mode="755")

    def tool(self, tool, **arguments):
        """The answer; None for a tool that this server does not have."""
        if tool not in self.server.tools:
            return None
        return self.server.call(tool, sandbox=self.name, **arguments)

    def begin(self, tool, **arguments):
        return self.server.begin(tool, sandbox=self.name, **arguments)

    def run(self, command, stdin=None, timeout=20, **_):
        arguments = {"command": command, "timeout_s": timeout, "wait_s": timeout + 5}
        if stdin is not None:
            arguments["stdin"] = stdin
        answer = self.tool("exec", **arguments)
        if answer.failed:
            raise Failed(answer.text)
        data = answer.data
        return Ran(data.get("exit_code"), data.get("stdout", "") + data.get("stderr", ""), answer.seconds)

    def delete(self):
        answer = self.server.call("sandbox_control", sandbox=self.name, action="delete")
        # One that an attack has ended may be gone already.
        if answer.failed and "there is no sandbox" not in answer.text:
            raise Failed(answer.text)

    def workspace(self):
        return self.battery.workspace()

    def own_workspace(self):
        return self.battery.own_workspace()

    def ended(self):
        return self.server.call("exec", command="true", sandbox=self.name).failed

    def server_megabytes(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS"))

    def start(self, command):
        """In the background; ended with the sandbox, or by stop()."""
        return self.tool("exec", command=command, wait_s=0).data["process"]

    def stop(self, process):
        self.tool("process_input", process=process, signal="KILL", wait_s=5)


class Outside(Place):
    """The same in a shell of the same user without a sandbox. With `level` "namespace": as root of throw-away
    namespaces, where mounts and the like do no harm."""

    def __init__(self, world, level):
        super().__init__(world)
        self.level = level
        self.host = None
        self.home = tempfile.mkdtemp(prefix="outside-", dir=world.scratch)
        shutil.copy(world.attacks, os.path.join(self.home, "attacks"))
        self._victim = subprocess.Popen([world.attacks, "victim"], stdout=subprocess.PIPE,
                                        env=world.environment(), pass_fds=world.descriptors())
        self._victim.stdout.readline()
        self.runner = self.outsider = str(self._victim.pid)
        self.runner_program = os.path.join(self.home, "program", "runner")
        os.mkdir(os.path.dirname(self.runner_program))
        shutil.copy(world.attacks, self.runner_program)
        self._started = []

    def _command(self, command):
        if self.level != "namespace":
            return ["bash", "-c", command]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--ipc", "--net"]
        if os.geteuid() != 0:
            unshare += ["--user", "--map-root-user"]
        return [*unshare, "bash", "-c", command]

    def run(self, command, stdin=None, timeout=20, session=False):
        begin, terminal = [], None
        if session:
            master, terminal = os.openpty()
            begin = self.world.session(terminal)
        pass_fds = self.world.descriptors() + ([terminal] if session else [])
        try:
            ran = subprocess.run(
                begin + self._command(command), input=(stdin or "").encode(), stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=timeout, cwd=self.home, pass_fds=pass_fds,
                env=self.world.environment(HOME=self.home), check=False)
            output = ran.stdout.decode("latin-1")
        except subprocess.TimeoutExpired as expired:
            raise NotTried(f"{command[:200]} took more than {timeout} s") from expired
        else:
            if session:
                os.set_blocking(master, False)
                try:
                    output += os.read(master, 4096).decode("latin-1")
                except OSError:
                    pass
        finally:
            if session:
                os.close(master)
                os.close(terminal)
        self.world.heard(output)
        return Ran(ran.returncode, output)

    def start(self, command):
        process = subprocess.Popen(self._command(command), cwd=self.home, stdin=subprocess.DEVNULL,
                                   env=self.world.environment(HOME=self.home), stdout=subprocess.DEVNULL)
        self._started.append(process)
        return process

    def stop(self, process):
        process.kill()
        process.wait()

    def tool(self, tool, **arguments):
        """What a file tool would do that looks at no path."""
        path = os.path.join(self.home, os.path.expanduser(arguments["path"].replace("~", self.home, 1)))
        try:
            if tool == "write_file":
                with open(path, "a" if arguments.get("append") else "w", encoding="utf-8") as file:
                    file.write(arguments["content"])
            elif tool == "edit_file" and "edits" in arguments:
                with open(path, "r+", encoding="utf-8") as file:
                    file.write(MARK)
            elif tool == "list_files":
                self.world.heard(" ".join(os.listdir(path)))
            elif tool in ("read_file", "search_files") and os.path.isfile(path):
                with open(path, encoding="latin-1") as file:
                    self.world.heard(file.read(65536))
        except (OSError, ValueError):
            pass

    def workspace(self):
        self.root = self.host = os.path.join(self.home, "workspace")
        os.mkdir(self.host)
        importlib.import_module("cases_workspace").make_workspace(self.host)
        return self

    def own_workspace(self):
        return self if self.host else self.workspace()

    def ended(self):
        return False

    def runner_lives(self):
        try:
            self._victim.wait(2)
            return False
        except subprocess.TimeoutExpired:
            pass
        with open(f"/proc/{self._victim.pid}/stat", encoding="latin-1") as file:
            return file.read().rpartition(")")[2].split()[0] != "T"

    def end(self):
        for process in [self._victim, *self._started]:
            process.kill()
            process.wait()
        self._victim.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)
