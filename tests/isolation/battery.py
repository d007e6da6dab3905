"""The isolation battery: attacks from inside of a sandbox on everything outside, against the real server.

usage: battery.py root|user [WORD...]

"user" as root drops to a user id that nobody has. WORDs choose the cases whose names contain one of them. Everything
runs in process and mount namespaces of its own and under a limit on processes, so that an attack that works does no
harm: what is started ends with the battery. Exit status: 0, 1 for an escape or a failure, 77 when something needed is
missing (a failure when REXEC_REQUIRE asks for it, see tests/support/require.h).
"""
import importlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from harness import CASES, Battery
from server import Failed, Server
from world import World, remove_all

GROUPS = ["files", "processes", "kernel", "network", "exhaustion", "workspace"]
MOST_PROCESSES = 5000  # of the throw-away user, a little more than a sandbox may have
SKIPPED = 77
RUN = "REXEC_ISOLATION_RUN"  # set for what is guarded
# What an attack that works only as root needs, so that it can be shown to work: CAP_SYS_MODULE, _RAWIO, _ADMIN, _BOOT,
# _TIME, _MKNOD, and _DAC_READ_SEARCH.
ROOTS_RIGHTS = sum(1 << bit for bit in (2, 16, 17, 21, 22, 25, 27))


def missing(name):
    required = os.environ.get("REXEC_REQUIRE", "").split(",")
    if name in required or "all" in required:
        sys.exit(f"{name} is required (REXEC_REQUIRE) and missing")
    print(f"skipped: {name} is missing")
    sys.exit(SKIPPED)


def guard():
    """The command that puts the rest into namespaces of its own."""
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-current-user"]
    if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        missing("userns")
    return command


def python_for(command):
    """An interpreter that `command` can run: the one in use may be in somebody's home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        tried = subprocess.run([*command, python, "-c", ""], stderr=subprocess.DEVNULL, check=False)
        if tried.returncode == 0:
            return python
    missing("python3")


def start_guarded(who, words):
    """Runs this program again, guarded, on copies that any user can read."""
    drop = []
    if who == "user" and os.geteuid() == 0:
        user = str(40000 + secrets.randbelow(20000))
        drop = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
    command = [*guard(), *drop, "prlimit", f"--nproc={MOST_PROCESSES}"]
    python = python_for(command)
    run = secrets.token_hex(8)
    copies = tempfile.mkdtemp(prefix="rexec-isolation-program-")
    try:
        os.chmod(copies, 0o755)
        suite = shutil.copytree(os.path.dirname(os.path.abspath(__file__)), os.path.join(copies, "suite"))
        programs = {}
        for name in ("REXEC_MCP_BINARY", "REXEC_ATTACKS_BINARY"):
            programs[name] = shutil.copy(os.environ[name], copies)
            os.chmod(programs[name], 0o755)
        environment = {**os.environ, **programs, RUN: run, "PYTHONDONTWRITEBYTECODE": "1", "HOME": copies}
        with subprocess.Popen([*command, python, os.path.join(suite, "battery.py"), who, *words], env=environment,
                              cwd="/", stdin=subprocess.PIPE) as guarded:
            return guarded.wait()
    finally:
        remove_all(run)
        shutil.rmtree(copies, ignore_errors=True)


def end_with_parent():
    """The parent holds the other end of standard input. Everything ends with this process, which is the first one of
    its namespace."""
    def wait():
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def has_roots_rights():
    with open("/proc/self/status", encoding="ascii") as file:
        effective = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() == ["0", "0", "4294967295"] and effective & ROOTS_RIGHTS == ROOTS_RIGHTS


def left_behind():
    """Processes of a sandbox that are still there."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[0].endswith((b"bwrap", b"/run/rexec/runner")):
            found.append(words[0].decode())
    return found


def attack(who, words):
    begin = time.monotonic()
    world = World(os.environ["REXEC_ATTACKS_BINARY"], os.environ[RUN])
    binary = os.environ["REXEC_MCP_BINARY"]
    state = os.path.join(world.scratch, "state")
    flags = []
    sandboxes = os.geteuid()
    if sandboxes == 0:
        sandboxes = 40000 + secrets.randbelow(20000)
        flags = ["--sandbox-uid", str(sandboxes)]
    server = Server(world, binary, state, *flags)
    print(f"isolation as {who}: uid {os.geteuid()}, sandboxes as uid {sandboxes}")
    try:
        battery = Battery(world, server, os.geteuid() == 0 and has_roots_rights(), binary, sandboxes)
        if os.geteuid() == 0 and not battery.root:
            print("(this root has not all rights, so what takes them is not shown outside)")
        group = None
        for one in CASES:
            if words and not any(word in one.name for word in words):
                continue
            if one.group != group:
                group = one.group
                print(group)
            battery.run(one)
        problems = [f"left behind: {name}" for name in battery.end()]
        seconds = server.end()
        problems += [f"left behind: {name}" for name in left_behind()]
        if seconds > 5:
            problems.append(f"the server took {seconds:.1f} s to end")
    except Failed as failure:
        with open(os.path.join(world.scratch, "server.log"), encoding="utf-8", errors="replace") as file:
            sys.exit(f"FAILED: {failure}\n{file.read()[-4000:]}")
    finally:
        server.process.kill()
        server.process.wait()
        world.close()
    for problem in problems:
        print(f"FAILED: {problem}")
    print(", ".join(f"{count} {what}" for what, count in battery.counts.items()))
    print(f"{time.monotonic() - begin:.0f} s; meanwhile another sandbox was called {battery.neighbour.calls} times and "
          f"answered within {battery.neighbour.slowest:.2f} s")
    return 1 if problems or battery.counts["ESCAPES"] or battery.counts["FAILED"] else 0


def main():
    who, words = sys.argv[1], sys.argv[2:]
    if RUN not in os.environ:
        if who == "root" and os.geteuid() != 0:
            missing("root")
        if not shutil.which("bwrap"):
            missing("bwrap")
        return start_guarded(who, words)
    end_with_parent()
    for group in GROUPS:
        importlib.import_module(f"cases_{group}")
    return attack(who, words)


if __name__ == "__main__":
    sys.exit(main())
