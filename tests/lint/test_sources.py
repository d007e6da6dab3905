"""The sources keep the rules, and each rule can fail."""
import os
import unittest

import source_rules

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def problems(path, *lines):
    return source_rules.problems_of(path, "\n".join(lines))


class TheSources(unittest.TestCase):
    def test_keep_every_rule(self):
        found = []
        count = 0
        for path in source_rules.source_files(ROOT):
            count += 1
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                found += source_rules.problems_of(path, file.read())
        self.assertGreater(count, 100, "the sources were not found")
        self.assertEqual([], found, "\n" + "\n".join(found))


class EachRule(unittest.TestCase):
    def assert_allowed(self, path, *lines):
        self.assertEqual([], problems(path, *lines))

    def assert_refused(self, reason, path, *lines):
        found = problems(path, *lines)
        self.assertEqual(1, len(found), found)
        self.assertIn(reason, found[0])

    def test_layers_include_downwards_only(self):
        self.assert_allowed("mcp/a.cc", '#include "base/json.h"')
        self.assert_allowed("app/a.cc", '#include "tools/services.h"')
        self.assert_refused("base must not include mcp", "base/a.cc", '#include "mcp/tool.h"')
        self.assert_refused("mcp must not include sandbox-client", "mcp/a.h", '#include "sandbox-client/manager.h"')
        self.assert_refused("mcp must not include transport", "mcp/a.h", '#include "transport/transport.h"')
        self.assert_refused("sandbox-client must not include mcp", "sandbox-client/a.cc", '#include "mcp/tool.h"')
        self.assert_refused("tools must not include local", "tools/a.cc",
                            '#include "sandbox-client/local/local_backend.h"')
        self.assert_refused("tools must not include app", "tools/a.cc", '#include "app/config.h"')
        self.assert_allowed("tools/a.cc", '#include "sandbox-client/terminal/screen.h"')
        self.assert_refused("terminal must not include sandbox-client", "sandbox-client/terminal/a.cc",
                            '#include "sandbox-client/manager.h"')
        self.assert_refused("app must not include tests", "app/a.cc", '#include "tests/support/catch.h"')

    def test_the_runner_stands_alone_but_for_the_wire_format(self):
        self.assert_allowed("sandbox-client/runner_link.cc", '#include "sandbox-client/runner/wire.h"')
        self.assert_refused("runner must not include base", "sandbox-client/runner/a.cc", '#include "base/json.h"')
        self.assert_refused("sandbox-client must not include runner", "sandbox-client/a.cc",
                            '#include "sandbox-client/runner/process.h"')
        self.assert_refused("tools must not include runner", "tools/a.cc", '#include "sandbox-client/runner/wire.h"')

    def test_includes_are_written_from_the_root(self):
        self.assert_refused("by path from the root", "mcp/a.cc", '#include "tool.h"')

    def test_third_party_headers_stay_in_their_rooms(self):
        self.assert_allowed("base/encoding.cc", "#include <openssl/evp.h>")
        self.assert_allowed("mcp/schema_validate.cc", "#include <re2/re2.h>")
        for header in ("openssl/evp.h", "nlohmann/json.hpp", "re2/re2.h", "seccomp.h", "catch2/catch.hpp",
                       "httplib.h", "boost/beast.hpp"):
            self.assert_refused("is confined to", "mcp/server.cc", f"#include <{header}>")

    def test_files_are_at_most_500_lines_long(self):
        self.assert_allowed("mcp/a.cc", *["int x;"] * 500)
        self.assert_refused("two ideas", "mcp/a.cc", *["int x;"] * 501)

    def test_protocol_versions_are_spelt_in_one_place(self):
        self.assert_allowed("mcp/protocol_version.cc", 'f("2025-06-18");')
        self.assert_allowed("mcp/a.cc", "// MCP 2025-06-18, lifecycle")
        self.assert_allowed("mcp/a.cc", 'f("https://json-schema.org/draft/2020-12/schema");')
        self.assert_refused("spells a protocol version", "mcp/a.cc", 'if (v == "2025-06-18") {')
        self.assert_refused("spells a protocol version", "tools/a.cc", 'f("before 2026-07-28 or later");')

    def test_tests_do_not_sleep(self):
        self.assert_allowed("tests/unit/a_test.cc", 'run("sleep (5)"); // sleep(1) would be wrong')
        self.assert_allowed("tests/support/eventually.h", "std::this_thread::sleep_for(1ms);")
        for call in ("std::this_thread::sleep_for(1ms);", "usleep(5);", "::sleep(1);", "nanosleep(&t, nullptr);"):
            self.assert_refused("does not sleep", "tests/unit/a_test.cc", call)

    def test_markers_do_not_stay(self):
        self.assert_refused("marker", "mcp/a.cc", "// TO" + "DO: later")

    def test_json_goes_through_its_header(self):
        self.assert_allowed("base/json.cc", "return value.dump();")
        self.assert_refused("base/json.h", "mcp/a.cc", "text = value.dump();")
        self.assert_refused("base/json.h", "mcp/a.cc", "auto v = Json::parse(text);")


if __name__ == "__main__":
    unittest.main()
