#include "mcp/tool.h"

#include "base/utf8.h"
#include "mcp/tool_json.h"
#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

std::map<std::string, InputRequest> asking(std::string method, Json params) {
  return {{"key", InputRequest{std::move(method), std::move(params)}}};
}

}  // namespace

TEST_CASE("A failure is one text of bounded length", "[mcp]") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "é";
  const ToolResult result = ToolResult::failure(text);
  REQUIRE(result.is_error);
  REQUIRE(result.content.size() == 1);
  REQUIRE(utf8_length(result.content.front().text) == 2000);
  REQUIRE(is_valid_utf8(result.content.front().text));
}

TEST_CASE("An error of the layers below keeps its message, and an internal one says that it is ours",
          "[mcp]") {
  REQUIRE(to_tool_failure(Error{ErrorCode::not_found, "no such file"}).content.front().text ==
          "no such file");
  const ToolResult internal = to_tool_failure(Error{ErrorCode::internal, "bad frame"});
  REQUIRE_THAT(internal.content.front().text, test::ContainsSubstring("inside the server (bad frame)"));
}

TEST_CASE("A result is written in the form of the version", "[mcp]") {
  ToolResult result = ToolResult::text("x");
  result.structured = Json{{"a", 1}};
  REQUIRE(to_json(result, ProtocolVersion::v2025_03_26) ==
          Json{{"content", {{{"type", "text"}, {"text", "x"}}}}});
  REQUIRE(to_json(result, ProtocolVersion::v2025_06_18)["structuredContent"] == Json{{"a", 1}});
}

TEST_CASE("What a client must declare depends on the question", "[mcp]") {
  const Json none = Json::object();
  REQUIRE(missing_capabilities(asking("elicitation/create", Json::object()), none) ==
          Json{{"elicitation", Json::object()}});
  REQUIRE(missing_capabilities(asking("elicitation/create", Json{{"mode", "url"}}),
                               Json{{"elicitation", Json::object()}}) ==
          Json{{"elicitation", {{"url", Json::object()}}}});
  REQUIRE(missing_capabilities(asking("sampling/createMessage", Json::object()), none) ==
          Json{{"sampling", Json::object()}});
  REQUIRE(
      missing_capabilities(asking("roots/list", Json::object()), Json{{"roots", Json::object()}}).empty());
}

}  // namespace rexec::mcp
