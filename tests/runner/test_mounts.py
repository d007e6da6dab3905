"""A runner whose mounts protect files of the host: what others do to these files ends it."""
import json
import os
import shutil
import unittest

from runner_case import RunnerCase, eventually, skip_without
from runner_protocol import EMULATOR, UNTIL_NONE, wait_spec

MOUNT_LOST = 76
HARMLESS = b"harmless\n"
FILES = (".git/config", ".envrc", "with space/.envrc")
WANTED = ("w", "w.git", "r.git/config", "r.envrc", "wwith space", "rwith space/.envrc")


class Guarded(RunnerCase):
    """The host's folder `project` is `workspace` in the sandbox, with directories that cannot be moved and files that
    cannot be written in it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if EMULATOR:
            raise unittest.SkipTest("an emulator is not in the sandbox")
        skip_without("bwrap", shutil.which("bwrap") is not None)

    def make_runner(self, wanted=WANTED):
        shutil.rmtree(self.path("project"), ignore_errors=True)
        os.makedirs(self.path("workspace"), exist_ok=True)
        for name in FILES:
            os.makedirs(os.path.dirname(self.path(f"project/{name}")), exist_ok=True)
            self.put(f"project/{name}", HARMLESS)
        self.put("guard", b"".join(f"{entry[0]}{self.inside(entry[1:])}".encode() + b"\0" for entry in wanted))
        self.put("report", b"")
        binds = []
        for entry in WANTED:
            host = os.path.join(self.path("project"), entry[1:]).rstrip("/")
            binds += ["--ro-bind" if entry[0] == "r" else "--bind", host, self.inside(entry[1:])]

        def wrap(binary, *arguments):
            return ["sh", "-c", f"exec \"$@\" 2>{self.path('said')}", "sh", "bwrap", "--unshare-user", "--unshare-pid",
                    "--die-with-parent", "--as-pid-1", "--dev-bind", "/", "/", "--proc", "/proc", *binds, binary,
                    "serve", *arguments]
        descriptors = [os.open(self.path("guard"), os.O_RDONLY), os.open(self.path("report"), os.O_WRONLY | os.O_APPEND)]
        self.arguments = ("--guard-fd", str(descriptors[0]), "--report-fd", str(descriptors[1]))
        try:
            return super().make_runner(wrap=wrap, descriptors=descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def inside(self, name):
        return os.path.join(self.path("workspace"), name).rstrip("/")

    def host(self, name):
        return self.path(f"project/{name}")

    def write_soon(self, runner):
        """What tries to write the files again and again, but not at once."""
        script = " ".join(f"echo evil >>'{self.inside(name)}';" for name in FILES)
        runner.client.run(f"exec 2>/dev/null; setsid -f sh -c \"sleep 0.3; while :; do {script} sleep 0.01; done\"",
                          wait=wait_spec(until=UNTIL_NONE))

    def evil(self):
        return [os.path.join(folder, file) for folder, _, files in os.walk(self.path("project")) for file in files
                if b"evil" in self.get(os.path.relpath(os.path.join(folder, file), self.folder))]

    def replace(self, name):
        self.put("project/new", HARMLESS)
        os.rename(self.host("new"), self.host(name))

    def move_and_make(self, name):
        os.rename(self.host(name), self.host(name) + "~")
        self.put(f"project/{name}", HARMLESS)

    def remove_and_make(self, name):
        os.unlink(self.host(name))
        self.put(f"project/{name}", HARMLESS)

    def move_out_and_make(self, name):
        os.rename(self.host(name), self.path("elsewhere"))
        self.put(f"project/{name}", HARMLESS)

    def move_directory_and_make(self, name):
        folder = os.path.dirname(self.host(name))
        os.rename(folder, folder + ".old")
        os.makedirs(folder)
        self.put(f"project/{name}", HARMLESS)

    def test_a_file_that_is_replaced_outside_ends_it_before_it_can_be_written(self):
        for change, name, told in ((self.replace, ".git/config", ".git/config"),
                                   (self.replace, "with space/.envrc", "with\\040space/.envrc"),
                                   (self.move_and_make, ".envrc", ".envrc"),
                                   (self.remove_and_make, ".envrc", ".envrc"),
                                   (self.move_out_and_make, ".git/config", ".git/config"),
                                   (self.move_directory_and_make, ".git/config", ".git"),
                                   (self.move_directory_and_make, "with space/.envrc", "with\\040space")):
            with self.subTest(change.__name__, name=name):
                runner = self.make_runner()
                self.write_soon(runner)
                change(name)
                self.assertEqual(runner.wait_for_end(), MOUNT_LOST)
                self.assertEqual(self.evil(), [])
                reason = json.loads(self.get("report"))["ended"]
                self.assertIn(f'{self.inside(told)}"; the sandbox was ended', reason)
                self.assertEqual(self.get("said").decode(), f"rexec-runner: ended: {reason}\n")

    def test_it_ends_when_nothing_runs_and_nobody_asks(self):
        os.rename(self.host(".envrc"), self.host("other"))
        self.assertEqual(self.runner.wait_for_end(), MOUNT_LOST)
        self.assertTrue(self.client.closed_within())

    def test_what_changes_beside_them_is_none_of_its_business(self):
        for name in ("a", ".git/index", "with space/b"):
            self.put(f"project/{name}", HARMLESS)
            os.rename(self.host(name), self.host(name) + ".moved")
        with open(self.host(".envrc"), "ab") as file:
            file.write(b"in place\n")
        os.unlink(self.host("a.moved"))
        os.rename(self.host(".git/index.moved"), self.host(".git/index"))
        self.assertEqual(self.client.run(f"cat {self.inside('.envrc')}").out, HARMLESS + b"in place\n")
        self.assertGreater(self.client.run(f"echo evil >{self.inside('.envrc')}").exit_code, 0)
        self.assertIsNone(self.runner.process.poll())

    def test_what_commands_do_there_does_not_end_it(self):
        folder = self.inside("")
        report = self.client.run(f"cd {folder} && mv .envrc x; rm -f .git/config; mv .git g; rmdir .git; "
                                 "for i in $(seq 200); do touch a; mv a b; rm b; done; echo done")
        self.assertEqual(report.out, b"done\n")
        self.assertIsNone(self.runner.process.poll())

    def test_a_mount_that_is_not_there_ends_it_at_once(self):
        for wanted in ("r.git/HEAD", "r.git"):
            with self.assertRaises((ConnectionError, OSError)):
                self.make_runner((*WANTED, wanted)).client.run("true")
            self.assertTrue(eventually(lambda: b"ended" in self.get("report")))


if __name__ == "__main__":
    unittest.main()
