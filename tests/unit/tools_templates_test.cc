#include "tools/support/templates.h"

#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::ProcessReport;

namespace {

tools::Template node_template() {
  tools::Template made;
  made.name = "node";
  made.description = "JavaScript";
  made.env = {{"NODE_ENV", "test"}, {"LANG", "C"}};
  made.network = sandbox::Network::host;
  made.memory_mb = 512;
  made.cpus = 2;
  made.cwd = "/home/user/app";
  made.setup = {"mkdir app", "npm ci"};
  return made;
}

/// Answers each command with the status that the test gives.
void answer_commands(ToolBench& bench, std::function<ProcessReport(const sandbox::ProcessSpec&)> answer) {
  bench.manager.on_new_runner = [answer](const std::string&, FakeRunner& runner) {
    runner.on_start = [answer](const sandbox::ProcessSpec& spec, const sandbox::WaitSpec&, const Op&,
                               const sandbox::Completion<ProcessReport>& done) { done(answer(spec)); };
  };
}

}  // namespace

TEST_CASE("a template makes a sandbox like it says and sets it up, with progress", "[tools]") {
  ToolBench bench;
  bench.templates = {node_template()};
  std::vector<sandbox::ProcessSpec> ran;
  answer_commands(bench, [&](const sandbox::ProcessSpec& spec) {
    ran.push_back(spec);
    return exited_report(ran.size(), 0, "");
  });
  const auto call = bench.begin("sandbox_create", {{"template", "node"}}, true);
  const auto result = call->wait_result();
  REQUIRE(result);
  CHECK_FALSE(result->is_error);
  CHECK(result->structured->at("template") == "node");
  REQUIRE(bench.manager.created().size() == 1);
  const sandbox::SandboxSpec spec = bench.manager.created().front();
  CHECK(spec.network == sandbox::Network::host);
  CHECK(spec.memory_mb == std::uint64_t{512});
  CHECK(spec.cpus == 2.0);
  CHECK(spec.cwd == "/home/user/app");
  REQUIRE(ran.size() == 2);
  CHECK(ran[0].command == "mkdir app");
  CHECK(ran[1].command == "npm ci");
  CHECK(ran[1].cwd == "/home/user");
  CHECK(ran[1].timeout > Duration{});
  CHECK(ran[1].timeout <= std::chrono::seconds(600));
  CHECK(call->messages() == std::vector<std::string>{"set-up 1 of 2: mkdir app", "set-up 2 of 2: npm ci"});
}

TEST_CASE("what a call says goes before what its template says", "[tools]") {
  ToolBench bench;
  bench.templates = {node_template()};
  bench.templates.front().setup.clear();
  const auto result = bench.run("sandbox_create", {{"template", "node"},
                                                   {"network", "none"},
                                                   {"memory_mb", 64},
                                                   {"cpus", 0.5},
                                                   {"env", {{"LANG", "de"}, {"MORE", "1"}}}});
  CHECK_FALSE(result.is_error);
  const sandbox::SandboxSpec spec = bench.manager.created().front();
  CHECK(spec.network == sandbox::Network::none);
  CHECK(spec.memory_mb == std::uint64_t{64});
  CHECK(spec.cpus == 0.5);
  CHECK(spec.env == std::vector<std::pair<std::string, std::string>>{
                        {"NODE_ENV", "test"}, {"LANG", "de"}, {"MORE", "1"}});
}

TEST_CASE("a set-up that fails says how, and leaves no sandbox", "[tools]") {
  ToolBench bench;
  bench.templates = {node_template()};
  answer_commands(bench, [](const sandbox::ProcessSpec& spec) {
    return spec.command == "npm ci" ? exited_report(2, 7, std::string(5000, 'x') + "no such package")
                                    : exited_report(1, 0, "");
  });
  const auto result = bench.run("sandbox_create", {{"name", "mine"}, {"template", "node"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("\"npm ci\" ended with status 7"));
  CHECK_THAT(text_of(result), ContainsSubstring("no such package"));
  CHECK(text_of(result).size() < 2000);
  CHECK(bench.run("sandbox_list", Json::object()).structured->at("sandboxes").empty());
}

TEST_CASE("an unknown template is refused with those that there are", "[tools]") {
  ToolBench bench;
  CHECK_THAT(text_of(bench.run("sandbox_create", {{"template", "x"}})),
             ContainsSubstring("this server has none"));
  bench.templates = {node_template()};
  const auto result = bench.run("sandbox_create", {{"template", "nod"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("there are: node"));
  CHECK(bench.manager.created().empty());
}

TEST_CASE("sandbox_list shows templates when they are asked for", "[tools]") {
  ToolBench bench;
  bench.templates = {node_template()};
  const auto result = bench.run("sandbox_list", {{"include", "templates"}});
  CHECK(result.structured->at("templates") ==
        Json::array({{{"name", "node"}, {"description", "JavaScript"}}}));
  CHECK(text_of(result) == "template node: JavaScript\n");
  CHECK_FALSE(bench.run("sandbox_list", Json::object()).structured->contains("templates"));
}

TEST_CASE("a process that a limit had killed says so", "[tools]") {
  ToolBench bench;
  bench.runner().on_start = [](const sandbox::ProcessSpec&, const sandbox::WaitSpec&, const Op&,
                               const sandbox::Completion<ProcessReport>& done) {
    ProcessReport report = exited_report(3, 0, "");
    report.status = sandbox::ProcessStatus::signaled;
    report.signal = 9;
    done(report);
  };
  bench.manager.limit_reason = [](std::uint64_t process) {
    return "memory limit " + std::to_string(process) + " MB";
  };
  CHECK(bench.run("exec", {{"command", "x"}}).structured->at("reason") == "memory limit 3 MB");
  bench.manager.limit_reason = {};
  CHECK_FALSE(bench.run("exec", {{"command", "x"}}).structured->contains("reason"));
}
