#include <algorithm>
#include <cerrno>
#include <future>
#include <string>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using rexec::runner::MessageType;

TEST_CASE("A cancelled start kills, and completes when the runner says that all are dead") {
  RunnerFixture f;
  std::stop_source stop;
  Outcome<ProcessReport> outcome;
  f.runner->start(command("sleep 100"), to_exit(), Op{stop.get_token(), Deadline::infinite()},
                  outcome.take());
  const WireFrame start = f.next(MessageType::start);
  stop.request_stop();
  const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
  CHECK(cancel.target == start.id);
  CHECK(cancel.kill);
  CHECK(outcome.count() == 0);
  f.wire.reply(start, MessageType::report, ended(1));
  REQUIRE_FALSE(outcome.wait().ok());
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  CHECK(outcome.count() == 1);
}

TEST_CASE("A start whose deadline passes kills, and completes as deadline_exceeded") {
  RunnerFixture f;
  Outcome<ProcessReport> outcome;
  f.runner->start(command("sleep 100"), to_exit(), Op{{}, Deadline::after(std::chrono::milliseconds(10))},
                  outcome.take());
  const WireFrame start = f.next(MessageType::start);
  CHECK(f.next(MessageType::cancel).as<runner::Cancel>().kill);
  f.wire.reply(start, MessageType::report, ended(1));
  CHECK(outcome.wait().error().code == ErrorCode::deadline_exceeded);
}

TEST_CASE(
    "A killed start whose end is never reported completes after a bound, and a late report is swallowed") {
  RunnerFixture f(false, quick());
  std::stop_source stop;
  Outcome<ProcessReport> outcome;
  f.runner->start(command("x"), to_exit(), Op{stop.get_token(), Deadline::infinite()}, outcome.take());
  const WireFrame start = f.next(MessageType::start);
  stop.request_stop();
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  f.wire.reply(start, MessageType::report, ended(1));
  Outcome<ProcessEntries> alive;
  f.runner->list(false, Op{}, alive.take());
  f.wire.reply(f.next(MessageType::list), MessageType::process_list, runner::ProcessList{});
  CHECK(alive.wait().ok());
  CHECK(outcome.count() == 1);
  CHECK(f.lost == 0);
}

TEST_CASE("A cancelled wait ends at once and leaves the process alone") {
  RunnerFixture f;
  std::stop_source stop;
  Outcome<ProcessReport> outcome;
  f.runner->wait(4, to_exit(), Op{stop.get_token(), Deadline::infinite()}, outcome.take());
  const WireFrame wait = f.next(MessageType::wait);
  stop.request_stop();
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
  CHECK(cancel.target == wait.id);
  CHECK_FALSE(cancel.kill);
  f.wire.reply(wait, MessageType::error, failure(ECANCELED, "cancel"));
  Outcome<ProcessReport> again;
  f.runner->wait(4, to_exit(), Op{}, again.take());
  f.wire.reply(f.next(MessageType::wait), MessageType::report, ended(4));
  CHECK(again.wait().ok());
  CHECK(outcome.count() == 1);
}

TEST_CASE("A call that is over before it begins sends nothing") {
  RunnerFixture f;
  std::stop_source stop;
  stop.request_stop();
  Outcome<ProcessReport> outcome;
  f.runner->start(command("x"), to_exit(), Op{stop.get_token(), Deadline::infinite()}, outcome.take());
  REQUIRE(outcome.count() == 1);
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  Outcome<ProcessReport> late;
  f.runner->start(command("x"), to_exit(), Op{{}, Deadline::at(SteadyTime{})}, late.take());
  CHECK(late.wait().error().code == ErrorCode::deadline_exceeded);
  CHECK_FALSE(f.wire.has(MessageType::start));
}

TEST_CASE("Whatever races with a cancellation, each call completes exactly once") {
  RunnerFixture f;
  f.wire.handler = [](FakeWire& wire, const WireFrame& frame) {
    if (frame.type == MessageType::start) wire.reply(frame, MessageType::report, ended(1));
    return true;
  };
  constexpr int kCalls = 2000;
  std::vector<Outcome<ProcessReport>> outcomes(kCalls);
  for (auto& outcome : outcomes) {
    std::stop_source stop;
    std::thread canceller([stop]() mutable { stop.request_stop(); });
    f.runner->start(command("x"), to_exit(), Op{stop.get_token(), Deadline::infinite()}, outcome.take());
    canceller.join();
  }
  for (auto& outcome : outcomes) {
    const auto result = outcome.wait();
    CHECK((result.ok() || result.error().code == ErrorCode::cancelled));
  }
  f.runner.reset();
  CHECK(std::all_of(outcomes.begin(), outcomes.end(),
                    [](const auto& outcome) { return outcome.count() == 1; }));
}

TEST_CASE("Letting a runner go completes what is outstanding, without calling it lost") {
  RunnerFixture f;
  Outcome<ProcessReport> outcome;
  f.runner->wait(1, to_exit(), Op{}, outcome.take());
  f.runner.reset();
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
  f.reactor.reset();
  CHECK(outcome.count() == 1);
  CHECK(f.lost == 0);
}

TEST_CASE("A runner may be let go by a completion") {
  RunnerFixture f;
  std::promise<void> done;
  f.runner->list(false, Op{}, [&](const Result<ProcessEntries>&) {
    f.runner.reset();
    done.set_value();
  });
  f.wire.reply(f.next(MessageType::list), MessageType::process_list, runner::ProcessList{});
  CHECK(done.get_future().wait_for(FakeWire::kLimit) == std::future_status::ready);
}
