"""The documents say what the program does: generated parts are up to date, examples parse, links lead somewhere."""
import glob
import json
import os
import re
import subprocess
import sys
import tomllib
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BINARY = os.environ.get("REXEC_MCP_BINARY", os.path.join(ROOT, "build/release/app/rexec-mcp"))
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "examples/*.md", "examples/*/*.md"]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def run(*words, status=0):
    done = subprocess.run([BINARY, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"{words} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def documents():
    for pattern in DOCUMENTS:
        yield from (os.path.relpath(path, ROOT) for path in sorted(glob.glob(os.path.join(ROOT, pattern))))


def code_blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Generated(unittest.TestCase):
    def test_schema_of_the_configuration_is_up_to_date(self):
        self.assertEqual(run("config", "schema"), read("schemas/config.json"), "run scripts/generate-config-docs")

    def test_table_of_settings_is_up_to_date(self):
        match = re.search(r"<!-- settings:begin -->\n(.*)<!-- settings:end -->", read("docs/CONFIGURATION.md"), re.DOTALL)
        self.assertEqual(run("config", "reference"), match.group(1), "run scripts/generate-config-docs")

    def test_documentation_of_the_tools_is_up_to_date(self):
        generator = os.path.join(ROOT, "scripts/generate-tool-docs")
        done = subprocess.run([sys.executable, generator, "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_readme_lists_the_tools_of_the_program(self):
        match = re.search(r"<!-- tools:begin -->\n(.*)<!-- tools:end -->", read("README.md"), re.DOTALL)
        for tool in json.loads(run("tools", "--output", "json")):
            self.assertIn(f"`{tool['name']}`", match.group(1))


class Examples(unittest.TestCase):
    def server_of(self, document):
        (servers,) = (value for key, value in document.items() if key in ("mcpServers", "servers", "mcp_servers"))
        return servers["rexec"]

    def test_of_every_client_start_the_server(self):
        paths = glob.glob(os.path.join(ROOT, "examples/*/*.json")) + glob.glob(os.path.join(ROOT, "examples/*/.*.json"))
        paths = [path for path in paths if "custom-tool" not in path]
        self.assertEqual(5, len(paths), paths)
        entries = [self.server_of(json.loads(read(os.path.relpath(path, ROOT)))) for path in paths]
        entries.append(self.server_of(tomllib.loads(read("examples/codex/config.toml"))))
        for entry in entries:
            self.assertEqual(["stdio"], entry["args"])
            self.assertTrue(entry["command"].startswith("/"))

    def test_configuration_of_the_server_is_valid(self):
        run("config", "show", "--config", os.path.join(ROOT, "examples/config.json"))

    def test_blocks_in_documents_parse(self):
        blocks = 0
        for path in documents():
            for block in code_blocks(read(path), "json"):
                json.loads(block)
                blocks += 1
            for block in code_blocks(read(path), "toml"):
                tomllib.loads(block)
                blocks += 1
        self.assertGreater(blocks, 2)


class Documents(unittest.TestCase):
    def test_links_lead_to_files(self):
        for path in documents():
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", read(path)):
                if "://" in target:
                    continue
                whole = os.path.normpath(os.path.join(ROOT, os.path.dirname(path), target))
                self.assertTrue(os.path.exists(whole), f"{path}: {target} does not exist")

    def test_every_command_of_the_readme_exists(self):
        for name in set(re.findall(r"rexec-mcp ([a-z]+)\b", read("README.md"))) & {
                "stdio", "call", "tools", "doctor", "config", "version", "help"}:
            run("help", name)

    def test_scripts_of_the_documents_exist(self):
        for path in documents():
            for script in re.findall(r"\bscripts/[a-z-]+", read(path)):
                self.assertTrue(os.path.exists(os.path.join(ROOT, script)), f"{path}: {script} does not exist")


if __name__ == "__main__":
    unittest.main()
