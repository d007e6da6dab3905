// Requests about terminals, and answers that a hostile sandbox may give to them.
#include <cerrno>
#include <limits>

#include "sandbox-client/runner/wire_terminal.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::test;
using namespace rexec::sandbox;
using rexec::test::ContainsSubstring;
using runner::MessageType;

namespace {

runner::TerminalReport report_on(std::uint64_t terminal, std::uint64_t from = 0, std::string data = {}) {
  runner::TerminalReport report;
  report.terminal = terminal;
  report.pid = 12;
  report.from = report.offset = from;
  report.produced = from + data.size();
  report.data = std::move(data);
  return report;
}

TerminalWait from_five(std::size_t max = 10) {
  TerminalWait wait;
  wait.from = 5;
  wait.until = TerminalUntil::output;
  wait.wait = std::chrono::seconds(30);
  wait.max = max;
  return wait;
}

/// What the client makes of an answer to a wait for terminal 3 from byte 5 on, at most 10 bytes.
Result<TerminalReport> answered(const std::function<void(runner::TerminalReport&)>& change) {
  RunnerFixture f;
  Outcome<TerminalReport> outcome;
  f.runner->wait_terminal(3, from_five(), Op{}, outcome.take());
  runner::TerminalReport report = report_on(3, 5, "56789");
  change(report);
  f.wire.reply(f.next(MessageType::wait_terminal), MessageType::terminal_report, report);
  return outcome.wait();
}

bool refused(const std::function<void(runner::TerminalReport&)>& change) {
  const auto result = answered(change);
  return !result && result.error().code == ErrorCode::data_loss;
}

template <class T>
Error error_of(const Outcome<T>& outcome) {
  const auto result = outcome.wait();
  REQUIRE_FALSE(result.ok());
  return result.error();
}

}  // namespace

TEST_CASE("A terminal is opened with what was asked for, in the sandbox's environment") {
  RunnerFixture f;
  TerminalSpec spec;
  spec.command = "vi";
  spec.env = {{"TERM", "xterm"}, {"PAGER", "less"}};
  spec.cwd = "~/a";
  spec.size = {132, 43};
  spec.max = 7;
  Outcome<TerminalReport> outcome;
  f.runner->open_terminal(spec, Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::open_terminal);
  const auto open = frame.as<runner::OpenTerminal>();
  CHECK((open.command == "vi" && open.argv.empty() && open.cwd == "/home/user/a" && open.max == 7));
  CHECK((open.size.cols == 132 && open.size.rows == 43));
  CHECK(open.env == std::vector<std::string>{"LANG=C.UTF-8", "PAGER=less", "TERM=xterm"});
  CHECK(open.nonce != std::array<std::uint8_t, 16>{});
  runner::TerminalReport report = report_on(4, 0, "~");
  report.size = {132, 43};
  report.echo_off = true;
  report.reason = "two\nlines";
  f.wire.reply(frame, MessageType::terminal_report, report);
  const auto opened = outcome.wait();
  REQUIRE(opened.ok());
  CHECK((opened->terminal == 4 && opened->pid == 12 && opened->data == "~" && opened->size.cols == 132));
  CHECK((opened->echo_off && opened->status == ProcessStatus::running && opened->reason == "two lines"));
}

TEST_CASE("Without a program the shell of the sandbox is asked for") {
  RunnerFixture f;
  Outcome<TerminalReport> outcome;
  f.runner->open_terminal(TerminalSpec{}, Op{}, outcome.take());
  const auto open = f.next(MessageType::open_terminal).as<runner::OpenTerminal>();
  CHECK((open.command.empty() && open.argv.empty() && open.cwd == "/home/user" && open.size.cols == 120));
}

TEST_CASE("What is asked about terminals is bounded before it is sent") {
  RunnerFixture f;
  const auto refusal = [&](const TerminalSpec& spec) {
    Outcome<TerminalReport> outcome;
    f.runner->open_terminal(spec, Op{}, outcome.take());
    const Error error = error_of(outcome);
    CHECK(error.code == ErrorCode::invalid_argument);
    return error.message;
  };
  TerminalSpec spec;
  spec.size = {0, 24};
  CHECK_THAT(refusal(spec), ContainsSubstring("1 to 1000 columns"));
  spec.size = {80, runner::kMaxTerminalSide + 1};
  CHECK_THAT(refusal(spec), ContainsSubstring("80 by 1001"));
  spec.size = {};
  spec.max = runner::kMaxData + 1;
  CHECK_THAT(refusal(spec), ContainsSubstring("at once"));
  spec.max = 0;
  spec.env = {{"A=B", ""}};
  CHECK_THAT(refusal(spec), ContainsSubstring("cannot be the name"));
  spec.env.clear();
  spec.command = "a";
  spec.argv = {"b"};
  CHECK_THAT(refusal(spec), ContainsSubstring("either a command or argv"));

  Outcome<TerminalReport> waited;
  f.runner->wait_terminal(1, from_five(runner::kMaxData + 1), Op{}, waited.take());
  CHECK(error_of(waited).code == ErrorCode::invalid_argument);
  Outcome<void> answered;
  f.runner->answer_terminal(1, 0, std::string(runner::kMaxTerminalAnswer + 1, 'x'), Op{}, answered.take());
  CHECK(error_of(answered).code == ErrorCode::invalid_argument);
  Outcome<void> resized;
  f.runner->resize_terminal(1, {1001, 1}, Op{}, resized.take());
  CHECK(error_of(resized).code == ErrorCode::invalid_argument);
  for (const std::string& bytes : {std::string(), std::string(runner::kMaxCheckpoint + 1, 'x')}) {
    Outcome<void> put;
    f.runner->put_checkpoint(1, {0, bytes}, Op{}, put.take());
    CHECK(error_of(put).code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("Reports on terminals that do not fit the question are refused") {
  using Report = runner::TerminalReport;
  CHECK_FALSE(refused([](Report&) {}));
  CHECK_FALSE(refused([](Report& report) {  // two bytes are lost
    report.offset = 7;
    report.lost = 2;
    report.produced = 12;
  }));
  CHECK_FALSE(refused([](Report& report) {  // nothing yet
    report.produced = 5;
    report.data.clear();
  }));
  CHECK(refused([](Report& report) { report.terminal = 4; }));
  CHECK(refused([](Report& report) { report.terminal = 0; }));
  CHECK(refused([](Report& report) { report.from = 4; }));
  CHECK(refused([](Report& report) { report.offset = 4; }));
  CHECK(refused([](Report& report) { report.produced = 9; }));
  CHECK(refused([](Report& report) { report.produced = 5; }));
  CHECK(refused([](Report& report) { report.lost = 1; }));
  CHECK(refused([](Report& report) {
    report.data = std::string(11, 'x');
    report.produced = 16;
  }));
  CHECK(refused([](Report& report) {
    report.offset = std::numeric_limits<std::uint64_t>::max() - 2;
    report.lost = report.offset - 5;
  }));
  CHECK(refused([](Report& report) {  // more beyond the end
    report.produced = 3;
    report.data.clear();
    report.lost = 1;
  }));
  CHECK(refused([](Report& report) { report.end = true; }));  // and yet it runs
  CHECK(refused([](Report& report) { report.status = runner::ProcessStatus::cancelled; }));
  CHECK(refused([](Report& report) { report.size = {0, 0}; }));
  CHECK(refused([](Report& report) { report.size.cols = 1001; }));
  const auto ended = answered([](Report& report) {
    report.status = runner::ProcessStatus::exited;
    report.exit_code = 3;
    report.end = report.echo_off = true;
    report.duration_us = std::numeric_limits<std::uint64_t>::max();
  });
  REQUIRE(ended.ok());
  CHECK((ended->exit_code == 3 && ended->end && !ended->echo_off && ended->duration > Duration{}));
}

TEST_CASE("Lists of terminals come by number, each once") {
  const auto listed = [](const std::vector<std::uint64_t>& numbers) {
    RunnerFixture f;
    Outcome<std::vector<TerminalEntry>> outcome;
    f.runner->list_terminals(Op{}, outcome.take());
    runner::TerminalList list;
    for (const std::uint64_t number : numbers) {
      list.entries.emplace_back().terminal = number;
      list.entries.back().command = "vi";
    }
    f.wire.reply(f.next(MessageType::list_terminals), MessageType::terminal_list, list);
    return outcome.wait();
  };
  const auto two = listed({1, 3});
  REQUIRE(two.ok());
  CHECK((two->size() == 2 && two->at(1).terminal == 3 && two->at(1).command == "vi"));
  CHECK(listed({})->empty());
  CHECK_FALSE(listed({0}).ok());
  CHECK_FALSE(listed({2, 2}).ok());
  CHECK_FALSE(listed({3, 1}).ok());
}

TEST_CASE("What is typed goes out in order, with offsets of a writer") {
  RunnerFixture f;
  Outcome<InputState> first;
  Outcome<InputState> second;
  f.runner->write_terminal(2, "abc", Op{}, first.take());
  const WireFrame frame = f.next(MessageType::write_terminal);
  const auto message = frame.as<runner::WriteTerminal>();
  CHECK((message.terminal == 2 && message.offset == 0 && message.data == "abc"));
  f.runner->write_terminal(2, "de", Op{}, second.take());
  CHECK_FALSE(f.wire.has(MessageType::write_terminal));  // one after the other
  f.wire.reply(frame, MessageType::input_report, runner::InputReport{3, false});
  CHECK(first.wait()->accepted == 3);
  const WireFrame next = f.next(MessageType::write_terminal);
  CHECK(next.as<runner::WriteTerminal>().offset == 3);
  CHECK(next.as<runner::WriteTerminal>().writer == message.writer);
  f.wire.reply(next, MessageType::error, failure(ESRCH, "terminal"));
  CHECK_THAT(error_of(second).message, ContainsSubstring("no terminal t2"));
}

TEST_CASE("A process and a terminal of the same number have inputs of their own") {
  RunnerFixture f;
  Outcome<InputState> process;
  Outcome<InputState> terminal;
  f.runner->write_input(1, "abc", false, Op{}, process.take());
  f.runner->write_terminal(1, "de", Op{}, terminal.take());
  const auto to_process = f.next(MessageType::write_input).as<runner::WriteInput>();
  const auto to_terminal = f.next(MessageType::write_terminal).as<runner::WriteTerminal>();
  CHECK((to_process.offset == 0 && to_terminal.offset == 0));
  CHECK(to_process.writer != to_terminal.writer);
}

TEST_CASE("Answers, sizes, ends and checkpoints say what was asked for") {
  RunnerFixture f;
  const auto confirmed = [&](Outcome<void>& outcome, const WireFrame& frame) {
    f.wire.send(MessageType::done, frame.id, "");
    CHECK(outcome.wait().ok());
  };
  Outcome<void> answered;
  f.runner->answer_terminal(2, 77, "\x1b[1;1R", Op{}, answered.take());
  WireFrame frame = f.next(MessageType::answer_terminal);
  CHECK(frame.as<runner::AnswerTerminal>().query_offset == 77);
  CHECK(frame.as<runner::AnswerTerminal>().data == "\x1b[1;1R");
  confirmed(answered, frame);
  Outcome<void> resized;
  f.runner->resize_terminal(2, {90, 20}, Op{}, resized.take());
  frame = f.next(MessageType::resize_terminal);
  CHECK(frame.as<runner::ResizeTerminal>().size.cols == 90);
  confirmed(resized, frame);
  Outcome<void> closed;
  f.runner->close_terminal(2, std::chrono::milliseconds(300), Op{}, closed.take());
  frame = f.next(MessageType::close_terminal);
  CHECK(
      (frame.as<runner::CloseTerminal>().terminal == 2 && frame.as<runner::CloseTerminal>().grace_ms == 300));
  confirmed(closed, frame);
  Outcome<void> put;
  f.runner->put_checkpoint(2, {9, "state"}, Op{}, put.take());
  frame = f.next(MessageType::put_checkpoint);
  CHECK(
      (frame.as<runner::PutCheckpoint>().offset == 9 && frame.as<runner::PutCheckpoint>().bytes == "state"));
  confirmed(put, frame);
  Outcome<TerminalCheckpoint> got;
  f.runner->get_checkpoint(2, Op{}, got.take());
  f.wire.reply(f.next(MessageType::get_checkpoint), MessageType::checkpoint, runner::Checkpoint{9, "state"});
  CHECK((got.wait()->offset == 9 && got.wait()->bytes == "state"));
}

TEST_CASE("Failures about terminals are made for people") {
  RunnerFixture f;
  const auto opening = [&](const runner::Failure& why) {
    Outcome<TerminalReport> outcome;
    TerminalSpec spec;
    spec.argv = {"no-such"};
    f.runner->open_terminal(spec, Op{}, outcome.take());
    f.wire.reply(f.next(MessageType::open_terminal), MessageType::error, why);
    return error_of(outcome);
  };
  Error error = opening({ENOENT, "pty", "this sandbox has no pseudo-terminals; /dev/ptmx: No such file"});
  CHECK(error.code == ErrorCode::unsupported);
  CHECK_THAT(error.message, ContainsSubstring("no pseudo-terminals"));
  error = opening(
      {EAGAIN, "limit", "64 terminals are open in this sandbox; terminal_close makes room for another"});
  CHECK(error.code == ErrorCode::resource_exhausted);
  CHECK_THAT(error.message, ContainsSubstring("64 terminals are open"));
  error = opening({ENOENT, "exec", "x"});
  CHECK(error.code == ErrorCode::invalid_argument);
  CHECK_THAT(error.message, ContainsSubstring("there is no program \"no-such\""));
  error = opening({ENOSYS, "request", "this runner does not know request 32"});
  CHECK(error.code == ErrorCode::unsupported);
  CHECK_THAT(error.message, ContainsSubstring("older version"));
  Outcome<void> resized;
  f.runner->resize_terminal(2, {90, 20}, Op{}, resized.take());
  f.wire.reply(f.next(MessageType::resize_terminal), MessageType::error, failure(EPIPE, "ended"));
  CHECK(error_of(resized).code == ErrorCode::failed_precondition);
  CHECK_THAT(error_of(resized).message, ContainsSubstring("t2 has ended"));
}

TEST_CASE("An opening that is given up ends the terminal, a wait only stops waiting") {
  RunnerFixture f(false, quick());
  std::stop_source stop;
  Outcome<TerminalReport> opened;
  f.runner->open_terminal(TerminalSpec{}, Op{stop.get_token(), Deadline::infinite()}, opened.take());
  const WireFrame open = f.next(MessageType::open_terminal);
  Outcome<TerminalReport> waited;
  f.runner->wait_terminal(3, from_five(), Op{stop.get_token(), Deadline::infinite()}, waited.take());
  const WireFrame wait = f.next(MessageType::wait_terminal);
  stop.request_stop();
  bool kill_of_open = false;
  bool kill_of_wait = true;
  for (int i = 0; i < 2; ++i) {
    const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
    if (cancel.target == open.id) kill_of_open = cancel.kill;
    if (cancel.target == wait.id) kill_of_wait = cancel.kill;
  }
  CHECK(kill_of_open);
  CHECK_FALSE(kill_of_wait);
  CHECK(error_of(waited).code == ErrorCode::cancelled);
  f.wire.reply(open, MessageType::terminal_report, report_on(1));
  CHECK(error_of(opened).code == ErrorCode::cancelled);
}

TEST_CASE("Requests about terminals are sent again on the next connection, with the same nonce") {
  RunnerFixture f(true);
  Outcome<TerminalReport> opened;
  f.runner->open_terminal(TerminalSpec{}, Op{}, opened.take());
  const auto nonce = f.next(MessageType::open_terminal).as<runner::OpenTerminal>().nonce;
  f.wire.disconnect();
  const WireFrame again = f.next(MessageType::open_terminal);
  CHECK(again.connection == 2);
  CHECK(again.as<runner::OpenTerminal>().nonce == nonce);
  f.wire.reply(again, MessageType::terminal_report, report_on(1));
  CHECK(opened.wait()->terminal == 1);
}
