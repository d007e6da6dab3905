#include <algorithm>
#include <array>
#include <csignal>
#include <thread>

#include "base/utf8.h"
#include "mcp/schema.h"
#include "tests/support/catch.h"
#include "tests/support/fake_output.h"
#include "tests/support/fake_tool_call.h"
#include "tests/support/numbered_lines.h"

using namespace rexec;
using namespace rexec::test;
using namespace std::chrono_literals;
using rexec::test::ContainsSubstring;
using rexec::test::EndsWith;
using rexec::test::StartsWith;
using sandbox::Completion;
using sandbox::ProcessReport;
using sandbox::ProcessSpec;
using sandbox::ProcessStatus;
using sandbox::WaitSpec;

namespace {

/// What exec asked the runner for.
struct Asked {
  ProcessSpec spec;
  WaitSpec wait;
};

Asked asked_for(Json arguments, tools::ToolLimits limits = {}) {
  ToolBench bench;
  bench.limits = limits;
  Asked asked;
  bench.runner().on_start = [&](ProcessSpec spec, const WaitSpec& wait, const Op&,
                                const Completion<ProcessReport>& done) {
    asked = {std::move(spec), wait};
    done(exited_report(1, 0, ""));
  };
  bench.run("exec", std::move(arguments));
  return asked;
}

Json structured(const mcp::ToolResult& result) {
  REQUIRE(result.structured);
  return *result.structured;
}

}  // namespace

TEST_CASE("exec answers with output and exit code in both forms", "[tools]") {
  ToolBench bench;
  FakeProcess process{"out\n", "err\n", ProcessStatus::exited, 3, 0};
  process.serve(bench.runner());
  const auto result = bench.run("exec", {{"command", "echo"}});
  CHECK_FALSE(result.is_error);
  CHECK(text_of(result) == "out\n[stderr]\nerr\n[exit 3 · 2 ms]");
  const Json json = structured(result);
  CHECK(json["stdout"] == "out\n");
  CHECK(json["stderr"] == "err\n");
  CHECK(json["status"] == "exited");
  CHECK(json["exit_code"] == 3);
  CHECK(json["process"] == "p7");
  CHECK(json["sandbox"] == "default");
  CHECK(json["stdout_bytes"] == 4);
  CHECK(json["cursor"] == "4.4");
  for (const char* absent :
       {"signal", "reason", "omitted_bytes", "gap_cursor", "more", "notes", "sandbox_recreated"}) {
    CHECK_FALSE(json.contains(absent));
  }
}

TEST_CASE("exec adds the line end that output lacks", "[tools]") {
  ToolBench bench;
  FakeProcess process{"no end", "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  CHECK(text_of(bench.run("exec", {{"command", "x"}})) == "no end\n[exit 0 · 2 ms]");
  process.out.clear();
  CHECK(text_of(bench.run("exec", {{"command", "x"}})) == "[exit 0 · 2 ms]");
  process.err = "only";
  CHECK(text_of(bench.run("exec", {{"command", "x"}})) == "[stderr]\nonly\n[exit 0 · 2 ms]");
}

TEST_CASE("exec passes on what it is asked for", "[tools]") {
  const Asked asked =
      asked_for({{"command", "make"}, {"cwd", "~/src"}, {"env", {{"A", "1"}}}, {"stdin", "in"}});
  CHECK(asked.spec.command == "make");
  CHECK(asked.spec.cwd == "~/src");
  CHECK(asked.spec.env == decltype(asked.spec.env){{"A", "1"}});
  CHECK(asked.spec.input == std::optional<std::string>("in"));
  CHECK_FALSE(asked.spec.stdin_pipe);
  CHECK(asked.spec.timeout == 600s);
  CHECK(asked.wait.until == sandbox::Until::exit);
  CHECK(asked.wait.wait == 45s);
  CHECK(asked.wait.head + asked.wait.tail == 30'000 * 4);
  CHECK(asked.wait.head * 2 == asked.wait.tail);
}

TEST_CASE("exec without stdin gives end of file, in the background an open pipe", "[tools]") {
  CHECK_FALSE(asked_for({{"command", "cat"}}).spec.input);
  CHECK_FALSE(asked_for({{"command", "cat"}}).spec.stdin_pipe);
  CHECK(asked_for({{"command", "cat"}, {"wait_s", 0}}).spec.stdin_pipe);
  CHECK_FALSE(asked_for({{"command", "cat"}, {"wait_s", 0}, {"stdin", ""}}).spec.stdin_pipe);
}

TEST_CASE("exec bounds wait and timeout by the configuration", "[tools]") {
  CHECK(asked_for({{"command", "x"}, {"wait_s", 100'000}}).wait.wait == 300s);
  CHECK(asked_for({{"command", "x"}, {"timeout_s", 1e9}}).spec.timeout == 86'400s);
  CHECK(asked_for({{"command", "x"}, {"timeout_s", 2.5}}).spec.timeout == 2500ms);
  const Asked background = asked_for({{"command", "x"}, {"wait_s", 0}});
  CHECK(background.spec.timeout == 86'400s);
  CHECK(background.wait.until == sandbox::Until::now);
  const WaitSpec most = asked_for({{"command", "x"}, {"max_chars", 400'000}}).wait;
  CHECK(most.head + most.tail == std::size_t{1} << 20);
}

TEST_CASE("exec says how a command was ended", "[tools]") {
  ToolBench bench;
  ProcessReport report = exited_report(7, 0, "");
  bench.runner().on_start = [&](const ProcessSpec&, const WaitSpec&, const Op&,
                                const Completion<ProcessReport>& done) { done(report); };
  report.status = ProcessStatus::signaled;
  report.signal = SIGKILL;
  report.duration = 300ms;
  auto result = bench.run("exec", {{"command", "x"}});
  CHECK(text_of(result) == "[signal SIGKILL · 0.3 s]");
  CHECK(structured(result)["signal"] == "SIGKILL");
  CHECK_FALSE(structured(result).contains("exit_code"));

  report.reason = "memory limit\n512 MB";
  CHECK(text_of(bench.run("exec", {{"command", "x"}})) == "[signal SIGKILL · 0.3 s · memory limit 512 MB]");

  report.status = ProcessStatus::timed_out;
  report.duration = 600s;
  report.reason = "timeout 600 s";
  result = bench.run("exec", {{"command", "x"}});
  CHECK_THAT(text_of(result), StartsWith("[timed out after 600 s"));
  CHECK(structured(result)["status"] == "timed_out");
  CHECK(structured(result)["reason"] == "timeout 600 s");

  report.cpu = 1500ms;
  report.max_rss_bytes = 4096;
  result = bench.run("exec", {{"command", "x"}});
  CHECK(structured(result)["cpu_ms"] == 1500);
  CHECK(structured(result)["max_rss_bytes"] == 4096);
}

TEST_CASE("a running command comes with its deadline and the way on", "[tools]") {
  ToolBench bench;
  ProcessReport report = running_report(7, "so far\n");
  report.duration = 45s;
  report.time_left = 555s;
  bench.runner().on_start = [&](const ProcessSpec&, const WaitSpec&, const Op&,
                                const Completion<ProcessReport>& done) { done(report); };
  auto result = bench.run("exec", {{"command", "x"}});
  CHECK(text_of(result) ==
        "so far\n[running · process p7 · 45 s · is killed in 555 s — read more with process_read "
        "{\"process\":\"p7\",\"cursor\":\"7.0\"}]");
  CHECK(structured(result)["status"] == "running");
  CHECK(structured(result)["time_left_ms"] == 555'000);
  bench.runner("other").on_start = bench.runner().on_start;
  result = bench.run("exec", {{"command", "x"}, {"sandbox", "other"}});
  CHECK_THAT(text_of(result), ContainsSubstring(R"({"process":"p7","sandbox":"other","cursor":"7.0"})"));
}

TEST_CASE("long output is cut in the middle, and the cut names the call for the rest", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(20'000), "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  for (const int chars : {1000, 5000, 30'000}) {
    const auto result = bench.run("exec", {{"command", "seq"}, {"max_chars", chars}});
    const std::string text = text_of(result);
    CHECK(utf8_length(text) <= static_cast<std::size_t>(chars));
    CHECK(utf8_length(text) + 160 >= static_cast<std::size_t>(chars));
    const Json json = structured(result);
    CHECK(json["cursor"] == std::to_string(process.out.size()) + ".0");
    const std::string gap = json["gap_cursor"];
    CHECK_THAT(text, ContainsSubstring("[… " + std::to_string(json["omitted_bytes"].get<int>()) + " bytes, " +
                                       std::to_string(json["omitted_lines"].get<int>()) +
                                       " lines, left out — process_read {\"process\":\"p7\",\"cursor\":\"" +
                                       gap + "\"} returns them]"));
    CHECK_THAT(text, EndsWith("line 20000\n[exit 0 · 2 ms]"));
    CHECK_THAT(text, StartsWith(json["stdout"].get<std::string>()));
    const std::size_t shown = json["stdout"].get<std::string>().size();
    CHECK(shown + json["omitted_bytes"].get<std::size_t>() > process.out.size());
  }
}

TEST_CASE("stderr has its share of the budget, and neither stream keeps what it does not need", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(5000), numbered_lines(5000), ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  auto json = structured(bench.run("exec", {{"command", "x"}, {"max_chars", 9000}}));
  const auto size = [&](const char* key) { return json[key].get<std::string>().size(); };
  CHECK(size("stderr") > 2700);
  CHECK(size("stderr") < 3100);
  CHECK(size("stdout") > 5400);
  CHECK_THAT(json["stderr"].get<std::string>(), ContainsSubstring("\"stream\":\"stderr\""));
  process.out = "short\n";
  json = structured(bench.run("exec", {{"command", "x"}, {"max_chars", 9000}}));
  CHECK(json["stdout"] == "short\n");
  CHECK(size("stderr") > 8500);
}

TEST_CASE("exec selects lines before it budgets", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(100'000), "line e\n", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  const auto result = bench.run("exec", {{"command", "x"}, {"grep", "00$|e$"}, {"tail_lines", 2}});
  CHECK(text_of(result) == "line 99900\nline 100000\n[stderr]\nline e\n[exit 0 · 2 ms · 3 lines selected]");
  const Json json = structured(result);
  CHECK(json["matched_lines"] == 3);
  CHECK(json["cursor"] == std::to_string(process.out.size()) + ".7");
  CHECK_FALSE(json.contains("omitted_bytes"));
  CHECK_FALSE(json.contains("gap_cursor"));
  // 1.2 MB come in pieces of at most 1 MiB.
  const auto calls = bench.runner().calls();
  CHECK(std::count_if(calls.begin(), calls.end(),
                      [](const std::string& call) { return call.rfind("read_output", 0) == 0; }) == 2);
}

TEST_CASE("what a selection leaves over the budget is cut and counted", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(5000), "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  const auto result = bench.run("exec", {{"command", "x"}, {"grep", "line"}, {"max_chars", 2000}});
  const Json json = structured(result);
  CHECK(json["matched_lines"] == 5000);
  CHECK(utf8_length(text_of(result)) <= 2000);
  CHECK(json["omitted_bytes"].get<std::size_t>() < process.out.size());
  CHECK_THAT(
      text_of(result),
      ContainsSubstring(R"(process_read {"process":"p7","grep":"line","max_chars":400000} returns more])"));
}

TEST_CASE("exec cleans output unless it is to be raw", "[tools]") {
  ToolBench bench;
  FakeProcess process{"\x1b[31mred\x1b[0m\xff\n", "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  CHECK(structured(bench.run("exec", {{"command", "x"}}))["stdout"] == "red\xEF\xBF\xBD\n");
  CHECK(structured(bench.run("exec", {{"command", "x"}, {"raw", true}}))["stdout"] ==
        "\x1b[31mred\x1b[0m\xEF\xBF\xBD\n");
}

TEST_CASE("a failure for want of a network says that the network is off", "[tools]") {
  ToolBench bench;
  FakeProcess process{"", "curl: (6) Could not resolve host: example.com\n", ProcessStatus::exited, 6, 0};
  process.serve(bench.runner());
  auto result = bench.run("exec", {{"command", "curl"}});
  CHECK_THAT(text_of(result), ContainsSubstring("\n[the network of this sandbox is off"));
  REQUIRE(structured(result)["notes"].size() == 1);
  process.exit_code = 0;
  CHECK_THAT(text_of(bench.run("exec", {{"command", "curl"}})), !ContainsSubstring("network"));
  process.exit_code = 1;
  process.err = "cat: x: No such file or directory\n";
  CHECK_THAT(text_of(bench.run("exec", {{"command", "cat"}})), !ContainsSubstring("network"));
}

TEST_CASE("small answers are made on the completing thread, large ones on a worker", "[tools]") {
  ToolBench bench;
  FakeProcess process{"hi\n", "", ProcessStatus::exited, 0, 0};
  bench.runner();
  process.serve(bench.runner());
  auto call = bench.begin("exec", {{"command", "echo hi"}});
  CHECK(call->answered());
  CHECK(call->deferred() == 0);
  process.out = numbered_lines(10'000);
  call = bench.begin("exec", {{"command", "seq"}});
  CHECK_FALSE(call->answered());
  CHECK(call->wait_result());
  CHECK(call->deferred() == 1);
}

TEST_CASE("a default sandbox that has to be made is made on a worker", "[tools]") {
  ToolBench bench;
  FakeProcess process{"hi\n", "", ProcessStatus::exited, 0, 0};
  bench.manager.on_new_runner = [&](const std::string&, FakeRunner& runner) { process.serve(runner); };
  const auto call = bench.begin("exec", {{"command", "echo hi"}});
  CHECK_FALSE(call->answered());
  CHECK(text_of(call->wait_result().value()) == "hi\n[exit 0 · 2 ms]");
}

TEST_CASE("an answer from a default sandbox that was made anew says so", "[tools]") {
  ToolBench bench;
  FakeProcess process{"hi\n", "", ProcessStatus::exited, 0, 0};
  bench.manager.on_new_runner = [&](const std::string&, FakeRunner& runner) { process.serve(runner); };
  bench.runner();
  bench.manager.lose_default();
  const auto result = bench.run("exec", {{"command", "echo hi"}});
  CHECK_THAT(text_of(result),
             ContainsSubstring("the default sandbox had been lost: it ended; this is a new"));
  CHECK(structured(result)["sandbox_recreated"] == true);
}

TEST_CASE("exec reports every argument that cannot be", "[tools]") {
  ToolBench bench;
  const auto result = bench.run(
      "exec", {{"command", std::string("a\0b", 3)}, {"cwd", ""}, {"env", {{"A=B", "x"}}}, {"grep", "("}});
  CHECK(result.is_error);
  for (const char* pointer : {"/command", "/cwd", "/env/A=B", "/grep"}) {
    CHECK_THAT(text_of(result), ContainsSubstring(pointer));
  }
  CHECK_THAT(text_of(bench.run("exec", {{"command", std::string(200'000, 'x')}})),
             ContainsSubstring("131071"));
  CHECK_THAT(text_of(bench.run("exec", {{"comand", "x"}})), ContainsSubstring("did you mean"));
}

TEST_CASE("exec fails with what the runner says", "[tools]") {
  ToolBench bench;
  bench.runner().on_start = [](const ProcessSpec&, const WaitSpec&, const Op&,
                               const Completion<ProcessReport>& done) {
    done(Error{ErrorCode::not_found, "cwd: no such directory"});
  };
  auto result = bench.run("exec", {{"command", "x"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("no such directory"));
  bench.runner().on_start = [](const ProcessSpec&, const WaitSpec&, const Op&,
                               const Completion<ProcessReport>& done) {
    done(Error{ErrorCode::data_loss, "the runner has ended"});
  };
  result = bench.run("exec", {{"command", "x"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("was lost"));
  CHECK_THAT(text_of(bench.run("exec", {{"command", "x"}, {"sandbox", "nobody"}})),
             ContainsSubstring("nobody"));
}

TEST_CASE("exec reports progress with the last line of output, without holding a thread", "[tools]") {
  ToolBench bench;
  bench.limits.progress_interval = 5ms;
  bench.limits.default_wait = 10s;
  std::size_t waits = 0;
  bool in_slices = true;
  std::array<std::thread, 2> completions;
  bench.runner().on_start = [&](const ProcessSpec&, const WaitSpec& wait, const Op&,
                                const Completion<ProcessReport>& done) {
    in_slices = in_slices && wait.wait == 5ms;
    done(running_report(7, "step 0\n"));
  };
  bench.runner().on_wait = [&](std::uint64_t process, const WaitSpec& wait, const Op&,
                               const Completion<ProcessReport>& done) {
    in_slices = in_slices && wait.wait <= 5ms;
    const std::size_t n = waits++;
    if (n == completions.size()) return done(exited_report(process, 0, "step 0\nstep 1\n"));
    completions[n] = std::thread([done, process, n] {
      const auto slice = Deadline::after(6ms);
      test::eventually([&] { return slice.passed(); });
      done(running_report(process, "step 0\n\x1b[32mstep " + std::to_string(n + 1) + "\x1b[0m"));
    });
  };
  const auto call = bench.begin("exec", {{"command", "x"}}, true);
  const auto result = call->wait_result();
  for (std::thread& completion : completions) {
    if (completion.joinable()) completion.join();
  }
  CHECK(in_slices);
  REQUIRE(result);
  CHECK(structured(*result)["exit_code"] == 0);
  CHECK(call->messages() == std::vector<std::string>{"step 0", "step 1", "step 2"});
}

TEST_CASE("a call that is cancelled while it waits kills the command", "[tools]") {
  ToolBench bench;
  bench.limits.progress_interval = 1ms;
  int killed = 0;
  std::shared_ptr<void> waiting;
  bench.runner().on_start = [&](const ProcessSpec&, const WaitSpec&, const Op&,
                                const Completion<ProcessReport>& done) { done(running_report(7, "")); };
  bench.runner().on_wait = [&](std::uint64_t, const WaitSpec&, const Op& op,
                               const Completion<ProcessReport>& done) {
    waiting = give_up_by_op<ProcessReport>(op, done);
  };
  bench.runner().on_signal = [&](std::uint64_t process, int number, sandbox::SignalScope scope, Duration,
                                 const std::string&, const Op& op, const Completion<void>& done) {
    CHECK(process == 7);
    CHECK(number == SIGKILL);
    CHECK(scope == sandbox::SignalScope::tree);
    CHECK_FALSE(op.stop.stop_requested());
    ++killed;
    done({});
  };
  const auto call = bench.begin("exec", {{"command", "x"}}, true);
  CHECK_FALSE(call->answered());
  call->cancel();
  REQUIRE(call->wait_result());
  CHECK(call->wait_result()->is_error);
  CHECK(killed == 1);
  CHECK(call->answers() == 1);
}

TEST_CASE("a call that is given up while it is answered as running kills the command", "[tools]") {
  ToolBench bench;
  int killed = 0;
  bench.runner().on_start = [&](const ProcessSpec&, const WaitSpec&, const Op&,
                                const Completion<ProcessReport>& done) { done(running_report(7, "")); };
  bench.runner().on_signal = [&](std::uint64_t process, int number, sandbox::SignalScope scope, Duration,
                                 const std::string&, const Op&, const Completion<void>& done) {
    CHECK(process == 7);
    CHECK(number == SIGKILL);
    CHECK(scope == sandbox::SignalScope::tree);
    ++killed;
    done({});
  };
  const auto seen = bench.begin("exec", {{"command", "x"}, {"wait_s", 0}});
  REQUIRE(seen->wait_result());
  CHECK(killed == 0);
  const auto unseen = bench.begin("exec", {{"command", "x"}, {"wait_s", 0}}, false, true);
  REQUIRE(unseen->wait_result());
  CHECK(killed == 1);
}

TEST_CASE("what exec answers is what its output schema says", "[tools]") {
  ToolBench bench;
  std::shared_ptr<const mcp::Schema> schema;
  for (const mcp::Tool& tool : tools::make_tools(tools::Services{bench.manager, bench.limits})) {
    const Json file = parse_json(tool.schema).value();
    if (file["name"] == "exec") schema = mcp::compile_schema(file["outputSchema"]).value();
  }
  REQUIRE(schema);
  FakeProcess process{numbered_lines(20'000), "Could not resolve host\n", ProcessStatus::exited, 3, 100};
  process.serve(bench.runner());
  for (const Json& arguments : {Json{{"command", "x"}}, Json{{"command", "x"}, {"grep", "1"}},
                                Json{{"command", "x"}, {"wait_s", 0}}}) {
    for (const ProcessStatus status : {ProcessStatus::exited, ProcessStatus::running, ProcessStatus::signaled,
                                       ProcessStatus::timed_out, ProcessStatus::cancelled}) {
      process.status = status;
      const auto violations = schema->validate(structured(bench.run("exec", arguments)));
      CHECK(violations.empty());
    }
  }
}
