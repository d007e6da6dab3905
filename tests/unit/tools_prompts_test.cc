// Prompts and completion.
#include <algorithm>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/fake_inquiry.h"
#include "tests/support/fake_sandbox.h"
#include "tools/resources/features.h"

namespace rexec {
namespace {

using test::ContainsSubstring;

struct PromptBench {
  test::FakeSandboxManager manager;
  test::Asker asker;

  tools::Services services() { return tools::Services{manager, {}}; }
  Result<mcp::PromptResult> get(const std::string& name, mcp::PromptArguments arguments) {
    for (const mcp::Prompt& prompt : tools::make_prompts(services())) {
      if (prompt.name != name) continue;
      test::Answer<mcp::PromptResult> answer;
      prompt.handler(asker.inquiry(), std::move(arguments), answer.reply());
      return answer.take();
    }
    return Error{ErrorCode::internal, "no such prompt"};
  }
  std::vector<std::string> complete(const std::string& argument,
                                    std::map<std::string, std::string> known = {}) {
    test::Answer<std::vector<std::string>> answer;
    tools::make_completer(services())
        ->complete(asker.inquiry(),
                   {mcp::CompletionQuery::Of::prompt, "debug_failure", argument, "", std::move(known)},
                   answer.reply());
    return answer.take().value();
  }
  std::size_t sandboxes() { return manager.list({}, Op{}).value().size(); }
};

sandbox::ProcessEntry entry_of(std::uint64_t process) {
  sandbox::ProcessEntry entry;
  entry.process = process;
  return entry;
}

}  // namespace

TEST_CASE("every prompt of the file has a handler", "[tools]") {
  PromptBench bench;
  const auto prompts = tools::make_prompts(bench.services());
  REQUIRE(prompts.size() == 2);
  for (const mcp::Prompt& prompt : prompts) {
    CHECK_FALSE(prompt.title.empty());
    CHECK_FALSE(prompt.description.empty());
    for (const mcp::PromptArgument& argument : prompt.arguments) CHECK_FALSE(argument.description.empty());
  }
}

TEST_CASE("getting_started names the sandbox and makes none", "[tools]") {
  PromptBench bench;
  const auto prompt = bench.get("getting_started", {}).value();
  REQUIRE(prompt.messages.size() == 1);
  CHECK_THAT(prompt.messages[0].text, ContainsSubstring("default sandbox"));
  CHECK_THAT(bench.get("getting_started", {{"sandbox", "work"}}).value().messages[0].text,
             ContainsSubstring("\"work\""));
  CHECK(bench.sandboxes() == 0);
}

TEST_CASE("debug_failure shows what the process printed and how it ended", "[tools]") {
  PromptBench bench;
  CHECK(bench.get("debug_failure", {{"process", "p7"}}).error().code == ErrorCode::not_found);
  CHECK(bench.sandboxes() == 0);
  test::FakeRunner& runner = bench.manager.runner();
  runner.on_wait = [](std::uint64_t process, auto, auto, auto done) {
    if (process != 7) return done(Error{ErrorCode::not_found, "no such process"});
    done(test::exited_report(7, 2, "", "boom\n"));
  };
  const auto prompt = bench.get("debug_failure", {{"process", "p7"}}).value();
  CHECK_THAT(prompt.messages.at(0).text, ContainsSubstring("boom\n[exit 2"));
  CHECK(bench.get("debug_failure", {{"process", "p8"}}).error().code == ErrorCode::not_found);
  CHECK(bench.get("debug_failure", {{"process", "7"}}).error().code == ErrorCode::invalid_argument);
  CHECK(bench.get("debug_failure", {{"process", "p7"}, {"sandbox", "x"}}).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("sandboxes are completed by name", "[tools]") {
  PromptBench bench;
  CHECK(bench.complete("sandbox").empty());
  bench.manager.runner("work");
  bench.manager.runner("default");
  CHECK(bench.complete("sandbox") == std::vector<std::string>{"default", "work"});
  CHECK(bench.complete("path").empty());
}

TEST_CASE("processes are completed in the sandbox that is known, the newest first", "[tools]") {
  PromptBench bench;
  CHECK(bench.complete("process").empty());
  CHECK(bench.sandboxes() == 0);
  bench.manager.runner("work").on_list = [](auto, auto, auto done) {
    done(sandbox::ProcessEntries{{entry_of(2), entry_of(0), entry_of(10)}, false});
  };
  CHECK(bench.complete("process", {{"sandbox", "work"}}) == std::vector<std::string>{"p10", "p2"});
  CHECK(bench.complete("process").empty());
  bench.manager.runner("work").on_list = [](auto, auto, auto done) {
    done(Error{ErrorCode::data_loss, "it died"});
  };
  CHECK(bench.complete("process", {{"sandbox", "work"}}).empty());
}

}  // namespace rexec
