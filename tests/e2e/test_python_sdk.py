"""The official Python SDK against the real server, in each way it can negotiate."""

import asyncio
import os
import tempfile
import unittest

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

BINARY = os.environ["REXEC_MCP_BINARY"]


def text_of(result) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


class PythonSdk(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="rexec-e2e-")
        self.addCleanup(directory.cleanup)
        self.state = directory.name
        os.chmod(self.state, 0o755)  # a server run as root starts its sandboxes as another uid

    def connect(self, mode: str, **environment: str) -> Client:
        parameters = StdioServerParameters(
            command=BINARY,
            args=["stdio"],
            env={"PATH": os.environ["PATH"], "REXEC_STATE_DIR": self.state, **environment},
        )
        return Client(stdio_client(parameters), mode=mode)

    async def test_lists_and_calls_every_tool(self):
        for mode in ("legacy", "auto", "2026-07-28"):
            with self.subTest(mode=mode):
                async with self.connect(mode) as client:
                    names = [tool.name for tool in (await client.list_tools()).tools]
                    self.assertEqual(names, sorted(names))
                    used = set()

                    async def call(tool, **arguments):
                        used.add(tool)
                        result = await client.call_tool(tool, arguments)
                        self.assertFalse(result.is_error, text_of(result))
                        return result

                    result = await call("exec", command="printf 'a\\nb\\n'; exit 2")
                    self.assertEqual(result.structured_content["stdout"], "a\nb\n")
                    self.assertEqual(result.structured_content["exit_code"], 2)
                    await call("write_file", path="x.txt", content="héllo\n")
                    self.assertIn("héllo", text_of(await call("read_file", path="x.txt")))
                    await call("edit_file", path="x.txt", edits=[{"old_text": "é", "new_text": "e"}])
                    found = await call("search_files", pattern="hello")
                    self.assertEqual([match["line"] for match in found.structured_content["matches"]], [1])
                    listed = await call("list_files")
                    self.assertEqual([entry["path"] for entry in listed.structured_content["entries"]], ["~/x.txt"])
                    await call("sandbox_create", name="py")
                    self.assertIn("py", text_of(await call("sandbox_list")))
                    started = await call("exec", command="cat", wait_s=0, sandbox="py", stdin="x")
                    process = started.structured_content["process"]
                    ended = await call("process_read", process=process, sandbox="py", until="exit", wait_s=5)
                    self.assertEqual(ended.structured_content["stdout"], "x")
                    sleeper = await call("exec", command="sleep 1000", wait_s=0, sandbox="py")
                    await call("process_list", sandbox="py")
                    await call("process_input", process=sleeper.structured_content["process"], sandbox="py", signal="KILL")
                    opened = await call("terminal_open", sandbox="py", command="cat", wait_s=0)
                    terminal = {"sandbox": "py", "terminal": opened.structured_content["terminal"]}
                    sent = await call("terminal_send", **terminal, text="twice\n", wait_for="twice", wait_s=30)
                    self.assertEqual(sent.structured_content["screen"], "twice\ntwice\n")
                    await call("terminal_read", **terminal)
                    closed = await call("terminal_close", **terminal)
                    self.assertEqual(closed.structured_content["signal"], "SIGHUP")
                    await call("sandbox_control", sandbox="py", action="delete")
                    self.assertEqual(sorted(used), names)

    async def test_follows_progress(self):
        async with self.connect("auto", REXEC_MCP_LIMITS_PROGRESS_S="0.2") as client:
            seen = []

            async def on_progress(progress, total, message):
                seen.append((progress, message))

            result = await client.call_tool(
                "exec",
                {"command": "for i in 1 2 3 4 5; do echo step $i; sleep 0.2; done"},
                progress_callback=on_progress,
            )
            self.assertEqual(result.structured_content["exit_code"], 0)
            self.assertGreaterEqual(len(seen), 2)
            self.assertTrue(any((message or "").startswith("step ") for _, message in seen), seen)

    async def test_cancels(self):
        async with self.connect("legacy") as client:
            call = asyncio.ensure_future(client.call_tool("exec", {"command": "sleep 4322"}))

            async def sleepers() -> int:
                listing = await client.call_tool("process_list", {"all": True})
                processes = listing.structured_content["processes"]
                return sum(1 for p in processes if p["command"] == "sleep 4322" and p["status"] == "running")

            async with asyncio.timeout(10):
                while not await sleepers():
                    await asyncio.sleep(0.01)
                call.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await call
                while await sleepers():
                    await asyncio.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
