"""Files of the host, by every way that a path can take."""
import os

from harness import case
from places import MARK
from server import Failed

# Where a path can lead out: through links of one's own, through those of the kernel, and through what was left open.
LINKS = {
    "link-to-file": "{bait}",
    "link-to-folder": "{folder}",
    "link-to-root": "/",
    "link-to-magic-root": "/proc/self/root",
    "link-to-first-root": "/proc/1/root",
    "link-upwards": "../../../../../../../../../..{bait}",
    "link-to-link": "link-to-file",
}
PATHS = [
    "{bait}", "//{bait}", "/.{bait}", "~/link-to-file", "~/link-to-folder/secret", "~/link-to-root{bait}",
    "~/link-to-magic-root{bait}", "~/link-to-first-root{bait}", "~/link-upwards", "~/link-to-link",
    "~/../../../../../../../..{bait}", "../../../../../../../../..{bait}", "/proc/self/root{bait}",
    "/proc/1/root{bait}", "/proc/thread-self/root{bait}", "/proc/{runner}/root{bait}", "/proc/{outsider}/root{bait}",
    "/proc/{outsider}/cwd/../../../..{bait}", "/proc/self/cwd/../../../../../..{bait}",
]


def paths_to(at, bait):
    """Every way for the first bait, and the most likely ones for those in other places."""
    links = [f"ln -sfn '{target.format(bait=bait, folder=os.path.dirname(bait))}' ~/{name}"
             for name, target in LINKS.items()]
    at.run("; ".join(links))
    tried = PATHS if bait == at.world.baits[0] else PATHS[:1] + PATHS[3:5] + PATHS[-3:-2]
    names = {"bait": bait, "runner": at.runner, "outsider": at.outsider}
    return [path.format(**names) for path in tried]


def read_by_every_tool(at, path):
    at.tool("read_file", path=path)
    at.tool("read_file", path=path, encoding="base64")
    at.tool("search_files", path=path, pattern="canary-")
    at.tool("list_files", path=os.path.dirname(path) or path)


@case(lost="every file of the person who runs the server: keys, tokens, other projects")
def files_read_through_any_path(at):
    for bait in at.world.baits:
        for path in paths_to(at, bait):
            read_by_every_tool(at, path)


@case(lost="the same, by the shell, which looks at no path at all")
def files_read_by_commands(at):
    for bait in at.world.baits:
        paths = " ".join(path.replace("~", "$HOME") for path in paths_to(at, bait))
        at.run(f"cat {paths} 2>/dev/null; true")


@case(lost="the person's files, exchanged for ones that run or lie")
def files_replaced_through_any_path(at):
    for bait in at.world.baits:
        for path in paths_to(at, bait):
            at.tool("write_file", path=path, content=MARK)


@case(lost="the person's files: a line added to a start file or to a list of keys")
def files_appended_through_any_path(at):
    for bait in at.world.baits:
        for path in paths_to(at, bait):
            at.tool("write_file", path=path, content=MARK, append=True)


@case(lost="the person's files, edited", needs=lambda b: None if "edit_file" in b.server.tools else "no edit_file")
def files_edited_through_any_path(at):
    word = at.world.word(at.world.baits[0])
    for path in paths_to(at, at.world.baits[0]):
        at.tool("edit_file", path=path, edits=[{"old_text": "canary", "new_text": MARK}])
        at.tool("edit_file", path=path, patch=f"--- a\n+++ b\n@@ -1 +1 @@\n-{word[:6]}\n+{MARK}\n")


@case(lost="the person's files, by a command as simple as rm")
def files_changed_by_commands(at):
    for bait in at.world.baits:
        paths = " ".join(path.replace("~", "$HOME") for path in paths_to(at, bait))
        at.run(f"for p in {paths}; do {{ echo {MARK} >>$p; }} 2>/dev/null; done; chmod 777 {paths}; rm -f {paths}")


@case(lost="a file of the host under another name, which outlives every check of paths")
def files_linked_by_hard_links(at):
    for bait in at.world.baits:
        at.run(f"ln {bait} ~/hard || ln -L ~/link-to-file ~/hard; cat ~/hard; rm -f ~/hard")


@case(lost="what is written between a check and a use: every file that the attacker can name")
def files_raced_against_a_link(at):
    folder = os.path.dirname(at.world.baits[0])
    at.run("rm -rf ~/race; mkdir -p ~/race/a; echo harmless >~/race/a/secret; touch ~/race/go; "
           f"ln -s {folder} ~/race/b")
    swapping = at.start("exec ~/attacks swap ~/race/a ~/race/b ~/race/go")
    for _ in range(100):
        at.tool("read_file", path="~/race/a/secret")
        at.tool("write_file", path="~/race/a/secret", content=MARK)
        at.tool("edit_file", path="~/race/a/secret", edits=[{"old_text": "harmless", "new_text": MARK}])
        at.tool("list_files", path="~/race/a")
        at.tool("search_files", path="~/race/a", pattern="canary-")
    at.run("rm -f ~/race/go")
    at.stop(swapping)


@case(lost="other people's files, when the server removes a sandbox that led it astray", outside="user", fresh=True)
def files_removed_with_the_sandbox(at):
    for number, bait in enumerate(at.world.baits):
        folder = os.path.dirname(bait)
        at.run(f"mkdir -p ~/d{number}/e; ln -s {folder} ~/d{number}/e/link; ln -s {folder} ~/link{number}; "
               f"ln -s {bait} ~/file{number}; chmod 0 ~/d{number}/e ~/d{number}")
    if at.inside:
        at.server.call("sandbox_control", sandbox=at.name, action="delete")
        at.server.call("sandbox_create", name=at.name)
    else:
        at.run("chmod -R 700 ~/d*; rm -rf ~/d*/e/*/ ~/link*/* ~/file*/")


@case(lost="the files and secrets of everybody else whom the same server serves")
def files_of_another_sandbox(at):
    word = at.world.word("another sandbox's home")
    shared = os.path.join(at.world.scratch, "other")
    if at.inside:
        for path in ("~/secret", "/tmp/secret", "/dev/shm/secret", "/run/secret", "/var/secret"):
            at.server.call("write_file", path=path, content=word, sandbox="neighbour")
        at.world.leaks()  # a write says what it wrote
    else:
        os.makedirs(shared, exist_ok=True)
        with open(os.path.join(shared, "secret"), "w", encoding="utf-8") as file:
            file.write(word)
    state = os.path.join(at.world.scratch, "state")
    at.run(f"cat ~/secret /tmp/secret /dev/shm/secret /run/secret /var/secret {shared}/secret")
    if at.inside:
        at.run(f"grep -rs canary- {state} /home /var /run /tmp /dev/shm")


@case(lost="the server's own program and state, and so every later sandbox")
def files_of_the_server(at):
    return at.run(f"ls {at.world.scratch}/state {at.world.scratch} 2>/dev/null; "
                  f"ls -l /proc/{at.outsider}/exe /proc/{at.outsider}/maps").code == 0 and "seen"


@case(lost="files of the host by inode, past every directory (open_by_handle_at)", outside="root")
def files_opened_by_handle(at):
    return at.attack("handle", "/") and "the root directory was opened by its handle"


@case(lost="a call that never comes back, or a server that fills its memory",
      outside=None, unproven="it is about the answer, which only the server gives")
def files_that_are_none(at):
    at.run("mkfifo ~/fifo; ln -sfn loop ~/loop; mkdir -p ~/folder; python3 -c \"import socket, os; "
           "socket.socket(socket.AF_UNIX).bind(os.path.expanduser('~/socket'))\"")
    slow = []
    for path in ("~/fifo", "~/loop", "~/folder", "~/socket", "/dev/zero", "/dev/full", "/dev/tty",
                 "/dev/stdin", "/dev/random", "/dev/ptmx", "/proc/kmsg", "/proc/kcore", "/proc/self/mem",
                 "/proc/1/fd/0", "/proc/self/fd/3", "/proc/1/task/1/children", "/proc/self/pagemap", "a" * 5000,
                 "a/" * 2500, "~/nul\0byte", "", "~nobody/x", "/proc/self/attr/current"):
        for tool, more in (("read_file", {}), ("read_file", {"encoding": "base64", "offset_bytes": 1 << 40}),
                           ("write_file", {"content": MARK, "append": True}), ("write_file", {"content": MARK}),
                           ("list_files", {}), ("search_files", {"pattern": "x"})):
            if tool == "write_file" and path in ("~/folder", "~/loop"):
                continue
            try:
                answer = at.tool(tool, seconds=10, path=path, **more)
                if answer and answer.seconds > 5:
                    slow.append(f"{tool} {path[:40]} took {answer.seconds:.1f} s")
            except Failed as failure:
                slow.append(str(failure))
    at.run("rm -rf ~/fifo ~/loop ~/folder ~/socket")
    return "; ".join(slow)


@case(lost="every other call to the same sandbox, while one reads a file that is as large as it likes",
      outside=None, unproven="it is about the answer, which only the server gives", patient=True)
def files_without_end(at):
    at.run("truncate -s 1T ~/sparse; echo x >~/small")
    calls = [at.begin("read_file", path="~/sparse"), at.begin("write_file", path="~/sparse", content="x", append=True),
             at.begin("search_files", path="~/sparse", pattern="x"), at.begin("exec", command="sha256sum ~/sparse")]
    seconds = max(at.tool("read_file", path="~/small").seconds for _ in range(20))
    for call in calls:
        at.server.cancel(call)
    part = at.tool("read_file", path="~/sparse", offset_bytes=1 << 39, max_bytes=16)
    at.run("rm -f ~/sparse")
    return seconds > 5 and f"another file took {seconds:.1f} s" or part.failed and part.text
