#include "app/settings.h"

#include <set>

#include "base/fd.h"
#include "mcp/schema.h"
#include "tests/support/catch.h"

using namespace rexec;
using namespace rexec::app;

TEST_CASE("every setting has names of its own and a default that its schema accepts", "[app]") {
  std::set<std::string> names;
  const auto schema = mcp::compile_schema(settings_schema());
  REQUIRE(schema.ok());
  for (const Setting& setting : settings()) {
    INFO(setting.name);
    CHECK(names.insert(flag_name(setting)).second);
    CHECK(names.insert(variable_name(setting)).second);
    CHECK(find_setting(setting.name) == &setting);
    Json document = Json::object();
    document[Json::json_pointer(pointer_of(setting))] = setting.get(Config{});
    CHECK((*schema)->validate(document).empty());
  }
}

TEST_CASE("a setting reads back what was set", "[app]") {
  for (const Setting& setting : settings()) {
    INFO(setting.name);
    Json value;
    switch (setting.type) {
      case Setting::Type::text:
        value = "/some/path";
        break;
      case Setting::Type::choice:
        value = setting.choices.substr(setting.choices.rfind('|') + 1);
        break;
      case Setting::Type::boolean:
        value = true;
        break;
      case Setting::Type::integer:
      case Setting::Type::seconds:
        value = static_cast<std::int64_t>(setting.minimum) + 1;
        break;
      case Setting::Type::list:
      case Setting::Type::object:
        continue;  // what they accept is tested where it is defined
    }
    Config config;
    setting.set(config, value);
    CHECK(setting.get(config) == value);
  }
}

TEST_CASE("names of a setting follow from its path", "[app]") {
  const Setting& setting = *find_setting("limits.default_wait_s");
  CHECK(flag_name(setting) == "--limits-default-wait-s");
  CHECK(variable_name(setting) == "REXEC_MCP_LIMITS_DEFAULT_WAIT_S");
  CHECK(pointer_of(setting) == "/limits/default_wait_s");
  CHECK(value_placeholder(setting) == "SECONDS");
}

TEST_CASE("secrets are shown as asterisks, and empty values as what they stand for", "[app]") {
  Setting setting = *find_setting("bubblewrap");
  CHECK(display_value(setting, "") == "(looked up)");
  CHECK(display_value(setting, "/usr/bin/bwrap") == "/usr/bin/bwrap");
  setting.secret = true;
  CHECK(display_value(setting, "hunter2") == "********");
  CHECK(display_value(*find_setting("server.workers"), 8) == "8");
}

TEST_CASE("the network setting also decides what the local backend allows", "[app]") {
  Config config;
  CHECK_FALSE(config.local.allow_host_network);
  find_setting("network")->set(config, "host");
  CHECK(config.local.allow_host_network);
  find_setting("network")->set(config, "none");
  CHECK_FALSE(config.local.allow_host_network);
}

TEST_CASE("a list is an array of texts that reads back", "[app]") {
  const Setting& setting = *find_setting("mount");
  CHECK(flag_name(setting) == "--mount");
  CHECK(value_placeholder(setting) == "SRC:DST[:ro]");
  CHECK(from_words(setting, "/a:/b\n\n/c:/d:ro\n") == Json::array({"/a:/b", "/c:/d:ro"}));
  Config config;
  setting.set(config, Json::array({"/a:/b", "/c:/d:ro"}));
  CHECK(setting.get(config) == Json::array({"/a:/b", "/c:/d:ro"}));
  CHECK(setting.check(Json::array({"/a:/b"})).empty());
  CHECK_FALSE(setting.check(Json::array({"/a"})).empty());
}
