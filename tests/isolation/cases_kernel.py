"""The kernel: mounts and namespaces, interfaces that are known for their bugs, and what belongs to the machine."""
from harness import attacks, case

MACHINE = "the machine itself"
MOUNTS = "the read-only system and everything that is not mounted"
SURFACE = "the kernel, by an interface with a long history of holes"

KINDS = ["mount", "pid", "net", "ipc", "uts", "cgroup"]

attacks("mounts", MOUNTS, ["mount /tmp", "bind ~ /tmp", "make-private", "remount /usr", "umount /proc", "pivot ~",
                           "chroot ~", "fsopen", "open-tree /usr"], outside="namespace")
attacks("mounts of others", MOUNTS, ["mount-setattr"])
attacks("user namespaces", "the host's namespaces, by ones of one's own with all rights in them",
        [f"{call} user" for call in ("unshare", "clone", "clone3")])
for CALL in ("unshare", "clone", "clone3"):
    attacks("namespaces", "namespaces in which one has all rights",
            [f"{CALL} {kind}" for kind in (KINDS if CALL == "clone" else [*KINDS, "time"])], outside="namespace")
attacks("namespaces entered", "the namespaces of others",
        [f"setns /proc/self/ns/{kind}" for kind in ("net", "uts", "ipc")], outside="namespace")

attacks("interfaces", SURFACE, ["io-uring", "userfaultfd", "modify-ldt"])
attacks("interfaces of root", SURFACE, ["bpf", "perf", "fanotify"], outside="root")
attacks("the filter", "the filter, by another numbering of the same system calls", ["int80", "x32"])

attacks("the machine", MACHINE, ["init-module", "finit-module", "delete-module", "kexec", "reboot", "swapon", "acct",
                                 "set-clock", "syslog"], outside="root")
attacks("the machine", MACHINE, ["adjust-clock", "quota", "iopl"])
attacks("the host's name", MACHINE, ["sethostname"], outside="namespace")
attacks("device nodes", "the host's devices: its disks, memory and terminals",
        ["mknod ~/null 1 3", "mknod ~/disk 8 0 block", "mknod ~/messages 1 11", "mknod ~/terminal 4 0"], outside="root")
attacks("settings", "settings of the kernel, some of which name programs that it runs as root",
        [f"open-write {path}" for path in (
            "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/panic_on_oom",
            "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/sys/fs/binfmt_misc/register",
            "/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/release_agent",
            "/sys/fs/cgroup/cgroup.procs")], outside="root")
attacks("devices", "messages and memory of the kernel, raw disks, consoles",
        [f"open-read {path}" for path in ("/dev/kmsg", "/proc/kmsg", "/proc/kcore", "/dev/mem", "/dev/console",
                                          "/dev/tty0", "/dev/vcs", "/dev/sda", "/dev/kvm", "/dev/fuse")],
        outside="root")


@case(lost="devices that nobody thought of")
def devices_that_are_there(at):
    known = {"core", "console", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
             "tty", "urandom", "zero"}
    return ", ".join(sorted(set(at.run("ls /dev").output.split()) - known))


@case(lost="control groups of others, whose release_agent runs as root on the host")
def control_groups(at):
    ran = at.run("find /sys /proc/self/cgroup /run /tmp -maxdepth 4 -name 'cgroup.procs' 2>/dev/null | head -3")
    return ran.output.strip()


@case(lost="the person's keys: file systems, networks, tickets")
def keys_of_the_session(at):
    for call in ("search-key", "request-key"):
        at.run(f"~/attacks {call} {at.world.key_name}", session=True)


@case(lost="which keys the person has")
def names_of_the_sessions_keys(at):
    at.run("cat /proc/keys", session=True)


attacks("keys", "keys that outlive the sandbox", ["add-key"])


@case(lost="the person's shell: whatever is typed into it is run")
def terminal_of_the_person(at):
    ran = at.run("~/attacks write-terminal written-to-the-terminal; ~/attacks type-ahead /dev/tty && echo typed-ahead",
                 session=True)
    typed = ran.output + (at.server.typed() if at.inside else "")
    return [word for word in ("written-to-the-terminal", "typed-ahead") if word in typed]


attacks("terminals", "a terminal that somebody opens later in the same way", ["type-ahead"], outside="root")
attacks("consoles", "the console's selection and keyboard", ["console-selection"])


@case(lost="what programs of the host share with each other")
def shared_memory_of_the_host(at):
    at.attack("shared-memory", at.world.shared_memory_key)
    at.run("ipcs -a; ls -la /dev/shm /dev/mqueue")
