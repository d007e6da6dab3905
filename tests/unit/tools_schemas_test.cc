// What every tool of this build promises: names, sizes and schemas that all clients take.
#include <algorithm>
#include <set>

#include "mcp/schema.h"
#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"
#include "tools/services.h"

using namespace rexec;

namespace {

// 20 KB for the list of all 16 tools; the eleven so far have this much of it.
constexpr std::size_t kMaxCoreTools = 14 * 1024;
constexpr std::size_t kMaxList = 20 * 1024;
constexpr std::size_t kMaxTools = 18;
constexpr std::size_t kMaxName = 30;
constexpr std::size_t kMaxDescription = 1024;

std::vector<Json> all_tools() {
  test::FakeSandboxManager manager;
  std::vector<Json> files;
  const tools::Services services{
      manager, {}, tools::SandboxDefaults(), nullptr, std::make_shared<const std::vector<tools::Template>>()};
  for (const mcp::Tool& tool : tools::make_tools(services)) {
    auto file = parse_json(tool.schema);
    REQUIRE(file);
    files.push_back(std::move(*file));
  }
  return files;
}

/// As tools/list has it.
std::size_t published_size(const Json& file) {
  Json published = Json::object();
  for (const char* key :
       {"name", "title", "description", "inputSchema", "outputSchema", "annotations", "_meta"}) {
    if (file.contains(key)) published[key] = file[key];
  }
  return dump_json(published).size() + 1;
}

void check_portable(const Json& schema) {
  static const std::set<std::string> allowed = {
      "type",        "properties", "required", "additionalProperties",
      "description", "enum",       "items",    "minimum",
      "maximum",     "minItems",   "maxItems", "minLength",
      "default",     "maxLength",  "pattern"};
  REQUIRE(schema.is_object());
  for (const auto& [key, value] : schema.items()) {
    CHECK(allowed.count(key) == 1);
    if (key == "properties") {
      for (const auto& [name, property] : value.items()) check_portable(property);
    }
    if (key == "items" || (key == "additionalProperties" && !value.is_boolean())) check_portable(value);
  }
  REQUIRE(schema.contains("type"));
  CHECK(schema["type"].is_string());
  if (schema["type"] == "array") CHECK(schema.contains("items"));
}

}  // namespace

TEST_CASE("tools are sorted, named and described within bounds", "[tools]") {
  std::string previous;
  const auto tools = all_tools();
  CHECK(tools.size() <= kMaxTools);
  for (const Json& tool : tools) {
    const std::string name = tool.at("name");
    CAPTURE(name);
    CHECK(name > previous);
    CHECK(name.size() <= kMaxName);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
    CHECK_FALSE(tool.at("title").get<std::string>().empty());
    CHECK(tool.at("description").get<std::string>().size() < kMaxDescription);
    for (const char* hint : {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}) {
      CHECK(tool.at("annotations").at(hint).is_boolean());
    }
    previous = name;
  }
}

TEST_CASE("the list of tools fits its budget", "[tools]") {
  const std::set<std::string> core = {"exec",           "process_read", "process_input",
                                      "process_list",   "read_file",    "write_file",
                                      "sandbox_create", "sandbox_list", "sandbox_control"};
  std::size_t core_size = 0;
  std::size_t size = 0;
  std::size_t found = 0;
  for (const Json& tool : all_tools()) {
    const std::size_t one = published_size(tool);
    size += one;
    if (core.count(tool.at("name").get<std::string>()) == 0) continue;
    core_size += one;
    ++found;
  }
  CHECK(found == core.size());
  CHECK(core_size <= kMaxCoreTools);
  CHECK(size <= kMaxList);
}

TEST_CASE("argument schemas are portable, closed and compile", "[tools]") {
  for (const Json& tool : all_tools()) {
    CAPTURE(tool.at("name"));
    const Json& input = tool.at("inputSchema");
    CHECK(input.at("type") == "object");
    CHECK(input.at("properties").is_object());
    CHECK(input.at("additionalProperties") == false);
    check_portable(input);
    CHECK(mcp::compile_schema(input));
    for (const auto& [name, property] : input["properties"].items()) {
      if (property["type"] != "object") continue;
      const bool closed = property.contains("properties") && property.at("additionalProperties") == false;
      CHECK((closed || property.at("additionalProperties") == Json{{"type", "string"}}));
    }
    for (const Json& name : input.value("required", Json::array())) {
      CHECK(input["properties"].contains(name.get<std::string>()));
    }
    if (!tool.contains("outputSchema")) continue;
    CHECK(tool["outputSchema"].at("type") == "object");
    check_portable(tool["outputSchema"]);
    CHECK(mcp::compile_schema(tool["outputSchema"]));
  }
}

TEST_CASE("every tool documents its result, and only exec lists a schema of it", "[tools]") {
  for (const Json& tool : all_tools()) {
    CAPTURE(tool.at("name"));
    REQUIRE(tool.contains("x-result"));
    if (!tool.contains("outputSchema")) continue;
    CHECK(tool.at("name") == "exec");
    for (const auto& [name, property] : tool["outputSchema"]["properties"].items()) {
      CHECK(tool["x-result"].contains(name));
    }
    CHECK(tool["x-result"].size() == tool["outputSchema"]["properties"].size());
  }
}
