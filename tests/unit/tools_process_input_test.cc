#include <csignal>

#include "tests/support/catch.h"
#include "tests/support/fake_output.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using namespace std::chrono_literals;
using rexec::test::ContainsSubstring;
using sandbox::Completion;
using sandbox::InputState;
using sandbox::ProcessReport;
using sandbox::ProcessStatus;
using sandbox::SignalScope;
using sandbox::WaitSpec;

namespace {

struct Sent {
  std::string input;
  bool closed = false;
  int signal = 0;
  SignalScope scope{};
  Duration kill_after{};
  Deadline deadline = Deadline::infinite();
};

/// A running process that takes whatever it gets and answers input with "got it".
struct Listener {
  ToolBench bench;
  FakeProcess process{"before\n", "", ProcessStatus::running, 0, 0};
  Sent sent;
  std::vector<WaitSpec> waits;

  Listener() {
    FakeRunner& runner = bench.runner();
    runner.on_wait = [this](std::uint64_t number, const WaitSpec& wait, const Op&,
                            const Completion<ProcessReport>& done) {
      waits.push_back(wait);
      done(process.report(number, wait));
    };
    runner.on_write_input = [this](std::uint64_t, std::string bytes, bool close, const Op& op,
                                   const Completion<InputState>& done) {
      sent.input = std::move(bytes);
      sent.closed = close;
      sent.deadline = op.deadline;
      process.out += "got it\n";
      done(InputState{sent.input.size(), false});
    };
    runner.on_signal = [this](std::uint64_t, int number, SignalScope scope, Duration kill_after,
                              const std::string&, const Op&, const Completion<void>& done) {
      sent.signal = number;
      sent.scope = scope;
      sent.kill_after = kill_after;
      if (number == SIGTERM || number == SIGKILL) process.status = ProcessStatus::signaled;
      done({});
    };
  }
  mcp::ToolResult run(Json arguments) {
    arguments["process"] = "p7";
    return bench.run("process_input", std::move(arguments));
  }
};

}  // namespace

TEST_CASE("process_input writes and shows what comes back", "[tools]") {
  Listener listener;
  const auto result = listener.run({{"text", "hello\n"}, {"wait_s", 2}});
  CHECK_FALSE(result.is_error);
  CHECK(listener.sent.input == "hello\n");
  CHECK_FALSE(listener.sent.closed);
  CHECK(result.structured->at("stdout") == "got it\n");
  CHECK(result.structured->at("cursor") == "14.0");
  REQUIRE(listener.waits.size() == 2);
  CHECK(listener.waits[1].from[0] == 7);
  CHECK(listener.waits[1].until == sandbox::Until::output);
}

TEST_CASE("process_input takes base64 and closes standard input", "[tools]") {
  Listener listener;
  listener.run({{"text", "AAH/"}, {"encoding", "base64"}, {"close_stdin", true}, {"wait_s", 1}});
  CHECK(listener.sent.input == std::string("\x00\x01\xff", 3));
  CHECK(listener.sent.closed);
  CHECK(listener.waits.back().until == sandbox::Until::exit);
  const auto bad = listener.run({{"text", "not base64!"}, {"encoding", "base64"}});
  CHECK(bad.is_error);
  CHECK_THAT(text_of(bad), ContainsSubstring("/text"));
}

TEST_CASE("TERM is followed by KILL, KILL goes to everything, others go to the group", "[tools]") {
  struct Case {
    Json arguments;
    int number;
    SignalScope scope;
    Duration kill_after;
  };
  const Case cases[] = {
      {{{"signal", "TERM"}}, SIGTERM, SignalScope::group, 5s},
      {{{"signal", "TERM"}, {"grace_s", 0.5}}, SIGTERM, SignalScope::group, 500ms},
      {{{"signal", "TERM"}, {"grace_s", 0}}, SIGTERM, SignalScope::group, 1ms},
      {{{"signal", "KILL"}}, SIGKILL, SignalScope::tree, 0s},
      {{{"signal", "INT"}}, SIGINT, SignalScope::group, 0s},
      {{{"signal", "STOP"}}, SIGSTOP, SignalScope::group, 0s},
      {{{"signal", "USR2"}}, SIGUSR2, SignalScope::group, 0s},
  };
  for (const Case& item : cases) {
    Listener listener;
    CHECK_FALSE(listener.run(item.arguments).is_error);
    CHECK(listener.sent.signal == item.number);
    CHECK(listener.sent.scope == item.scope);
    CHECK(listener.sent.kill_after == item.kill_after);
  }
}

TEST_CASE("after a signal that ends processes the end is waited for", "[tools]") {
  Listener listener;
  const auto result = listener.run({{"signal", "TERM"}, {"wait_s", 5}});
  CHECK(listener.waits.back().until == sandbox::Until::exit);
  CHECK(result.structured->at("status") == "signaled");
  Listener stopped;
  stopped.run({{"signal", "STOP"}, {"wait_s", 5}});
  CHECK(stopped.waits.back().until == sandbox::Until::output);
}

TEST_CASE("process_input needs something to do", "[tools]") {
  Listener listener;
  for (const Json& arguments : {Json::object(), Json{{"close_stdin", false}}, Json{{"wait_s", 1}}}) {
    const auto result = listener.run(arguments);
    CHECK(result.is_error);
    CHECK_THAT(text_of(result), ContainsSubstring("at least one of text, close_stdin, signal"));
  }
  CHECK(listener.run({{"text", "x"}, {"grace_s", 1}}).is_error);
  CHECK_FALSE(listener.run({{"text", ""}}).is_error);
}

TEST_CASE("a process that does not read does not hold the call", "[tools]") {
  Listener listener;
  listener.bench.runner().on_write_input = [&](std::uint64_t, const std::string&, bool, const Op& op,
                                               const Completion<InputState>& done) {
    listener.sent.deadline = op.deadline;
    done(Error{ErrorCode::deadline_exceeded, "time is up"});
  };
  const auto result = listener.run({{"text", "x"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("does not read its standard input"));
  CHECK(listener.sent.deadline.left() <= 10s);
}

TEST_CASE("input to a closed standard input or an ended process is refused", "[tools]") {
  Listener listener;
  listener.bench.runner().on_write_input = [](std::uint64_t, const std::string&, bool, const Op&,
                                              const Completion<InputState>& done) {
    done(InputState{0, true});
  };
  auto result = listener.run({{"text", "x"}, {"signal", "INT"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("is closed"));
  CHECK_THAT(text_of(result), ContainsSubstring("The signal was not sent"));
  CHECK(listener.sent.signal == 0);
  listener.process.status = ProcessStatus::exited;
  result = listener.run({{"text", "x"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("has ended (exited)"));
}
