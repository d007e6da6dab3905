"""What all sandboxes and the server share: processes, memory, disk, descriptors, attention. Another sandbox is used
all the while, and must not notice."""
import os

from harness import case
from server import Failed

OTHERS = "the work of everybody else on the machine"
ABOUT_OTHERS = "it is about what others notice, and outside there is nobody between"
FLOOD_MB = 512
MORE_MB = 400  # by which not even an instrumented server grows, unless it keeps the flood
MEMORY_MB = 96
DISK_MB = 24


def limited(name, **options):
    """For `needs`: whether a sandbox that asks for a limit has it in force."""
    def missing(battery):
        return None if battery.enforces(name, **options) else f"{name} is not limited here, and the record says so"

    return missing


@case(lost=OTHERS + ", by fork()", outside="namespace", fresh=True, patient=True, needs=limited("processes"))
def fork_bomb(at):
    most = int(at.battery.limit("processes")) + 100 if at.inside else 200
    ran = at.run(f"exec ~/attacks fork-bomb {most}", timeout=50)
    if at.inside:
        # Whether there is still room for a command or not: it is said, and soon.
        answer = at.tool("exec", command="echo x", timeout_s=5)
        if answer.seconds > 10:
            return f"the next call took {answer.seconds:.0f} s"
    return ran.output.endswith("unbounded\n") and f"{ran.output.split()[0]} processes"


@case(lost=OTHERS + ", by the kernel's choice of what to kill", patient=True,
      needs=limited("memory_mb", memory_mb=MEMORY_MB))
def memory_bomb(at):
    box = at.battery.make_sandbox(memory_mb=MEMORY_MB) if at.inside else at
    ran = box.run(f"exec ~/attacks memory {4 * MEMORY_MB}", timeout=30)
    if at.inside:
        try:
            also = box.works(f"head -c {4 * MEMORY_MB}M /dev/zero >/tmp/zero")
            box.delete()
        except Failed:  # a full /tmp is memory that no killed process gives back: in the end the runner goes too
            also = False
        return also and f"{4 * MEMORY_MB} MB in /tmp" or ran.code == 0 and "all of it was given"
    return ran.code == 0 and "all of it was given"


@case(lost=OTHERS + ", which needs room on the disk", patient=True, needs=limited("disk_mb", disk_mb=DISK_MB))
def disk_filled(at):
    box = at.battery.make_sandbox(disk_mb=DISK_MB) if at.inside else at
    # The file stays until it has been counted.
    got = box.works(f"for i in 1 2 3 4 5 6; do head -c {DISK_MB}M /dev/zero >~/zero$i || exit 1; sync ~/zero$i; done; "
                    "sleep 2; du -m ~ >/dev/null")
    size = int(box.run("du -sm ~ | cut -f1").output or 0)
    box.run("rm -f ~/zero*")
    if at.inside:
        box.delete()
    return got and size > 3 * DISK_MB and f"{size} MB were written"


@case(lost=OTHERS + ", by the table of open files", outside=None, unproven=ABOUT_OTHERS, fresh=True, patient=True)
def descriptors_used_up(at):
    ran = at.run("exec ~/attacks descriptors 4", timeout=30)
    return None if ran.code == 0 else f"ended with {ran.code} {ran.output}"


def written(at, words):
    before = at.server_megabytes()
    ran = at.run(f"exec ~/attacks {words}", timeout=50)
    more = at.server_megabytes() - before
    if ran.code != 0:
        return f"ended with {ran.code}"
    return more > MORE_MB and f"the server has grown by {more} MB"


@case(lost="the server's memory, and its attention", outside=None, unproven=ABOUT_OTHERS, patient=True)
def output_in_a_flood(at):
    return written(at, f"flood {FLOOD_MB}")


@case(lost="the server's attention", outside=None, unproven=ABOUT_OTHERS, patient=True)
def output_in_drops(at):
    return written(at, "drip 300000")


@case(lost="the table of processes, by children that nobody waits for", outside=None, unproven=ABOUT_OTHERS,
      patient=True)
def orphans_and_zombies(at):
    at.run("~/attacks orphans 2000; exec ~/attacks zombies 1000", timeout=50)
    left = at.run("ps -e -o stat= | grep -c Z").output.strip()
    return int(left or 0) > 10 and f"{left} zombies are left"


@case(lost="every tool that looks at a directory", outside=None, unproven=ABOUT_OTHERS, fresh=True, patient=True)
def directories_that_are_huge_or_deep(at):
    ran = at.run("mkdir ~/many && ~/attacks files ~/many 5000 && ~/attacks deep 1500", timeout=50)
    for path in ("~/many", "~", "~/deeper-and-deeper" + "/deeper-and-deeper" * 100):
        for tool, more in (("list_files", {"depth": 3}), ("search_files", {"pattern": "x"}), ("read_file", {})):
            answer = at.tool(tool, path=path, **more)
            if answer and answer.seconds > 10:
                return f"{tool} took {answer.seconds:.0f} s"
    if ran.code != 0:
        return f"ended with {ran.code} {ran.output}"
    at.delete()
    at.battery.make_sandbox(name=at.name)
    return None


@case(lost="the server, by more running commands than it can hold", outside=None, unproven=ABOUT_OTHERS, fresh=True,
      patient=True)
def commands_without_end(at):
    started = 0
    for _ in range(300):
        answer = at.tool("exec", command="exec sleep 1000", wait_s=0)
        if answer.failed:
            return None if answer.text else "a refusal without a reason"
        started += 1
    return None if at.runner_lives() else f"the sandbox does not answer after {started} commands"


@case(lost="the state directory: the server's disk, when sandboxes come and go", outside=None, unproven=ABOUT_OTHERS)
def nothing_left_of_deleted_sandboxes(at):
    sandboxes = os.path.join(at.world.scratch, "state", "sandboxes")
    before = set(os.listdir(sandboxes))
    for _ in range(3):
        box = at.battery.make_sandbox()
        box.run("chmod 0 ~; ln -s / ~/root; setsid sleep 1000 >/dev/null 2>&1 &")
        box.delete()
    return ", ".join(set(os.listdir(sandboxes)) - before)
