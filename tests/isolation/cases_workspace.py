"""Files of a workspace that would run on the host later, when the person opens an editor, commits or changes into the
directory. The sandbox may write the rest of it."""
import os

from harness import case
from places import MARK, NotTried, wait_for

LOST = "the person's account, as soon as they open, commit or enter what the assistant worked on"
THERE = [".git/hooks", ".git/config", "nested/.git/hooks", "nested/.git/config", ".envrc", ".mcp.json", ".vscode",
         ".bashrc"]
MISSING = [".idea", ".claude", ".cursor", ".git/commondir"]
EVIL = f"echo {MARK}"


def without_workspace(battery):
    return None if battery.offers_workspaces else "this server has no --workspace"


def make_workspace(path):
    for repository in (path, os.path.join(path, "nested")):
        for folder in ("hooks", "objects", "refs", "info"):
            os.makedirs(os.path.join(repository, ".git", folder))
        write(repository, ".git/HEAD", "ref: refs/heads/main\n")
        write(repository, ".git/config", "[core]\n\trepositoryformatversion = 0\n")
        write(repository, ".git/hooks/pre-commit.sample", "#!/bin/sh\n")
    write(path, ".envrc", "export HARMLESS=1\n")
    write(path, ".mcp.json", "{}\n")
    write(path, ".bashrc", "# start\n")
    os.mkdir(os.path.join(path, ".vscode"))
    write(path, ".vscode/settings.json", "{}\n")
    write(path, "source.c", "int main;\n")


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def planted(host):
    """Where in a protected path something of the attacker's is found."""
    found = []
    for name in THERE + MISSING:
        path = os.path.join(host, name)
        if os.path.islink(path):
            found.append(f"{name} is a link")
        files = [path] if os.path.isfile(path) else [
            os.path.join(folder, file) for folder, _, files in os.walk(path) for file in files]
        for file in files:
            with open(file, encoding="latin-1") as content:
                if MARK in content.read() or MARK in os.path.basename(file):
                    found.append(os.path.relpath(file, host))
        for part in (".git", "nested", "nested/.git"):
            if os.path.islink(os.path.join(host, part)):
                found.append(f"{part} is a link")
    return sorted(set(found))


def attempt(at, command):
    """For every protected path $p of the workspace."""
    place = at.workspace()
    for name in THERE + MISSING:
        place.run(f"cd {place.root}; p={name}; {command}; true")
    return planted(place.host)


@case(lost="an assistant that can do its work", outside=None, unproven="it is about what is allowed",
      needs=without_workspace)
def workspace_can_be_used(at):
    place = at.workspace()
    place.run(f"cd {place.root}; echo {MARK} >new; mkdir made; echo {MARK} >made/file; echo changed >source.c")
    for name in ("new", "made/file", "source.c"):
        if not os.path.exists(os.path.join(place.host, name)):
            return f"{name} was not written"
    return None


@case(lost=LOST, needs=without_workspace)
def protected_files_written(at):
    return attempt(at, f"{EVIL} >$p; {EVIL} >$p/{MARK}; mkdir -p $p; {EVIL} >$p/{MARK}; {EVIL} >>$p/pre-commit.sample")


@case(lost=LOST, needs=without_workspace)
def protected_files_written_by_tools(at):
    place = at.workspace()
    for name in THERE + MISSING:
        for path in (name, f"{name}/{MARK}", f"{name}/settings.json"):
            place.tool("write_file", path=f"{place.root}/{path}", content=MARK)
            place.tool("write_file", path=f"{place.root}/{path}", content=MARK, append=True)
            place.tool("edit_file", path=f"{place.root}/{path}", edits=[{"old_text": "{}", "new_text": MARK}])
    return planted(place.host)


@case(lost=LOST, needs=without_workspace)
def protected_files_replaced(at):
    return attempt(at, f"rm -rf $p; {EVIL} >evil; mv -f evil $p; mkdir evils; {EVIL} >evils/{MARK}; mv -fT evils $p; "
                   f"ln -sfn $PWD/evils $p; rm -rf evil evils")


@case(lost=LOST, needs=without_workspace)
def directories_above_protected_files_moved(at):
    place = at.workspace()
    place.run(f"cd {place.root}; for d in .git nested/.git nested; do mv $d $d.old; mkdir -p $d/hooks $d/.git/hooks; "
              f"for f in config hooks/{MARK} .git/config .git/hooks/{MARK}; do {EVIL} >$d/$f; done; "
              f"mkdir -p evil/hooks evil/.git/hooks; {EVIL} >evil/config; {EVIL} >evil/hooks/{MARK}; "
              f"touch go; (sleep 0.2; rm go) & ~/attacks swap $d evil go; rm -rf evil; done; true")
    return planted(place.host)


@case(lost=LOST, needs=without_workspace)
def protected_files_reached_by_other_names(at):
    return attempt(at, f"ln $p hard; {EVIL} >hard; for f in $p/*; do ln $f hard2; {EVIL} >>hard2; rm -f hard2; done; "
                   f"ln -sfn $p soft; {EVIL} >soft; {EVIL} >soft/{MARK}; {EVIL} >$PWD/../workspace/$p; "
                   f"{EVIL} >/proc/self/cwd/$p/{MARK}; rm -f hard soft")


@case(lost=LOST, needs=without_workspace)
def git_told_to_run_something(at):
    place = at.workspace()
    for repository in (".", "nested"):
        place.run(f"cd {place.root}/{repository}; git config core.hooksPath {MARK}; git config core.fsmonitor {MARK}; "
                  f"git config alias.status '!{MARK}'; git config --worktree core.pager {MARK}; true")
    return planted(place.host)


@case(lost=LOST, needs=without_workspace)
def protected_files_written_after_the_person_replaced_them(at):
    got = []
    for way, name in (("replaced", ".git/config"), ("replaced", ".bashrc"), ("moved", ".mcp.json"), ("moved", ".git")):
        place = at.own_workspace()
        place.run(f"cd {place.root}; setsid -f sh -c 'sleep 0.3; for i in $(seq 300); do {EVIL} >>{name}; "
                  f"{EVIL} >>{name}/config; sleep 0.01; done' >/dev/null 2>&1")
        replace_as_the_person(place.host, name, way)
        if not wait_for(lambda: planted_in(place.host, name) or place.ended()):
            raise NotTried("the sandbox neither wrote nor ended")
        got += planted_in(place.host, name)
    return ", ".join(got)


def planted_in(host, name):
    return [path for path in planted(host) if path.startswith(name)]


def replace_as_the_person(host, name, way):
    """What git, editors and file managers do."""
    path = os.path.join(host, name)
    status = os.stat(path)
    if way == "moved":
        os.rename(path, path + "~")
    made = path if way == "moved" else path + ".lock"
    if name == ".git":
        os.mkdir(made)
        os.chown(made, status.st_uid, status.st_gid)
        made += "/config"
    write(host, os.path.relpath(made, host), "")
    os.chown(made, status.st_uid, status.st_gid)
    if way == "replaced":
        os.rename(made, path)


@case(lost="the rest of the person's files", needs=without_workspace)
def workspace_left_by_links(at):
    place = at.workspace()
    for number, bait in enumerate(at.world.baits):
        place.run(f"cd {place.root}; ln -sfn {bait} out{number}; ln -sfn {os.path.dirname(bait)} dir{number}; "
                  f"cat out{number} dir{number}/secret ../../../..{bait}; {EVIL} >>out{number}; ls dir{number}; true")
        place.tool("read_file", path=f"{place.root}/out{number}")
        place.tool("write_file", path=f"{place.root}/dir{number}/secret", content=MARK)
        place.run(f"cd {place.root}; rm -f out{number} dir{number}")
