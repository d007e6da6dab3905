"""Persistent sandboxes across servers: who finds them, what ends them, and what a crash may leave."""
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from support import BINARY, PersistenceCase, ToolError, environment, eventually, processes_with


class Lifecycle(PersistenceCase):
    def keep(self, name="work", **more):
        server = self.server()
        server.call("sandbox_create", name=name, persistent=True, **more)
        return server

    def test_a_new_server_finds_the_sandbox_its_processes_and_their_output(self):
        first = self.keep(env={"GREETING": "hello"})
        ended = first.call("exec", sandbox="work", command="echo $GREETING; exit 7")
        self.assertEqual((ended["stdout"], ended["exit_code"]), ("hello\n", 7))
        begun = first.call("exec", sandbox="work", command="echo one; read x; echo got $x; exit 3", wait_s=0)
        handle = begun["process"]
        page = first.call("process_read", sandbox="work", process=handle, wait_s=5)
        first.kill()
        second = self.server()
        listed = second.call("sandbox_list")["sandboxes"]
        self.assertEqual([(record["name"], record["status"], record["persistent"]) for record in listed],
                         [("work", "running", True)])
        again = second.call("process_read", sandbox="work", process=ended["process"])
        self.assertEqual((again["stdout"], again["exit_code"]), ("hello\n", 7))
        second.call("process_input", sandbox="work", process=handle, text="input\n")
        rest = second.call("process_read", sandbox="work", process=handle, cursor=page["cursor"], until="exit", wait_s=10)
        self.assertIn("got input\n", rest["stdout"])
        self.assertNotIn("one", rest["stdout"])
        self.assertEqual(rest["exit_code"], 3)

    def test_it_lives_on_when_the_server_ends_in_whatever_way_and_others_do_not(self):
        for end in (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, None):
            with self.subTest(end):
                server = self.server()
                name = f"kept-{end or 0:d}"
                server.call("sandbox_create", name=name, persistent=True)
                server.call("sandbox_create", name="brief")
                mark = f"{os.getpid()}{end or 0:d}"
                server.call("exec", sandbox=name, command=f"sleep 51{mark}", wait_s=0)
                server.call("exec", sandbox="brief", command=f"sleep 52{mark}", wait_s=0)
                self.assertTrue(eventually(lambda: processes_with(f"51{mark}") and processes_with(f"52{mark}")))
                begun = time.monotonic()
                if end is None:
                    server.close()
                else:
                    server.process.send_signal(end)
                    server.reap()
                self.assertTrue(eventually(lambda: not processes_with(f"52{mark}")))
                self.assertLess(time.monotonic() - begun, 10)
                self.assertTrue(processes_with(f"51{mark}"))

    def test_no_descriptor_of_the_server_is_inherited(self):
        server = self.keep()
        pid = self.init_of(self.directories()[0])
        try:
            links = {number: os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
        except PermissionError:
            self.skipTest("the runner cannot be looked at by this user")
        own = {os.readlink(f"/proc/{server.process.pid}/fd/{number}") for number in ("0", "1", "2")} - {"/dev/null"}
        self.assertFalse(own & set(links.values()), links)
        pipes = [link for link in links.values() if link.startswith("pipe:")]
        self.assertEqual(pipes, [])
        inside = server.call("exec", sandbox="work", command="ls -l /proc/self/fd | grep -c alive")["stdout"]
        self.assertEqual(inside, "0\n")

    def test_an_idle_sandbox_ends_itself_and_is_not_found_afterwards(self):
        server = self.server("--sandboxes-persistent-idle-s", "1")
        server.call("sandbox_create", name="work", persistent=True)
        process = server.call("exec", sandbox="work", command="read -r x", wait_s=0)["process"]
        time.sleep(1.5)  # longer than it may be idle
        self.assertEqual([record["name"] for record in self.records()], ["work"])  # something runs
        server.call("process_input", sandbox="work", process=process, text="now\n")
        # Connected, but not used.
        self.assertTrue(eventually(lambda: self.records() == []))
        with self.assertRaisesRegex(ToolError, "no sandbox"):
            server.call("exec", sandbox="work", command="true")
        self.assertTrue(eventually(lambda: self.directories() == []))

    def test_the_absolute_expiry_ends_it_without_a_server_and_extending_moves_it(self):
        server = self.keep(expires_in_s=3600)
        before = self.records()[0]["expires_at"]
        mark = f"53{os.getpid()}"
        server.call("exec", sandbox="work", command=f"sleep {mark}", wait_s=0)
        server.call("sandbox_control", sandbox="work", action="extend", expires_in_s=7200)
        self.assertGreater(self.records()[0]["expires_at"], before)
        self.assertTrue(eventually(lambda: processes_with(mark)))
        server.call("sandbox_control", sandbox="work", action="extend", expires_in_s=1.5)
        server.kill()
        self.assertTrue(eventually(lambda: not processes_with(mark)))
        self.assertEqual(self.records(), [])
        self.assertEqual(len(json.loads(self.sandboxes("prune", "--output", "json").stdout)["removed"]), 1)
        self.assertEqual(self.directories(), [])

    def test_stop_keeps_the_files_and_any_server_starts_it_again(self):
        first = self.keep()
        second = self.server()
        first.call("write_file", sandbox="work", path="note", content="kept")
        self.assertEqual(second.call("read_file", sandbox="work", path="note"), "kept")
        second.call("sandbox_control", sandbox="work", action="stop")
        with self.assertRaisesRegex(ToolError, "is stopped|lost"):
            first.call("exec", sandbox="work", command="true")
        with self.assertRaisesRegex(ToolError, "is stopped: its files are there"):
            first.call("exec", sandbox="work", command="true")
        first.call("sandbox_control", sandbox="work", action="start")
        self.assertEqual(second.call("exec", sandbox="work", command="cat note")["stdout"], "kept")
        first.call("sandbox_control", sandbox="work", action="delete")
        with self.assertRaises(ToolError):
            second.call("exec", sandbox="work", command="true")
        self.assertEqual(self.directories(), [])

    def test_a_reboot_leaves_a_stopped_sandbox(self):
        server = self.keep()
        server.call("write_file", sandbox="work", path="note", content="kept")
        server.kill()
        pid = self.init_of(self.directories()[0])
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(eventually(lambda: self.records()[0]["status"] == "stopped"))
        self.sandboxes("prune")
        server = self.server()
        server.call("sandbox_control", sandbox="work", action="start")
        self.assertEqual(server.call("read_file", sandbox="work", path="note"), "kept")

    def test_of_two_that_make_the_same_name_one_succeeds(self):
        for round_ in range(3):
            started = [subprocess.Popen([BINARY, "sandboxes", "create", f"race{round_}"], env=environment(self.state),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                       for _ in range(3)]
            errors = [process.communicate(timeout=120)[1] for process in started]
            codes = sorted(process.returncode for process in started)
            self.assertEqual(codes, [0, 1, 1], errors)
            self.assertEqual(sum("already" in error for error in errors), 2, errors)
        self.assertEqual(len(self.directories()), 3)

    def test_servers_that_start_together_share_the_default_sandbox(self):
        servers = [self.server("--sandboxes-persistent", "true") for _ in range(3)]
        answers = [None] * 3

        def use(i):
            answers[i] = servers[i].call("exec", command="echo $$ >> pids; sleep 0.2; cat pids | wc -l")

        threads = [threading.Thread(target=use, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([record["name"] for record in self.records()], ["default"])
        self.assertEqual(servers[0].call("exec", command="cat pids | wc -l")["stdout"], "3\n")
        alone = self.server()
        self.assertEqual(alone.call("exec", command="ls")["stdout"], "")
        with self.assertRaisesRegex(ToolError, "ends with it"):
            alone.call("sandbox_create", name="default", persistent=True)

    def test_what_a_crash_leaves_is_not_offered_and_is_removed(self):
        def directory(*files, home=False):
            name = f"{len(self.directories()):016x}"
            os.makedirs(self.path_of(name), mode=0o711)
            for file in files:
                with open(self.path_of(name, file), "w", encoding="utf-8"):
                    pass
            if home:
                os.mkdir(self.path_of(name, "home"))
            return name

        made = self.sandboxes("create", "whole")
        self.assertEqual(made.returncode, 0, made.stderr)
        whole = self.directories()
        # One that runs already, but has no record yet. Made first: whoever makes a sandbox also cleans up.
        self.assertEqual(self.sandboxes("create", "unfinished").returncode, 0)
        unfinished = [name for name in self.directories() if name not in whole][0]
        pid = self.init_of(unfinished)
        os.unlink(self.path_of(unfinished, "record.json"))
        left = [directory(), directory("lock"), directory("lock", home=True), directory("lock", "alive", home=True),
                directory("lock", "alive", "socket", home=True),
                directory("lock", "alive", "socket", "record.json.new", home=True), directory("record.json.new")]
        self.assertEqual([record["name"] for record in self.records()], ["whole"])
        planned = json.loads(self.sandboxes("prune", "--dry-run", "--output", "json").stdout)["removed"]
        self.assertEqual(sorted(planned), sorted(left + [unfinished]))
        self.assertEqual(len(self.directories()), 9)
        self.assertEqual(self.sandboxes("prune").returncode, 0)
        self.assertEqual(self.directories(), whole)
        self.assertFalse(os.path.exists(f"/proc/{pid}/exe"))
        self.assertEqual(self.records()[0]["status"], "running")

    def test_records_of_the_future_are_shown_and_kept(self):
        self.sandboxes("create", "work")
        record = self.path_of(self.directories()[0], "record.json")
        with open(record, encoding="utf-8") as file:
            content = json.load(file)
        content["format"] = 2
        with open(record, "w", encoding="utf-8") as file:
            json.dump(content, file)
        self.sandboxes("prune")
        listed = self.sandboxes("list")
        self.assertIn("newer version", listed.stdout)
        self.assertEqual(self.sandboxes("delete", self.directories()[0]).returncode, 0)
        self.assertEqual(self.directories(), [])

    def test_the_command_line_lists_creates_and_deletes(self):
        self.assertIn("no persistent sandbox", self.sandboxes().stdout)
        self.assertEqual(self.sandboxes("create", "tool", "--expires-in-s", "100").returncode, 0)
        again = self.sandboxes("create", "tool")
        self.assertEqual(again.returncode, 1)
        self.assertIn("already", again.stderr)
        for words in (["create"], ["create", "Bad Name"], ["create", "x", "--expires-in-s", "0"], ["delete"], ["what"],
                      ["list", "--dry-run"]):
            self.assertEqual(self.sandboxes(*words).returncode, 2, words)
        said = self.run_program("call", "exec", "sandbox=tool", "command=echo here; echo x > file")
        self.assertIn("here", said.stdout, said.stderr)
        table = self.sandboxes("list").stdout.splitlines()
        self.assertEqual(table[0].split(), ["NAME", "STATUS", "CREATED", "EXPIRES", "DISK", "NETWORK", "MOUNTS"])
        self.assertEqual(table[1].split()[:2], ["tool", "running"])
        self.assertGreater(self.records()[0]["disk_bytes"], 0)
        self.assertEqual(self.sandboxes("delete", "tool").returncode, 0)
        self.assertEqual(self.sandboxes("delete", "tool").returncode, 1)
        self.assertEqual(self.directories(), [])

    def test_secrets_and_records_are_the_owners_alone(self):
        self.sandboxes("create", "work")
        folder = self.directories()[0]
        for name in ("record.json", "socket", "alive", "lock"):
            self.assertEqual(os.stat(self.path_of(folder, name)).st_mode & 0o077, 0, name)


if __name__ == "__main__":
    unittest.main()
