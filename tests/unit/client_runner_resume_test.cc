#include <atomic>
#include <string>

#include "sandbox-client/runner_session.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using rexec::runner::MessageType;

TEST_CASE("A lost connection without a way back is a lost sandbox") {
  RunnerFixture f;
  Outcome<ProcessReport> outcome;
  f.runner->wait(1, to_exit(), Op{}, outcome.take());
  CHECK(f.runner->alive());
  f.wire.disconnect();
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  CHECK(eventually([&] { return f.lost == 1; }));
  CHECK_FALSE(f.runner->alive());
  Outcome<ProcessReport> later;
  f.runner->wait(1, to_exit(), Op{}, later.take());
  REQUIRE(later.count() == 1);
  CHECK(later.wait().error().code == ErrorCode::data_loss);
  CHECK(f.lost == 1);
}

TEST_CASE(
    "Closing completes what is outstanding and ends the search for a connection, also while calls hold it") {
  RunnerFixture f;
  std::atomic<int> searches = 0;
  const Reconnect search = [&](const Op& op) -> Result<std::unique_ptr<Channel>> {
    ++searches;
    (void)eventually([&] { return op.stop.stop_requested(); });
    --searches;
    return Error{ErrorCode::cancelled, "cancelled"};
  };
  FakeWire wire;
  std::atomic<int> lost = 0;
  auto runner = make_runner_client(
      wire.connect(*f.reactor), *f.reactor, {}, search, [&](const Error&) { ++lost; }, Op{});
  REQUIRE(runner.ok());
  Outcome<ProcessReport> outcome;
  (*runner)->wait(1, to_exit(), Op{}, [take = outcome.take(), held = *runner](auto report) { take(report); });
  REQUIRE(wire.next(MessageType::wait));
  wire.disconnect();
  CHECK(eventually([&] { return searches == 1; }));
  (*runner)->close();
  CHECK(searches == 0);
  CHECK_FALSE((*runner)->alive());
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  (*runner)->close();
  Outcome<ProcessReport> later;
  (*runner)->wait(1, to_exit(), Op{}, later.take());
  CHECK(later.wait().error().code == ErrorCode::data_loss);
  CHECK(outcome.count() == 1);
  CHECK(lost == 0);
}

TEST_CASE("Outstanding calls are sent again in their order on the next connection to the same runner") {
  RunnerFixture f(true);
  std::vector<Outcome<ProcessReport>> outcomes(20);
  for (std::uint64_t i = 0; i < outcomes.size(); ++i)
    f.runner->wait(i + 1, to_exit(), Op{}, outcomes[i].take());
  for (std::uint64_t i = 0; i < outcomes.size(); ++i) CHECK(f.next(MessageType::wait).connection == 1);
  f.wire.disconnect();
  for (std::uint64_t i = 0; i < outcomes.size(); ++i) {
    const WireFrame frame = f.next(MessageType::wait);
    CHECK(frame.connection == 2);
    CHECK(frame.as<runner::Wait>().process == i + 1);
    f.wire.reply(frame, MessageType::report, ended(i + 1, "late"));
  }
  for (auto& outcome : outcomes) {
    REQUIRE(outcome.wait().ok());
    CHECK(outcome.count() == 1);
  }
  CHECK(f.runner->alive());
}

TEST_CASE("A start that is sent again has the same nonce, and a wanted kill follows it") {
  RunnerFixture f(true);
  std::stop_source stop;
  Outcome<ProcessReport> outcome;
  f.runner->start(command("x"), to_exit(), Op{stop.get_token(), Deadline::infinite()}, outcome.take());
  const auto nonce = f.next(MessageType::start).as<runner::Start>().nonce;
  stop.request_stop();
  (void)f.next(MessageType::cancel);
  f.wire.disconnect();
  const WireFrame again = f.next(MessageType::start);
  CHECK(again.as<runner::Start>().nonce == nonce);
  const auto cancel = f.next(MessageType::cancel).as<runner::Cancel>();
  CHECK(cancel.target == again.id);
  CHECK(cancel.kill);
  f.wire.reply(again, MessageType::report, ended(1));
  CHECK(outcome.wait().error().code == ErrorCode::cancelled);
}

TEST_CASE("A runner that was started anew is another one: everything is lost") {
  RunnerFixture f(true);
  Outcome<ProcessReport> outcome;
  f.runner->wait(1, to_exit(), Op{}, outcome.take());
  (void)f.next(MessageType::wait);
  f.wire.boot_id = {9};
  f.wire.disconnect();
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  CHECK_THAT(outcome.wait().error().message, Contains("anew"));
  CHECK(eventually([&] { return f.lost == 1; }));
}

TEST_CASE("Calls made while the connection is away are sent when it is back") {
  RunnerFixture f(true);
  for (int round = 0; round < 20; ++round) {
    f.wire.disconnect();
    Outcome<ProcessReport> outcome;
    f.runner->wait(5, to_exit(), Op{}, outcome.take());
    std::optional<WireFrame> frame;
    while (outcome.count() == 0) {
      frame = f.next(MessageType::wait);
      f.wire.reply(*frame, MessageType::report, ended(5));
      if (eventually([&] { return outcome.count() > 0; }, std::chrono::milliseconds(200))) break;
    }
    CHECK(outcome.wait().ok());
  }
}

TEST_CASE("A runner that greets and goes, again and again, is given up") {
  RunnerFixture f(true);
  Outcome<ProcessReport> outcome;
  f.wire.handler = [](FakeWire& wire, const WireFrame&) {
    wire.disconnect();
    return true;
  };
  f.runner->wait(1, to_exit(), Op{}, outcome.take());
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  CHECK(f.wire.connections() <= static_cast<std::size_t>(kMaxFruitlessLinks) + 1);
}

TEST_CASE("A silent connection is asked, and given up when it stays silent") {
  RunnerFixture f;
  f.runner.reset();
  f.wire.answer_ping = false;
  f.open(false, quick());
  Outcome<ProcessReport> outcome;
  f.runner->wait(1, to_exit(), Op{}, outcome.take());
  (void)f.next(MessageType::ping);
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  CHECK_FALSE(f.runner->alive());
}

TEST_CASE("A connection that answers pings is kept") {
  RunnerFixture f(false, quick());
  std::atomic<int> pings = 0;
  f.wire.answer_ping = false;
  f.wire.handler = [&](FakeWire& wire, const WireFrame& frame) {
    if (frame.type != MessageType::ping) return false;
    wire.send(MessageType::pong, frame.id, {});
    ++pings;
    return true;
  };
  Outcome<ProcessReport> outcome;
  f.runner->wait(1, to_exit(), Op{}, outcome.take());
  CHECK(eventually([&] { return pings >= 5; }));
  CHECK(outcome.count() == 0);
  f.wire.reply(f.next(MessageType::wait), MessageType::report, ended(1));
  CHECK(outcome.wait().ok());
}
