"""Cases, and what happens to each: it runs inside of a sandbox, where it must get nothing, and then outside, where it
must get something, since a case that cannot fail proves nothing.

A case is a function of a Place. It returns what it got (a text) or nothing. Besides, everything that any answer says
is searched for the words of World, and the files of World are compared after every case.
"""
import importlib
import os
import subprocess
import threading
import time

from places import ABSENT, REFUSED, WORKED, Inside, NotTried, Outside
from server import Failed, Server

CASES = []
PATIENCE = 15  # seconds in which another sandbox must answer, on a machine that is busy with tests


class Case:
    def __init__(self, run, group, lost, outside, unproven, fresh, needs, patient):
        self.run = run
        self.name = run.__name__ if " " in run.__name__ else run.__name__.replace("_", " ")
        self.group = group
        self.lost = lost
        self.outside = outside
        self.unproven = unproven
        self.fresh = fresh
        self.needs = needs
        self.patient = patient


def case(lost, outside="user", unproven=None, fresh=False, needs=None, patient=False):
    """`lost`: what an attacker would have if it failed. `outside`: as whom the same attack works without a sandbox:
    "user", "namespace" (root of a throw-away namespace), "root" (of the machine, when the battery runs as root), or
    None, and then `unproven` says why it is not shown there. `fresh`: in a sandbox of its own. `needs`: a function
    of the Battery that says what is missing. `patient`: another sandbox is used all the while."""
    assert outside or unproven, "a case is shown to work outside, or says why not"

    def add(run):
        CASES.append(Case(run, run.__module__.removeprefix("cases_"), lost, outside, unproven, fresh, needs, patient))
        return run

    return add


def attacks(name, lost, words, group=None, **options):
    """One case of several attacks of the program, each given as its words. Inside none may work; outside each must."""
    words = [word.strip() for word in words]

    def run(at):
        script = "\n".join(f"(exec ~/attacks {word}) >/dev/null 2>&1; echo $?" for word in words)
        if at.inside:
            codes = [int(code) for code in at.run(script).output.split()]
        else:
            codes = [at.run(f"exec ~/attacks {word}").code for word in words]
        odd = [f"{word}: {code}" for word, code in zip(words, codes) if code not in (WORKED, REFUSED, ABSENT)]
        if odd or len(codes) != len(words):
            raise NotTried(", ".join(odd) or "some did not end")
        if not at.inside:
            useless = [word for word, code in zip(words, codes) if code == REFUSED]
            if useless:
                raise NotTried(f"refused outside too: {', '.join(useless)}")
            at.absent = WORKED not in codes
        return ", ".join(word for word, code in zip(words, codes) if code == WORKED)

    run.__name__ = f"{name}: {', '.join(words)}"
    run.__module__ = group or "cases_kernel"
    case(lost, **options)(run)


class Neighbour:
    """Somebody else's sandbox of the same server, used while an attack is under way."""

    def __init__(self, server):
        self._server = server
        self.slowest = 0.0
        self.calls = 0
        self.problems = []

    def call(self):
        word = f"alive {self.calls}"
        try:
            answer = self._server.call("exec", command=f"echo {word}", sandbox="neighbour", seconds=PATIENCE)
            if answer.data.get("stdout") != word + "\n":
                self.problems.append(f"another sandbox answered {answer.text[:200]}")
            self.slowest = max(self.slowest, answer.seconds)
        except Failed as failure:
            self.problems.append(f"another sandbox noticed: {failure}")
        self.calls += 1

    def during(self, run):
        ended = threading.Event()

        def watch():
            self.call()
            while not ended.wait(0.05):
                self.call()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            return run()
        finally:
            ended.set()
            thread.join()


class Battery:
    def __init__(self, world, server, root, binary, sandboxes_uid):
        self.world = world
        self.server = server
        self.root = root  # whether what only root can do can be shown outside
        self._binary = binary
        self._uid = sandboxes_uid
        help_text = subprocess.run([binary, "help"], stdout=subprocess.PIPE, check=False).stdout
        self.offers_workspaces = b"--workspace" in help_text
        self._workspace = None
        self._replaced = None
        self.neighbour = Neighbour(server)
        self.counts = {"refused": 0, "shown to work outside": 0, "not possible here": 0, "ESCAPES": 0, "FAILED": 0}
        self._number = 0
        server.call("sandbox_create", name="neighbour")
        self.record = {}
        self.attacker = self.make_sandbox()

    def make_sandbox(self, **options):
        self._number += 1
        name = f"attacker-{self._number}"
        created = self.server.call("sandbox_create", **{"name": name, **options})
        if created.failed:
            raise Failed(created.text)
        self.record = created.data
        inside = Inside(self, self.server, options.get("name", name))
        inside.put_attacks()
        return inside

    def limit(self, name):
        """The value of a limit of the newest sandbox that is in force; None when it is not."""
        limit = self.record.get("limits", {}).get(name, {})
        return None if limit.get("mechanism", "not enforced") == "not enforced" else limit["value"]

    def enforces(self, limit, **options):
        """Whether a sandbox made with `options` has a limit in force."""
        known = self.server.tools["sandbox_create"]["inputSchema"]["properties"]
        if any(option not in known for option in options):
            return False
        box = self.make_sandbox(**options)
        value = self.limit(limit)
        box.delete()
        return value is not None

    def workspace(self):
        """A sandbox of a server of its own that has a directory of the host at /workspace."""
        if self._workspace is None:
            self._workspace = self._inside_of(*self._workspace_server("workspace"), "workspace")
            self._workspace.put_attacks()
        return self._workspace

    def own_workspace(self):
        """A new sandbox, of a server whose directory of the host no other case uses: such a sandbox may be lost."""
        if self._replaced is None:
            self._replaced = self._workspace_server("replaced")
        self._number += 1
        return self._inside_of(*self._replaced, f"workspace-{self._number}")

    def _workspace_server(self, name):
        host = os.path.join(self.world.scratch, name)
        os.mkdir(host)
        importlib.import_module("cases_workspace").make_workspace(host)
        flags = ["--workspace", host]
        if os.geteuid() == 0:
            flags += ["--sandbox-uid", str(self._uid)]
            subprocess.run(["chown", "-R", f"{self._uid}:{self._uid}", host], check=True)
        return Server(self.world, self._binary, os.path.join(self.world.scratch, f"state-{name}"), *flags), host

    def _inside_of(self, server, host, name):
        created = server.call("sandbox_create", name=name)
        if created.failed:
            raise Failed(created.text)
        inside = Inside(self, server, name)
        inside.root = "/workspace"
        inside.host = host
        return inside

    def end(self):
        """What is left in the state directory when all sandboxes have been deleted."""
        if self._workspace:
            self._workspace.server.end()
        if self._replaced:
            self._replaced[0].end()
        for entry in self.server.call("sandbox_list").data["sandboxes"]:
            self.server.call("sandbox_control", sandbox=entry["name"], action="delete")
        return set(os.listdir(os.path.join(self.world.scratch, "state", "sandboxes"))) - {"lock"}

    def run(self, one):
        missing = one.needs(self) if one.needs else None
        if missing:
            return self._tell("not possible here", one, missing)
        begin = time.monotonic()
        try:
            got = self._inside(one)
        except (Failed, NotTried) as failure:
            self.attacker = self.make_sandbox()
            return self._tell("FAILED", one, f"inside: {failure}")
        if not self.server.alive():
            return self._tell("FAILED", one, "the server did not survive")
        if self.neighbour.problems:
            problems, self.neighbour.problems = self.neighbour.problems, []
            return self._tell("FAILED", one, "; ".join(problems))
        if got:
            return self._tell("ESCAPES" if one.outside else "FAILED", one, "; ".join(got))
        inside = time.monotonic() - begin
        if one.outside is None:
            return self._tell("refused", one, f"not shown outside: {one.unproven}")
        if one.outside == "root" and not self.root:
            return self._tell("refused", one, "not shown outside: that takes root")
        try:
            outside = self._outside(one)
        except (OSError, ValueError, NotTried) as failure:
            return self._tell("FAILED", one, f"outside: {failure!r}")
        if outside == "absent":
            return self._tell("not possible here", one, "refused inside, and this kernel does not have it")
        if not outside:
            return self._tell("FAILED", one, "it does not work outside either: the case proves nothing")
        self.counts["shown to work outside"] += 1
        rest = time.monotonic() - begin - inside
        return self._tell("refused", one, f"{inside:.1f} s, outside {rest:.1f} s" if inside + rest > 1 else "")

    def _inside(self, one):
        place = self.make_sandbox() if one.fresh else self.attacker
        if one.patient:
            got = self.neighbour.during(lambda: one.run(place))
        else:
            got = one.run(place)
        self.neighbour.call()
        if one.fresh:
            place.delete()
        return self._gains(got)

    def _outside(self, one):
        place = Outside(self.world, one.outside)
        try:
            got = one.run(place)
        finally:
            place.end()
        gains = self._gains(got)
        return gains or ("absent" if place.absent else None)

    def _gains(self, got):
        return ([str(got)] if got else []) + self.world.leaks() + self.world.changes()

    def _tell(self, verdict, one, note):
        self.counts[verdict] += 1
        loud = verdict in ("ESCAPES", "FAILED")
        print(f"  {verdict:18} {one.name}" + (f"  [{note}]" if note else ""))
        print(f"  {'':18} {'LOST' if loud else 'at stake'}: {one.lost}", flush=True)
