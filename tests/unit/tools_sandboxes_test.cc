#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"
#include "tools/support/sandbox_record.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;

TEST_CASE("a record is complete in both forms", "[tools]") {
  sandbox::SandboxRecord record;
  record.name = "second";
  record.backend = "local";
  record.id = "id-1";
  record.status = sandbox::SandboxStatus::running;
  record.home = "/home/user";
  record.cwd = "/workspace";
  record.isolation = "namespaces+seccomp";
  record.mounts = {"/workspace (read-write)"};
  record.capabilities = {"no disk limit"};
  record.network = sandbox::Network::host;
  record.created_unix_ms = 1'700'000'000'000;
  record.expires_unix_ms = 1'700'000'060'000;
  record.labels = {{"team", "e2e"}};
  record.limits = {{"processes", "512", "rlimit"}, {"memory_mb", "", "not enforced"}};
  const Json json = tools::record_json(record);
  const std::string text = tools::record_text(record);
  for (const char* part :
       {"second", "local", "id-1", "running", "/home/user", "/workspace (read-write)", "namespaces+seccomp",
        "no disk limit", "network host", "2023-11-14T22:13:20.000Z", "2023-11-14T22:14:20.000Z", "team=e2e",
        "processes 512 (rlimit)", "memory_mb (not enforced)"}) {
    CHECK_THAT(text, ContainsSubstring(part));
  }
  CHECK(json["limits"] == Json{{"processes", {{"value", "512"}, {"mechanism", "rlimit"}}},
                               {"memory_mb", {{"mechanism", "not enforced"}}}});
  CHECK(json["expires_at"] == "2023-11-14T22:14:20.000Z");
  CHECK(json["capabilities"] == Json{"no disk limit"});
  for (const char* absent : {"image", "template", "real_machine", "persistent"})
    CHECK_FALSE(json.contains(absent));
}

TEST_CASE("sandbox_create makes what it is asked for", "[tools]") {
  ToolBench bench;
  const auto result = bench.run("sandbox_create", {{"name", "second"},
                                                   {"labels", {{"team", "e2e"}}},
                                                   {"network", "host"},
                                                   {"expires_in_s", 60},
                                                   {"disk_mb", 8}});
  CHECK_FALSE(result.is_error);
  CHECK(result.structured->at("name") == "second");
  CHECK(result.structured->at("network") == "host");
  CHECK(result.structured->at("labels") == Json{{"team", "e2e"}});
  CHECK(result.structured->at("expires_at") == "2023-11-14T22:14:20.000Z");
  CHECK_THAT(text_of(result), ContainsSubstring("\"sandbox\":\"second\""));
  CHECK(bench.run("sandbox_create", {{"name", "Bad_Name"}}).is_error);
  CHECK(bench.run("sandbox_create", {{"name", std::string(41, 'a')}}).is_error);
  CHECK(bench.run("sandbox_create", {{"env", {{"A=B", "x"}}}}).is_error);
  // What no backend can do yet is not offered.
  CHECK(bench.run("sandbox_create", {{"image", "1"}}).is_error);
}

TEST_CASE("sandbox_create fails with the reason", "[tools]") {
  ToolBench bench;
  bench.manager.check = [](const std::string&) -> Status {
    return Error{ErrorCode::failed_precondition, "bubblewrap is missing: apt install bubblewrap"};
  };
  const auto result = bench.run("sandbox_create", Json::object());
  CHECK(result.is_error);
  CHECK(text_of(result) == "bubblewrap is missing: apt install bubblewrap");
}

TEST_CASE("sandbox_list lists, filters and creates nothing", "[tools]") {
  ToolBench bench;
  auto result = bench.run("sandbox_list", Json::object());
  CHECK(result.structured->at("sandboxes").empty());
  CHECK_THAT(text_of(result), ContainsSubstring("There is no sandbox yet"));
  CHECK_FALSE(result.structured->contains("templates"));
  bench.run("sandbox_create", {{"name", "b"}, {"labels", {{"team", "x"}}}});
  bench.run("sandbox_create", {{"name", "a"}});
  result = bench.run("sandbox_list", Json::object());
  REQUIRE(result.structured->at("sandboxes").size() == 2);
  CHECK(result.structured->at("sandboxes")[0]["name"] == "a");
  result = bench.run("sandbox_list", {{"label", "team=x"}});
  REQUIRE(result.structured->at("sandboxes").size() == 1);
  CHECK(result.structured->at("sandboxes")[0]["name"] == "b");
  CHECK(bench.run("sandbox_list", {{"label", "team"}}).is_error);
  CHECK_THAT(text_of(bench.run("sandbox_list", {{"label", "team=y"}})),
             ContainsSubstring("No sandbox has this label"));
  result = bench.run("sandbox_list", {{"include", "all"}});
  CHECK(result.structured->at("templates").empty());
  CHECK(result.structured->at("images").empty());
  CHECK(bench.run("sandbox_list", {{"include", "agents"}}).structured->at("sandboxes").empty());
  CHECK_FALSE(bench.run("sandbox_list", {{"include", "images"}}).structured->contains("sandboxes"));
}

TEST_CASE("sandbox_control does one thing to one sandbox", "[tools]") {
  ToolBench bench;
  bench.run("sandbox_create", {{"name", "second"}});
  const auto control = [&](Json arguments) {
    arguments["sandbox"] = "second";
    return bench.run("sandbox_control", std::move(arguments));
  };
  CHECK(control({{"action", "stop"}}).structured->at("status") == "stopped");
  CHECK(control({{"action", "start"}}).structured->at("status") == "running");
  CHECK(control({{"action", "restart"}}).structured->at("status") == "running");
  CHECK(control({{"action", "extend"}, {"expires_in_s", 60}}).structured->at("expires_at") ==
        "2023-11-14T22:14:20.000Z");
  CHECK_THAT(text_of(control({{"action", "extend"}})), ContainsSubstring("/expires_in_s"));
  CHECK_THAT(text_of(control({{"action", "stop"}, {"expires_in_s", 60}})),
             ContainsSubstring("/expires_in_s"));
  const auto deleted = control({{"action", "delete"}});
  CHECK(*deleted.structured == Json{{"name", "second"}, {"deleted", true}});
  CHECK_THAT(text_of(deleted), ContainsSubstring("deleted, with its files"));
  CHECK(control({{"action", "stop"}}).is_error);
  CHECK(bench.run("sandbox_control", {{"action", "stop"}}).is_error);
}
