"""A tool is one source and one schema: what configuring makes of complete and incomplete pairs."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(table LANGUAGES NONE)
include("{root}/cmake/tools.cmake")
rexec_tool_table(SOURCES)
file(WRITE ${{CMAKE_BINARY_DIR}}/sources "${{SOURCES}}")
"""


class ToolTable(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="rexec-tools-"))
        self.addCleanup(shutil.rmtree, self.root)
        (self.root / "CMakeLists.txt").write_text(PROJECT.format(root=ROOT))
        for folder in ("tools/support", "schemas/tools", "extra"):
            (self.root / folder).mkdir(parents=True)

    def write_schema(self, path, description="a; b [c] ${d} \\\\ \"e\""):
        name = pathlib.Path(path).stem
        (self.root / path).write_text(json.dumps({"name": name, "description": description}))

    def write_source(self, path):
        name = pathlib.Path(path).stem
        (self.root / path).write_text(f"mcp::ToolHandler make_{name}(const Services& services) {{ return {{}}; }}\n")

    def write_tool(self, name):
        self.write_schema(f"schemas/tools/{name}.json")
        self.write_source(f"tools/{name}.cc")

    def configure(self, extra=""):
        done = subprocess.run(["cmake", "-S", self.root, "-B", self.root / "build", f"-DREXEC_EXTRA_TOOLS={extra}"],
                              capture_output=True, text=True, check=False)
        return done.returncode, " ".join(done.stderr.split())

    def table(self):
        return (self.root / "build/tool_table.cc").read_text()

    def assertRefuses(self, message, extra=""):
        status, errors = self.configure(extra)
        self.assertNotEqual(0, status)
        self.assertIn(message, errors)

    def test_lists_tools_by_name_with_their_schemas_unchanged(self):
        for name in ("beta", "alpha_two"):
            self.write_tool(name)
        self.write_source("extra/aardvark.cc")
        self.write_schema("extra/aardvark.json")
        self.assertEqual((0, ""), self.configure("extra"))
        table = self.table()
        places = [table.index(f"make_{name}(services)}}") for name in ("aardvark", "alpha_two", "beta")]
        self.assertEqual(sorted(places), places)
        self.assertIn((self.root / "schemas/tools/beta.json").read_text(), table)
        self.assertIn("extra/aardvark.cc", (self.root / "build/sources").read_text())

    def test_takes_helpers_without_a_schema(self):
        self.write_tool("alpha")
        (self.root / "tools/helper.cc").write_text("int helper();\n")
        (self.root / "tools/support/more.cc").write_text("int more();\n")
        self.assertEqual((0, ""), self.configure())
        sources = (self.root / "build/sources").read_text()
        self.assertIn("tools/helper.cc", sources)
        self.assertIn("tools/support/more.cc", sources)

    def test_refuses_a_schema_without_a_source(self):
        self.write_schema("schemas/tools/alpha.json")
        self.assertRefuses("alpha.json has no source")

    def test_refuses_a_source_without_a_schema(self):
        self.write_source("extra/alpha.cc")
        self.assertRefuses("alpha.cc has no schema", "extra")

    def test_refuses_a_source_that_defines_no_tool(self):
        self.write_schema("schemas/tools/alpha.json")
        (self.root / "tools/alpha.cc").write_text("int alpha();\n")
        self.assertRefuses("does not define mcp::ToolHandler make_alpha")

    def test_refuses_a_name_that_is_used_twice(self):
        self.write_tool("alpha")
        self.write_schema("extra/alpha.json")
        self.write_source("extra/alpha.cc")
        self.assertRefuses("there is a tool of this name already", "extra")

    def test_refuses_a_folder_that_is_not_there_and_a_schema_that_is_too_large(self):
        self.assertRefuses("nowhere is not a folder", "nowhere")
        self.write_tool("alpha")
        self.write_schema("schemas/tools/alpha.json", "x" * 20000)
        self.assertRefuses("is larger than 16384 bytes")

    def test_adds_a_tool_that_appears_and_changes_one_that_changes(self):
        self.write_tool("alpha")
        self.configure()
        self.write_tool("beta")
        self.write_schema("schemas/tools/alpha.json", "changed")
        self.assertEqual((0, ""), self.configure())
        self.assertIn("make_beta", self.table())
        self.assertIn('"changed"', self.table())


if __name__ == "__main__":
    unittest.main()
