"""The runner, which is a process of the same user, and processes outside, the server first of all."""
from harness import attacks, case
from places import MARK
from server import Failed

SELF_HARM = "a sandbox may harm itself: what counts is that the server and the others go on"

# The runner first, then a process of the host by its number there.
TOUCHES = ["attach", "seize", "read-memory", "write-memory", "open-memory", "take-descriptor", "compare"]


@case(lost="the runner: input and environment of other commands, its limits, its channel to the server")
def runner_traced_or_read(at):
    return [name for name in TOUCHES if at.attack(name, at.runner)]


@case(lost="the server and everything else that the person runs")
def outsiders_traced_or_read(at):
    outsider = at.outsider
    return [name for name in TOUCHES if at.attack(name, outsider)]


@case(lost="the namespaces of processes outside", outside="root")
def namespaces_of_outsiders_entered(at):
    return at.attack("enter-namespaces", at.outsider) and "entered"


@case(lost="the server, ended or stopped by who does not have to ask")
def signals_to_outsiders(at):
    at.run(f"for s in KILL TERM STOP HUP; do kill -$s {at.outsider}; kill -$s -{at.outsider}; done; "
           f"exec ~/attacks every-signal {at.outsider}")
    return None if at.inside or at.runner_lives() else "it ended"


@case(lost="a sandbox whose runner is stopped or gone, so that nothing answers", patient=True)
def signals_to_the_runner(at):
    at.run(f"for s in KILL TERM STOP HUP QUIT ABRT SEGV; do kill -$s {at.runner}; done; "
           f"exec ~/attacks every-signal {at.runner}")
    return None if at.runner_lives() else "it ended"


@case(lost="every process there is", outside="namespace")
def everything_killed_at_once(at):
    ran = at.run("sleep 100 & kill -9 -1; wait $!; exit $?")
    if at.inside:
        return None if at.runner_lives() else "the runner ended"
    return ran.code == 137 and "other processes ended"


@case(lost="the server's answers, if it waited for a sandbox that was stopped",
      outside=None, unproven=SELF_HARM, fresh=True, patient=True)
def everything_stopped_at_once(at):
    """Even what the runner is about to start, which it waits for: then it is silent until it is given up."""
    at.start("while :; do kill -STOP -1; done")
    calls = [at.begin("exec", command="echo x", timeout_s=1, wait_s=1) for _ in range(20)]
    at.battery.neighbour.call()
    for call in calls:
        at.server.cancel(call)
    at.delete()
    at.battery.make_sandbox(name=at.name)


def answers_in_time(at):
    """What a harmed sandbox says does not matter, as long as it is said."""
    for tool, arguments in (("exec", {"command": "echo x", "timeout_s": 2, "wait_s": 5}),
                            ("read_file", {"path": "/etc/passwd"}), ("write_file", {"path": "x", "content": "x"}), ("process_list", {})):
        try:
            if at.server.call(tool, sandbox=at.name, seconds=15, **arguments).seconds > 10:
                return f"{tool} took long"
        except Failed as failure:
            return str(failure)
    return None


@case(lost="the server, if it trusted a runner to go on", outside=None, unproven=SELF_HARM, fresh=True, patient=True)
def runner_deprived_of_its_resources(at):
    at.attack("cripple", at.runner)
    return answers_in_time(at)


@case(lost="the server, if it trusted a runner to live", outside=None, unproven=SELF_HARM, fresh=True, patient=True)
def runner_killed_by_the_kernel(at):
    try:
        at.attack("starve", at.runner)
        at.start("while :; do :; done")
    except (Failed, KeyError):
        pass  # the runner may be dead at any moment of this
    at.server.call("process_list", sandbox=at.name, all=True)
    return answers_in_time(at)


@case(lost="the runner's program, and with it every answer about the sandbox")
def runner_replaced(at):
    program = at.runner_program
    done = [command for command in (
        f"chmod u+w {program}", f"echo {MARK} >>{program}", f"cp ~/attacks {program}.new",
        f"mv {program} {program}.old",
        f"rm -f {program}", f"mv $(dirname {program}) $(dirname {program}).old", f"ln -sf /bin/true {program}",
        f"python3 -c 'open(\"{program}\", \"r+b\").write(b\"x\")'") if at.works(command)]
    return "; ".join(done)


@case(lost="the server, deceived by a process that speaks for the runner")
def channel_of_the_runner_opened(at):
    opened = at.python(f"""
import os
found = []
for fd in range(64):
    for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
        try:
            os.open(f"/proc/{at.runner}/fd/{{fd}}", flags | os.O_NONBLOCK)
            found.append(fd)
        except OSError:
            pass
print(*found)
""")
    return opened.output.strip() and f"opened: {opened.output}"


@case(lost="the server, deceived by frames that look like the runner's",
      outside=None, unproven="it is about what the server makes of output")
def frames_written_as_output(at):
    ran = at.python("""
import struct, sys
for kind in range(256):
    for size in (0, 4, 2**31 - 1):
        sys.stdout.buffer.write(struct.pack("<IBBHI", size, kind, 0, 0, 1) + b"\\0" * 16)
""")
    return None if ran.code == 0 else f"ended with {ran.code}"


@case(lost="what the server was given to keep: tokens of services, keys of clouds")
def environment_of_the_host(at):
    at.run("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; true")


@case(lost="the same, by the tool that reads with the rights of the runner")
def environment_of_the_runner_by_a_tool(at):
    for path in ("environ", "mem", "maps", "auxv", "stack", "mountinfo", "cmdline", "fd/3", "fd/4", "root/etc/shadow"):
        for whose in (at.runner, "self"):
            at.tool("read_file", path=f"/proc/{whose}/{path}")


@case(lost="whatever the server had open: its files, the root directory, its sockets")
def descriptors_of_the_host(at):
    at.python(f"""
import os, socket
for fd in range(3, 256):
    for read in (lambda: os.pread(fd, 100, 0), lambda: os.read(os.open({at.world.baits[0][1:]!r}, 0, dir_fd=fd), 100),
                 lambda: os.fchdir(fd), lambda: socket.socket(fileno=os.dup(fd)).getsockname()):
        try:
            os.set_blocking(fd, False)
            print(fd, read())
        except (OSError, ValueError):
            pass
""")


@case(lost="root, by a program that the system trusts with it")
def rights_of_a_setuid_program(at):
    ran = at.python("""
import os, subprocess, time
end, full = os.pipe()
os.set_blocking(full, False)
try:
    while True:
        os.write(full, b"x")
except BlockingIOError:
    os.set_blocking(full, True)
program = subprocess.Popen(["/usr/bin/mount", "--help"], stdout=full)
for _ in range(200):
    status = open(f"/proc/{program.pid}/status").read()
    if "Name:\\tmount" in status:
        print("root" if "Uid:\\t0\\t" in status or status.split("Uid:")[1].split()[1] == "0" else "nobody")
        break
    time.sleep(0.01)
program.kill()
""")
    return "root" in ran.output and "it ran as root"


@case(lost="root, by a password that nobody asks for", outside="root")
def su_and_sudo(at):
    return (at.works("su -c true </dev/null") or at.works("sudo -n true")) and "became root"


attacks("rights", "rights over the machine", ["capset", "become-root"], outside="namespace", group=__name__)
attacks("other users", "files of every other user", ["become-other", "setgroups"], outside="root", group=__name__)
attacks("walls", "the walls that hold everything else", ["clear-no-new-privs", "clear-filter"], group=__name__)
