"""The limits that the runner enforces by looking: memory and the disk."""
import os
import subprocess
import unittest

from runner_case import RunnerCase, eventually
from runner_protocol import ENVIRONMENT, EXITED, RUNNING, SIGNALED, UNTIL_NONE, RunnerError, wait_spec

MANY_PROCESSES = 4
LIMIT_MB = 64
EATER = "import time; x = bytearray({mb} << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint('had', flush=True); time.sleep(60)"
SHARED = "import mmap, time; x = mmap.mmap(-1, {mb} << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\n"


def eat(mb):
    return ["python3", "-c", EATER.format(mb=mb)]


class Memory(RunnerCase):
    arguments = ("--memory-mb", str(LIMIT_MB))

    def test_what_has_most_is_killed_with_the_reason_and_the_rest_goes_on(self):
        small = self.client.run("sleep 60", wait=wait_spec(until=UNTIL_NONE))
        report = self.client.run(argv=eat(4 * LIMIT_MB))
        self.assertEqual((report.status, report.signal, report.reason), (SIGNALED, 9, f"memory limit {LIMIT_MB} MB"))
        self.assertEqual(self.client.wait(small.process, until=UNTIL_NONE).status, RUNNING)
        self.assertEqual(self.client.run("echo on").out, b"on\n")

    def test_all_processes_of_a_command_count_together(self):
        path = self.put("eat.py", EATER.format(mb=LIMIT_MB // 2).encode())
        report = self.client.run(f"for i in 1 2 3; do setsid -f python3 {path}; done; wait; sleep 60")
        self.assertEqual((report.status, report.reason), (SIGNALED, f"memory limit {LIMIT_MB} MB"))
        self.assertTrue(eventually(lambda: not self.pids_of("eat.py")))

    def test_what_an_ended_command_left_behind_counts_too(self):
        path = self.put("eat.py", EATER.format(mb=4 * LIMIT_MB).encode())
        self.assertEqual(self.client.run(f"setsid -f python3 {path} >/dev/null 2>&1").status, EXITED)
        self.assertTrue(eventually(lambda: not self.pids_of("eat.py")))

    def test_shared_memory_counts_once(self):
        children = f"import os\nfor i in range({MANY_PROCESSES}):\n if os.fork() == 0: sum(x[::4096]); print(end='.', flush=True); time.sleep(60)\n"
        report = self.client.run(argv=["python3", "-c", SHARED.format(mb=LIMIT_MB // 2) + children + "time.sleep(60)"],
                                 wait=wait_spec(until=UNTIL_NONE))
        self.assertTrue(eventually(lambda: self.client.wait(report.process, until=UNTIL_NONE).out == b"." * MANY_PROCESSES))
        # The next command outlasts several looks.
        self.assertEqual(self.client.run("sleep 0.5; echo on").out, b"on\n")
        self.assertEqual(self.client.wait(report.process, until=UNTIL_NONE).status, RUNNING)
        report = self.client.run(argv=["python3", "-c", SHARED.format(mb=4 * LIMIT_MB) + "time.sleep(60)"])
        self.assertEqual(report.reason, f"memory limit {LIMIT_MB} MB")


class Disk(RunnerCase):
    """The folder of the test is the runner's home, whose size is limited."""

    arguments = ("--disk-mb", "4")

    def make_runner(self, **options):
        return super().make_runner(env={**ENVIRONMENT, "HOME": self.folder}, **options)

    def full(self):
        try:
            self.client.write_file(self.path("probe"), b"x")
            return False
        except RunnerError as error:
            self.assertIn("disk limit 4 MB is reached", error.message)
            return True

    def test_what_writes_more_is_killed_and_room_can_be_made(self):
        report = self.client.run("i=0; while :; do i=$((i+1)); head -c 1M /dev/zero >zero$i; sleep 0.1; done", cwd=self.folder)
        self.assertEqual((report.status, report.signal, report.reason), (SIGNALED, 9, "disk limit 4 MB"))
        self.assertTrue(self.full())
        self.assertFalse(os.path.exists(self.path("probe")))
        with self.assertRaises(RunnerError):
            self.client.edit_file(self.path("probe"), ("x", "y"))
        # What does not make it larger may run.
        report = self.client.run("sleep 1.5; ls; rm zero*; echo removed", cwd=self.folder)
        self.assertEqual((report.status, report.exit_code), (EXITED, 0))
        self.assertTrue(report.out.endswith(b"removed\n"))
        self.assertTrue(eventually(lambda: not self.full(), 20))
        self.assertEqual(self.get("probe"), b"x")

    def test_a_tree_too_deep_to_count_is_over_the_limit(self):
        deep = "import os\nfor i in range(1100): os.mkdir('d'); os.chdir('d')\nprint('deep', flush=True)\nimport time; time.sleep(60)"
        report = self.client.run(argv=["python3", "-c", deep], cwd=self.folder)
        self.assertEqual((report.reason, report.out), ("disk limit 4 MB", b"deep\n"))
        # It goes on: what runs then has until the next count to remove it.
        report = self.client.run("echo here; sleep 60", cwd=self.folder)
        self.assertEqual((report.reason, report.out), ("disk limit 4 MB", b"here\n"))
        with self.assertRaisesRegex(RunnerError, "too deep"):
            self.client.write_file(self.path("probe"), b"x")
        subprocess.run(["rm", "-rf", self.path("d")], check=True)

    def test_an_unreadable_directory_hides_nothing(self):
        report = self.client.run("mkdir h; chmod 300 h; i=0; while :; do i=$((i+1)); head -c 1M /dev/zero >h/zero$i; sleep 0.1; done",
                                 cwd=self.folder)
        self.assertEqual(report.reason, "disk limit 4 MB")


if __name__ == "__main__":
    unittest.main()
