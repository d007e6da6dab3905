#include "app/templates.h"

#include "app/config.h"
#include "app/settings.h"
#include "mcp/schema.h"
#include "tests/support/catch.h"

using namespace rexec;
using namespace rexec::app;
using rexec::test::ContainsSubstring;

TEST_CASE("templates are read as they are written", "[app]") {
  const Json json = {{"node",
                      {{"description", "JavaScript"},
                       {"env", {{"A", "b"}}},
                       {"network", "host"},
                       {"memory_mb", 512},
                       {"cpus", 1.5},
                       {"cwd", "/workspace"},
                       {"setup", {"npm ci"}},
                       {"setup_timeout_s", 60},
                       {"expires_in_s", 3600}}},
                     {"empty", Json::object()}};
  CHECK(mcp::compile_schema(templates_schema()).value()->validate(json).empty());
  CHECK(check_templates(json).empty());
  const auto templates = read_templates(json);
  REQUIRE(templates.size() == 2);
  CHECK(templates[0].name == "empty");
  CHECK_FALSE(templates[0].network);
  const tools::Template& node = templates[1];
  CHECK(node.description == "JavaScript");
  CHECK(node.env == std::vector<std::pair<std::string, std::string>>{{"A", "b"}});
  CHECK(node.network == sandbox::Network::host);
  CHECK(node.memory_mb == std::uint64_t{512});
  CHECK(node.cpus == 1.5);
  CHECK(node.cwd == "/workspace");
  CHECK(node.setup == std::vector<std::string>{"npm ci"});
  CHECK(node.setup_timeout == std::chrono::seconds(60));
  CHECK(node.expires_in == std::chrono::seconds(3600));
}

TEST_CASE("templates that mean nothing are refused with what is expected", "[app]") {
  const auto schema = mcp::compile_schema(templates_schema()).value();
  CHECK_FALSE(schema->validate({{"a", {{"memry_mb", 1}}}}).empty());
  CHECK_FALSE(schema->validate({{"a", {{"setup", "npm ci"}}}}).empty());
  CHECK_FALSE(schema->validate({{"a", "b"}}).empty());
  CHECK_THAT(check_templates({{"Node", Json::object()}}),
             ContainsSubstring("\"Node\" is not a template's name"));
  CHECK_THAT(check_templates({{"a", {{"cwd", "work"}}}}), ContainsSubstring("cwd of a"));
  Json many = Json::object();
  for (std::size_t i = 0; i <= kMaxTemplates; ++i) many["t" + std::to_string(i)] = Json::object();
  CHECK_THAT(check_templates(many), ContainsSubstring("more than 64"));
}

TEST_CASE("templates are set in the file only", "[app]") {
  const Setting& setting = *find_setting("templates");
  CHECK_FALSE(has_flag(setting));
  CHECK(setting.get(Config{}) == Json::object());
  Config config;
  setting.set(config, {{"a", Json::object()}});
  CHECK(setting.get(config) == Json{{"a", Json::object()}});
}
