// The commands on a Program of fakes: real protocol server, tools and backend that do what the test says.
#include <optional>
#include <sstream>

#include "app/run.h"
#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"

using namespace rexec;
using namespace rexec::app;
using rexec::test::ContainsSubstring;

namespace {

constexpr std::string_view kExecSchema =
    R"({"name": "exec", "title": "Run", "description": "Runs a command. More.",
  "inputSchema": {"type": "object", "additionalProperties": false, "required": ["command"], "properties": {
    "command": {"type": "string"}, "wait_s": {"type": "number"}, "raw": {"type": "boolean"},
    "env": {"type": "object", "additionalProperties": {"type": "string"}},
    "secrets": {"type": "array", "items": {"type": "string"}}}}})";

constexpr std::string_view kOtherSchema =
    R"({"name": "read_file", "title": "Read", "description": "Reads a file.",
  "inputSchema": {"type": "object", "additionalProperties": false, "properties": {"path": {"type": "string"}}}})";

class ImmediateTransport final : public mcp::Transport {
 public:
  Status serve(mcp::Endpoint&, std::stop_token) override { return {}; }
};

class FakeProgram final : public Program {
 public:
  FakeProgram(std::function<mcp::ToolResult(const Json&)> answer, std::vector<sandbox::Finding> findings)
      : answer_(std::move(answer)) {
    backend_.findings = std::move(findings);
  }

  Result<mcp::Server*> server() override {
    if (server_ == nullptr) {
      pool_.emplace(WorkerPool::Options{});
      const auto handler = [this](std::shared_ptr<mcp::ToolCall> call) {
        call->reply(answer_(call->arguments()));
      };
      auto made = mcp::make_server({}, {{kExecSchema, handler}, {kOtherSchema, handler}}, *pool_);
      if (!made) return std::move(made).error();
      server_ = std::move(made).value();
    }
    return server_.get();
  }
  sandbox::Backend& backend() override { return backend_; }
  sandbox::Reactor& reactor() override { return *reactor_; }
  Result<std::unique_ptr<mcp::Transport>> connect_stdio() override {
    return std::unique_ptr<mcp::Transport>(std::make_unique<ImmediateTransport>());
  }
  void shutdown() override {}

 private:
  std::function<mcp::ToolResult(const Json&)> answer_;
  test::FakeBackend backend_;
  const std::unique_ptr<sandbox::Reactor> reactor_ = sandbox::make_reactor();
  std::optional<WorkerPool> pool_;
  std::unique_ptr<mcp::Server> server_;
};

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

struct Setup {
  std::function<mcp::ToolResult(const Json&)> answer = [](const Json&) {
    return mcp::ToolResult::text("done");
  };
  std::vector<sandbox::Finding> findings;
  Environment environment;
  std::string input;
  bool terminals = false;

  Outcome run(const std::vector<std::string>& words) const {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Outcome outcome;
    outcome.status =
        app::run(words, environment, {in, out, err, terminals, terminals, terminals},
                 [this](const Config&) { return std::make_unique<FakeProgram>(answer, findings); });
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }
};

mcp::ToolResult structured(Json json) {
  auto result = mcp::ToolResult::text("text");
  result.structured = std::move(json);
  return result;
}

}  // namespace

TEST_CASE("without a command a terminal gets help, and a pipe is served", "[app]") {
  Setup setup;
  CHECK(setup.run({}).out.empty());
  setup.terminals = true;
  CHECK_THAT(setup.run({}).out, ContainsSubstring("Usage: rexec-mcp"));
}

TEST_CASE("help lists every command and every setting, and explains each command", "[app]") {
  const std::string help = Setup().run({"help"}).out;
  for (const Command& command : commands()) {
    CHECK_THAT(help, ContainsSubstring("  " + std::string(command.name)));
    CHECK_THAT(Setup().run({"help", std::string(command.name)}).out,
               ContainsSubstring(std::string(command.summary)));
  }
  for (const Setting& setting : settings()) {
    if (has_flag(setting)) CHECK_THAT(help, ContainsSubstring(flag_name(setting)));
  }
  CHECK(Setup().run({"help", "cal"}).status == kUsage);
  CHECK_THAT(Setup().run({"help", "cal"}).err, ContainsSubstring("\"call\""));
}

TEST_CASE("help and version work with a broken configuration, other commands say what is wrong", "[app]") {
  Setup setup;
  setup.environment["REXEC_MCP_SERVER_WORKERS"] = "many";
  CHECK(setup.run({"help"}).status == kSuccess);
  CHECK(setup.run({"version"}).out == "rexec-mcp " REXEC_VERSION "\n");
  for (const std::string command : {"stdio", "tools"}) {
    const Outcome outcome = setup.run({command});
    CHECK(outcome.status == kUsage);
    CHECK_THAT(outcome.err, ContainsSubstring("REXEC_MCP_SERVER_WORKERS"));
  }
}

TEST_CASE("call prints the text of the answer and passes typed arguments", "[app]") {
  Setup setup;
  Json seen;
  setup.answer = [&](const Json& arguments) {
    seen = arguments;
    return mcp::ToolResult::text("line");
  };
  const Outcome outcome = setup.run(
      {"call", "exec", "command=a=b", "wait_s=2.5", "raw=true", "env=A=1", "env=B=2", "secrets=one"});
  CHECK(outcome.status == kSuccess);
  CHECK(outcome.out == "line\n");
  CHECK(seen == Json{{"command", "a=b"},
                     {"wait_s", 2.5},
                     {"raw", true},
                     {"env", {{"A", "1"}, {"B", "2"}}},
                     {"secrets", {"one"}}});
}

TEST_CASE("call takes JSON for lists and objects, but leaves text alone", "[app]") {
  Setup setup;
  Json seen;
  setup.answer = [&](const Json& arguments) {
    seen = arguments;
    return mcp::ToolResult::text("");
  };
  CHECK(
      setup.run({"call", "exec", "command=[ -e x ]", "secrets=[\"a\",\"b\"]", "env={\"A\":\"1\"}"}).status ==
      0);
  CHECK(seen == Json{{"command", "[ -e x ]"}, {"secrets", {"a", "b"}}, {"env", {{"A", "1"}}}});
}

TEST_CASE("call takes all arguments as JSON, also from standard input", "[app]") {
  Setup setup;
  Json seen;
  setup.answer = [&](const Json& arguments) {
    seen = arguments;
    return mcp::ToolResult::text("");
  };
  CHECK(setup.run({"call", "exec", "--json", R"({"command": "a"})"}).status == kSuccess);
  CHECK(seen == Json{{"command", "a"}});
  setup.input = R"({"command": "b"})";
  CHECK(setup.run({"call", "exec", "--json", "-"}).status == kSuccess);
  CHECK(seen == Json{{"command", "b"}});
}

TEST_CASE("call refuses what is not a call with status 2", "[app]") {
  const Setup setup;
  CHECK_THAT(setup.run({"call", "exce"}).err, ContainsSubstring("\"exec\""));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"call", "exce"},
                                             {"call", "exec", "command"},
                                             {"call", "exec", "=x"},
                                             {"call", "exec", "env={"},
                                             {"call", "exec", "--json", "{"},
                                             {"call", "exec", "--json", "[]"},
                                             {"call", "exec", "--json", "{}", "command=a"},
                                             {"call", "read_file", "--exit-code"}}) {
    INFO(words.back());
    CHECK(setup.run(words).status == kUsage);
  }
}

TEST_CASE("call reports a tool error, and arguments that do not fit, with status 1 on standard error",
          "[app]") {
  Setup setup;
  setup.answer = [](const Json&) { return mcp::ToolResult::failure("no such thing"); };
  const Outcome failed = setup.run({"call", "exec", "command=a"});
  CHECK(failed.status == kFailure);
  CHECK(failed.out.empty());
  CHECK(failed.err == "no such thing\n");
  const Outcome misfit = setup.run({"call", "exec", "comand=a"});
  CHECK(misfit.status == kFailure);
  CHECK_THAT(misfit.err, ContainsSubstring("command"));
}

TEST_CASE("call --output json prints the structured result, or the content where there is none", "[app]") {
  Setup setup;
  setup.answer = [](const Json&) { return structured({{"exit_code", 3}}); };
  CHECK(*parse_json(setup.run({"call", "exec", "command=a", "--output", "json"}).out) ==
        Json{{"exit_code", 3}});
  setup.answer = [](const Json&) { return mcp::ToolResult::text("t"); };
  const auto plain = parse_json(setup.run({"call", "exec", "command=a", "--output", "json"}).out);
  CHECK(*plain == Json{{"content", {{{"type", "text"}, {"text", "t"}}}}, {"isError", false}});
}

TEST_CASE("call --exit-code ends as the command ended", "[app]") {
  Setup setup;
  const auto status_of = [&](Json result) {
    setup.answer = [result](const Json&) { return structured(result); };
    return setup.run({"call", "exec", "--exit-code", "command=a"}).status;
  };
  CHECK(status_of({{"status", "exited"}, {"exit_code", 0}}) == 0);
  CHECK(status_of({{"status", "exited"}, {"exit_code", 42}}) == 42);
  CHECK(status_of({{"status", "signaled"}, {"signal", "SIGKILL"}}) == 137);
  CHECK(status_of({{"status", "timed_out"}}) == kTimedOut);
  CHECK(status_of({{"status", "running"}}) == kFailure);
}

TEST_CASE("call filters what reaches a terminal, and nothing else", "[app]") {
  Setup setup;
  setup.answer = [](const Json&) { return mcp::ToolResult::text("a\x1b]52;c;aGk=\x07z\n"); };
  CHECK(setup.run({"call", "exec", "command=a"}).out == "a\x1b]52;c;aGk=\x07z\n");
  setup.terminals = true;
  CHECK(setup.run({"call", "exec", "command=a"}).out == "az\n");
  setup.answer = [](const Json&) { return mcp::ToolResult::failure("a\x1b]52;c;aGk=\x07z\n"); };
  CHECK(setup.run({"call", "exec", "command=a"}).err == "az\n");
}

TEST_CASE("tools lists by first sentence, and shows one with its schema", "[app]") {
  const Setup setup;
  CHECK(setup.run({"tools"}).out == "exec       Runs a command.\nread_file  Reads a file.\n");
  CHECK_THAT(setup.run({"tools", "exec"}).out,
             ContainsSubstring("Arguments:") && ContainsSubstring("\"wait_s\""));
  CHECK(parse_json(setup.run({"tools", "--output", "json"}).out)->size() == 2);
  CHECK(find_string(*parse_json(setup.run({"tools", "exec", "--output", "json"}).out), "name") == "exec");
  CHECK(setup.run({"tools", "exce"}).status == kUsage);
}

TEST_CASE("doctor fails for what is required and missing, with the remedy", "[app]") {
  Setup setup;
  setup.findings = {{"first", true, true, "fine", ""},
                    {"second", false, false, "absent", "perhaps install it"}};
  const Outcome fine = setup.run({"doctor"});
  CHECK(fine.status == kSuccess);
  CHECK_THAT(fine.out, ContainsSubstring("ok      first: fine") && ContainsSubstring("absent  second"));
  setup.findings.push_back({"third", false, true, "not found", "install it"});
  const Outcome broken = setup.run({"doctor"});
  CHECK(broken.status == kFailure);
  CHECK_THAT(broken.out, ContainsSubstring("MISSING third: not found\n        remedy: install it"));
  const auto json = parse_json(setup.run({"doctor", "--output", "json"}).out);
  CHECK(find_bool(*json, "ready") == false);
  CHECK(json->at("findings").size() == 4);
}

TEST_CASE("doctor reports a broken configuration as a finding", "[app]") {
  Setup setup;
  setup.environment["REXEC_MCP_SERVER_WORKERS"] = "many";
  const Outcome outcome = setup.run({"doctor"});
  CHECK(outcome.status == kFailure);
  CHECK_THAT(outcome.out, ContainsSubstring("MISSING configuration: REXEC_MCP_SERVER_WORKERS"));
}

TEST_CASE("config show names every setting with value and origin", "[app]") {
  const Outcome outcome = Setup().run({"config", "show", "--server-workers", "3"});
  CHECK(outcome.status == kSuccess);
  for (const Setting& setting : settings())
    CHECK_THAT(outcome.out, ContainsSubstring(std::string(setting.name)));
  CHECK_THAT(outcome.out, ContainsSubstring("--server-workers"));
  const auto json = parse_json(Setup().run({"config", "show", "--output", "json"}).out);
  CHECK(json->at("settings").size() == settings().size());
  CHECK(Setup().run({"config", "shaw"}).status == kUsage);
}

TEST_CASE("cp explains what it does not understand with status 2, and what is not there with 1", "[app]") {
  const Setup setup;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"cp", "a"},
                                             {"cp", "a", "b"},
                                             {"cp", "a:x", "b:y"},
                                             {"cp", "a:x", "-", "--output", "json"},
                                             {"cp", "a", "b:c", "d"}}) {
    INFO(words.back());
    CHECK(setup.run(words).status == kUsage);
  }
  const Outcome unknown = setup.run({"cp", "/etc/hostname", "work:"});
  CHECK(unknown.status == kFailure);
  CHECK_THAT(unknown.err, ContainsSubstring("no persistent sandbox \"work\"") &&
                              ContainsSubstring("rexec-mcp sandboxes create work"));
}
