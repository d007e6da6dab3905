#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>

#include "sandbox-client/runner_input.h"
#include "sandbox-client/runner_messages.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using rexec::runner::MessageType;

namespace {

std::string letters(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  return bytes;
}

// Takes all input of one process, as a runner does; `taken` is read when the calls have completed.
class InputTaker {
 public:
  explicit InputTaker(FakeWire& wire) {
    wire.handler = [this](FakeWire& to, const WireFrame& frame) {
      if (frame.type != MessageType::write_input) return false;
      const auto write = frame.as<runner::WriteInput>();
      if (write.offset > taken_.size()) {
        to.reply(frame, MessageType::error, failure(EINVAL, "offset"));
        return true;
      }
      const std::size_t known = taken_.size() - write.offset;
      if (known < write.data.size()) taken_ += write.data.substr(known);
      closed_ = closed_ || write.close;
      largest_ = std::max(largest_, write.data.size());
      to.reply(frame, MessageType::input_report, runner::InputReport{taken_.size(), false});
      return true;
    };
  }
  const std::string& taken() const { return taken_; }
  bool closed() const { return closed_; }
  std::size_t largest() const { return largest_; }

 private:
  std::string taken_;
  bool closed_ = false;
  std::size_t largest_ = 0;
};

}  // namespace

TEST_CASE("Input is written in the order of the calls, in pieces, with offsets that continue") {
  RunnerFixture f;
  InputTaker taker(f.wire);
  const std::string large = letters(3 * runner::kMaxData + 17);
  Outcome<InputState> outcomes[4];
  f.runner->write_input(1, "first ", false, Op{}, outcomes[0].take());
  f.runner->write_input(1, large, false, Op{}, outcomes[1].take());
  f.runner->write_input(1, "", false, Op{}, outcomes[2].take());
  f.runner->write_input(1, " last", true, Op{}, outcomes[3].take());
  for (auto& outcome : outcomes) REQUIRE(outcome.wait().ok());
  CHECK(outcomes[0].wait()->accepted == 6);
  CHECK(outcomes[1].wait()->accepted == 6 + large.size());
  CHECK(outcomes[3].wait()->accepted == 11 + large.size());
  CHECK(taker.taken() == "first " + large + " last");
  CHECK(taker.closed());
  CHECK(taker.largest() == runner::kMaxData);
}

TEST_CASE("At most two pieces of input are on their way") {
  RunnerFixture f;
  Outcome<InputState> outcome;
  f.runner->write_input(1, letters(4 * runner::kMaxData), false, Op{}, outcome.take());
  const WireFrame first = f.next(MessageType::write_input);
  const WireFrame second = f.next(MessageType::write_input);
  CHECK(second.as<runner::WriteInput>().offset == runner::kMaxData);
  CHECK_FALSE(f.wire.has(MessageType::write_input));
  f.wire.reply(first, MessageType::input_report, runner::InputReport{runner::kMaxData, false});
  CHECK(f.next(MessageType::write_input).as<runner::WriteInput>().offset == 2 * runner::kMaxData);
  CHECK_FALSE(f.wire.has(MessageType::write_input));
  CHECK(outcome.count() == 0);
}

TEST_CASE("Two clients are two writers") {
  RunnerFixture a;
  RunnerFixture b;
  Outcome<InputState> outcome;
  a.runner->write_input(1, "x", false, Op{}, outcome.take());
  b.runner->write_input(1, "x", false, Op{}, outcome.take());
  const auto name = a.next(MessageType::write_input).as<runner::WriteInput>().writer;
  CHECK(name != b.next(MessageType::write_input).as<runner::WriteInput>().writer);
  CHECK(name.size() <= 32);
}

TEST_CASE("Input that a process closed or never had says so") {
  RunnerFixture f;
  Outcome<InputState> closed;
  f.runner->write_input(1, letters(3 * runner::kMaxData), false, Op{}, closed.take());
  const WireFrame first = f.next(MessageType::write_input);
  (void)f.next(MessageType::write_input);
  f.wire.reply(first, MessageType::input_report, runner::InputReport{5, true});
  REQUIRE(closed.wait().ok());
  CHECK(closed.wait()->closed);
  CHECK(closed.wait()->accepted == 5);
  Outcome<InputState> unknown;
  f.runner->write_input(2, "x", false, Op{}, unknown.take());
  f.wire.reply(f.next(MessageType::write_input), MessageType::error, failure(ESRCH, "process"));
  CHECK(unknown.wait().error().code == ErrorCode::not_found);
}

TEST_CASE("A write that is given up is followed by a question for what was taken of it") {
  RunnerFixture f;
  std::stop_source stop;
  Outcome<InputState> outcome;
  f.runner->write_input(1, "0123456789", false, Op{stop.get_token(), Deadline::infinite()}, outcome.take());
  const WireFrame held = f.next(MessageType::write_input);
  Outcome<InputState> next;
  f.runner->write_input(1, "next", false, Op{}, next.take());
  stop.request_stop();
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
  CHECK(cancel.target == held.id);
  CHECK_FALSE(cancel.kill);
  f.wire.reply(held, MessageType::error, failure(ECANCELED, "cancel"));
  const WireFrame question = f.next(MessageType::write_input);
  CHECK(question.as<runner::WriteInput>().data.empty());
  f.wire.reply(question, MessageType::input_report, runner::InputReport{4, false});
  const WireFrame following = f.next(MessageType::write_input);
  CHECK(following.as<runner::WriteInput>().offset == 4);
  CHECK(following.as<runner::WriteInput>().data == "next");
  f.wire.reply(following, MessageType::input_report, runner::InputReport{8, false});
  CHECK(next.wait()->accepted == 8);
  CHECK(outcome.count() == 1);
}

TEST_CASE("A write that waits for its turn is given up without a word to the runner") {
  RunnerFixture f;
  Outcome<InputState> first;
  f.runner->write_input(1, "a", false, Op{}, first.take());
  const WireFrame frame = f.next(MessageType::write_input);
  Outcome<InputState> second;
  f.runner->write_input(1, "b", false, Op{{}, Deadline::after(std::chrono::milliseconds(5))}, second.take());
  CHECK(second.wait().error().code == ErrorCode::deadline_exceeded);
  f.wire.reply(frame, MessageType::input_report, runner::InputReport{1, false});
  CHECK(first.wait().ok());
  Outcome<InputState> third;
  f.runner->write_input(1, "c", false, Op{}, third.take());
  CHECK(f.next(MessageType::write_input).as<runner::WriteInput>().offset == 1);
  CHECK_FALSE(f.wire.has(MessageType::cancel));
}

TEST_CASE("More writes than may wait for one process are refused") {
  RunnerFixture f;
  std::vector<Outcome<InputState>> outcomes(RunnerInput::kMaxWaiting + 1);
  for (auto& outcome : outcomes) f.runner->write_input(1, "x", false, Op{}, outcome.take());
  REQUIRE(outcomes.back().count() == 1);
  CHECK(outcomes.back().wait().error().code == ErrorCode::resource_exhausted);
}

TEST_CASE("Of too many processes the idle ones are forgotten, and written to as by somebody new") {
  RunnerFixture f;
  f.wire.handler = [](FakeWire& to, const WireFrame& frame) {
    if (frame.type != MessageType::write_input || frame.as<runner::WriteInput>().process == 1) return false;
    to.reply(frame, MessageType::input_report, runner::InputReport{1, false});
    return true;
  };
  const auto write_to_first = [&] {
    Outcome<InputState> outcome;
    f.runner->write_input(1, "x", false, Op{}, outcome.take());
    const WireFrame frame = f.next(MessageType::write_input);
    const auto write = frame.as<runner::WriteInput>();
    f.wire.reply(frame, MessageType::input_report, runner::InputReport{write.offset + 1, false});
    REQUIRE(outcome.wait().ok());
    return write;
  };
  const auto first = write_to_first();
  const auto second = write_to_first();
  CHECK(second.offset == 1);
  CHECK(second.writer == first.writer);
  for (std::uint64_t process = 2; process < RunnerInput::kMaxProcesses + 2; ++process) {
    Outcome<InputState> outcome;
    f.runner->write_input(process, "x", false, Op{}, outcome.take());
    REQUIRE(outcome.wait().ok());
  }
  const auto third = write_to_first();
  CHECK(third.offset == 0);
  CHECK(third.writer != first.writer);
}

TEST_CASE("Writes complete when the runner is lost, each exactly once") {
  RunnerFixture f;
  std::vector<Outcome<InputState>> outcomes(5);
  for (auto& outcome : outcomes) f.runner->write_input(1, "x", false, Op{}, outcome.take());
  (void)f.next(MessageType::write_input);
  f.wire.disconnect();
  for (auto& outcome : outcomes) {
    CHECK(outcome.wait().error().code == ErrorCode::data_loss);
    CHECK(outcome.count() == 1);
  }
}

TEST_CASE("Input is not doubled by a reconnect") {
  RunnerFixture f(true);
  const std::string large = letters(2 * runner::kMaxData);
  Outcome<InputState> outcome;
  f.runner->write_input(1, large, true, Op{}, outcome.take());
  const WireFrame first = f.next(MessageType::write_input);
  const WireFrame second = f.next(MessageType::write_input);
  f.wire.disconnect();
  const WireFrame again = f.next(MessageType::write_input);
  CHECK(again.payload == first.payload);
  f.wire.reply(again, MessageType::input_report, runner::InputReport{runner::kMaxData, false});
  const WireFrame last = f.next(MessageType::write_input);
  CHECK(last.payload == second.payload);
  f.wire.reply(last, MessageType::input_report, runner::InputReport{large.size(), false});
  CHECK(outcome.wait()->accepted == large.size());
}

TEST_CASE("A runner that counts input that was never sent is not believed") {
  RunnerFixture f;
  Outcome<InputState> outcome;
  f.runner->write_input(1, "abc", false, Op{}, outcome.take());
  f.wire.reply(f.next(MessageType::write_input), MessageType::input_report, runner::InputReport{4, false});
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  CHECK(eventually([&] { return f.lost == 1; }));
}

TEST_CASE("Small input goes with the start") {
  RunnerFixture f;
  ProcessSpec spec = command("cat");
  spec.input = "abc";
  Outcome<ProcessReport> outcome;
  f.runner->start(spec, to_exit(), Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::start);
  const auto start = frame.as<runner::Start>();
  CHECK(start.stdin_pipe);
  CHECK(start.close_after_input);
  CHECK(start.input == "abc");
  spec.input = "";
  f.runner->start(spec, to_exit(), Op{}, outcome.take());
  CHECK_FALSE(f.next(MessageType::start).as<runner::Start>().stdin_pipe);
}

TEST_CASE("Input after that of the start continues its writer's offset") {
  RunnerFixture f;
  ProcessSpec spec = command("cat");
  spec.input = "abc";
  spec.stdin_pipe = true;
  Outcome<ProcessReport> outcome;
  f.runner->start(spec, to_exit(), Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::start);
  CHECK_FALSE(frame.as<runner::Start>().close_after_input);
  f.wire.reply(frame, MessageType::report, ended(5));
  REQUIRE(outcome.wait().ok());
  Outcome<InputState> written;
  f.runner->write_input(5, "d", false, Op{}, written.take());
  const auto write = f.next(MessageType::write_input).as<runner::WriteInput>();
  CHECK(write.offset == 3);
  CHECK(write.writer == frame.as<runner::Start>().writer);
}

TEST_CASE("Large input follows the start in pieces, and the start is answered by the wait") {
  RunnerFixture f;
  ProcessSpec spec = command("cat");
  spec.input = letters(10'000'000);
  Outcome<ProcessReport> outcome;
  f.runner->start(spec, to_exit(), Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::start);
  const auto start = frame.as<runner::Start>();
  CHECK_FALSE(start.close_after_input);
  CHECK(start.wait.until == runner::Until::none);
  std::string taken = start.input;
  runner::Report running = ended(6);
  running.status = runner::ProcessStatus::running;
  f.wire.reply(frame, MessageType::report, running);
  const WireFrame wait = f.next(MessageType::wait);
  CHECK(wait.as<runner::Wait>().spec.head == 1000);
  for (bool closed = false; !closed;) {
    const WireFrame piece = f.next(MessageType::write_input);
    const auto write = piece.as<runner::WriteInput>();
    REQUIRE(write.offset == taken.size());
    taken += write.data;
    closed = write.close;
    f.wire.reply(piece, MessageType::input_report, runner::InputReport{taken.size(), false});
  }
  CHECK(taken == *spec.input);
  CHECK(outcome.count() == 0);
  f.wire.reply(wait, MessageType::report, ended(6, "done"));
  CHECK(outcome.wait()->streams[0].head == "done");
  CHECK(outcome.count() == 1);
}

TEST_CASE("Cancelling a start with large input kills it in either of its two halves") {
  RunnerFixture f;
  ProcessSpec spec = command("cat");
  spec.input = letters(runner::kMaxData + 1);
  std::stop_source stop;
  Outcome<ProcessReport> outcome;
  f.runner->start(spec, to_exit(), Op{stop.get_token(), Deadline::infinite()}, outcome.take());
  const WireFrame start = f.next(MessageType::start);
  SECTION("while it starts") {
    stop.request_stop();
    const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
    CHECK(cancel.target == start.id);
    CHECK(cancel.kill);
    f.wire.reply(start, MessageType::report, ended(6));
  }
  SECTION("while it runs") {
    f.wire.reply(start, MessageType::report, ended(6));
    const WireFrame wait = f.next(MessageType::wait);
    stop.request_stop();
    const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
    CHECK(cancel.target == wait.id);
    CHECK(cancel.kill);
    f.wire.reply(wait, MessageType::report, ended(6));
  }
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  CHECK(outcome.count() == 1);
}
