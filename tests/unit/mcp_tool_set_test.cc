#include "mcp/tool_set.h"

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

constexpr std::string_view kGood =
    R"({"name": "read_file", "title": "Read", "description": "d", "inputSchema": {"type": "object"},
        "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}, "_meta": {"a": 1},
        "notes": "not published"})";

Tool tool(std::string_view schema) {
  return {schema, [](const std::shared_ptr<ToolCall>&) {}};
}

std::string problem(std::string_view schema) {
  const auto set = ToolSet::make({tool(schema)});
  REQUIRE_FALSE(set);
  return set.error().message;
}

}  // namespace

TEST_CASE("A tool is published as its file describes it", "[mcp]") {
  const auto set = ToolSet::make({tool(kGood)});
  REQUIRE(set);
  Json expected = parse_json(kGood).value();
  expected.erase("notes");
  REQUIRE(set->list(0, 10, ProtocolVersion::v2026_07_28) == Json::array({expected}));
}

TEST_CASE("Tools are sorted by name", "[mcp]") {
  const auto set = ToolSet::make({
      tool(R"({"name": "b", "description": "d", "inputSchema": {"type": "object"}})"),
      tool(R"({"name": "a", "description": "d", "inputSchema": {"type": "object"}})"),
  });
  REQUIRE(set);
  REQUIRE(set->list(0, 1, newest_legacy())[0]["name"] == "a");
  REQUIRE(set->list(1, 5, newest_legacy())[0]["name"] == "b");
  REQUIRE(set->list(2, 5, newest_legacy()).empty());
  REQUIRE(set->find("b"));
  REQUIRE_FALSE(set->find("c"));
}

TEST_CASE("A tool that no client could use is an error", "[mcp]") {
  using test::ContainsSubstring;
  REQUIRE_FALSE(ToolSet::make({tool("{")}));
  REQUIRE_THAT(problem(R"({"description": "d", "inputSchema": {"type": "object"}})"),
               ContainsSubstring("name"));
  REQUIRE_THAT(problem(R"({"name": "a b", "description": "d", "inputSchema": {"type": "object"}})"),
               ContainsSubstring("name"));
  REQUIRE_THAT(problem(R"({"name": ")" + std::string(65, 'a') +
                       R"(", "description": "d", "inputSchema": {"type": "object"}})"),
               ContainsSubstring("name"));
  REQUIRE_THAT(problem(R"({"name": "a", "inputSchema": {"type": "object"}})"),
               ContainsSubstring("description"));
  REQUIRE_THAT(problem(R"({"name": "a", "description": "d"})"), ContainsSubstring("inputSchema"));
  REQUIRE_THAT(problem(R"({"name": "a", "description": "d", "inputSchema": {"type": "array"}})"),
               ContainsSubstring("object"));
  REQUIRE_THAT(problem(R"({"name": "a", "description": "d", "inputSchema": {"type": "object", "odd": 1}})"),
               ContainsSubstring("odd"));
  REQUIRE_FALSE(ToolSet::make({tool(kGood), tool(kGood)}));
  REQUIRE_FALSE(ToolSet::make({Tool{kGood, nullptr}}));
}

TEST_CASE("An unknown tool is quoted in bounded length", "[mcp]") {
  const auto set = ToolSet::make({tool(kGood)});
  REQUIRE_THAT(set->unknown_tool("readfile"), test::EndsWith("did you mean \"read_file\"?"));
  REQUIRE(set->unknown_tool(std::string(100'000, 'x')).size() < 200);
}

}  // namespace rexec::mcp
