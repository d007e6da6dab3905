#include <cerrno>
#include <limits>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using rexec::runner::MessageType;

TEST_CASE("A greeting that is refused, wrong or missing is an error of make_runner_client") {
  const auto reactor = make_reactor();
  const auto greet = [&](std::function<void(FakeWire&, const WireFrame&)> answer, const Op& op = {}) {
    FakeWire wire;
    wire.answer_hello = false;
    wire.handler = [&](FakeWire& to, const WireFrame& frame) {
      answer(to, frame);
      return true;
    };
    auto made = make_runner_client(wire.connect(*reactor), *reactor, RunnerSettings{}, {}, {}, op);
    REQUIRE_FALSE(made.ok());
    return made.error().code;
  };
  CHECK(greet([](FakeWire& wire, const WireFrame& frame) {
          wire.reply(frame, MessageType::error, failure(EACCES, "secret"));
        }) == ErrorCode::permission_denied);
  CHECK(greet([](FakeWire& wire, const WireFrame& frame) {
          runner::HelloReply reply;
          reply.version = 9;
          wire.reply(frame, MessageType::hello_reply, reply);
        }) == ErrorCode::unsupported);
  CHECK(greet([](FakeWire& wire, const WireFrame& frame) {
          wire.send(MessageType::hello_reply, frame.id, "x");
        }) == ErrorCode::data_loss);
  CHECK(greet([](FakeWire& wire, const WireFrame& frame) { wire.send(MessageType::pong, frame.id, ""); }) ==
        ErrorCode::data_loss);
  CHECK(greet([](FakeWire& wire, const WireFrame&) { wire.disconnect(); }) == ErrorCode::unavailable);
  CHECK(greet([](FakeWire&, const WireFrame&) {}, Op{{}, Deadline::after(std::chrono::milliseconds(20))}) ==
        ErrorCode::deadline_exceeded);
  std::stop_source stop;
  stop.request_stop();
  CHECK(greet([](FakeWire&, const WireFrame&) {}, Op{stop.get_token(), Deadline::infinite()}) ==
        ErrorCode::cancelled);
}

TEST_CASE("A hostile runner ends its own connection and nothing else") {
  const auto attack = [](const std::function<void(FakeWire&, const WireFrame&)>& answer) {
    RunnerFixture f(true);
    Outcome<ProcessReport> outcome;
    f.runner->wait(3, to_exit(10, 10), Op{}, outcome.take());
    const WireFrame frame = f.next(MessageType::wait);
    answer(f.wire, frame);
    const auto result = outcome.wait();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::data_loss);
    CHECK_THAT(result.error().message, Contains("protocol error"));
    CHECK(eventually([&] { return f.lost == 1; }));
    CHECK_FALSE(f.runner->alive());
    CHECK(f.wire.connections() == 1);  // it is not asked again
    CHECK(outcome.count() == 1);
  };
  const auto reports = [&](const std::function<void(runner::Report&)>& change) {
    attack([&](FakeWire& wire, const WireFrame& frame) {
      runner::Report report = ended(3, "0123456789");
      change(report);
      wire.reply(frame, MessageType::report, report);
    });
  };
  SECTION("a length beyond the limit") {
    attack([](FakeWire& wire, const WireFrame&) {
      wire.send_bytes(std::string("\xff\xff\xff\x7f\x8c\0\0\0\1\0\0\0", 12));
    });
  }
  SECTION("garbage") {
    attack([](FakeWire& wire, const WireFrame&) { wire.send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  }
  SECTION("an answer to what was not asked") {
    attack([](FakeWire& wire, const WireFrame& frame) { wire.send(MessageType::report, frame.id + 1, "x"); });
  }
  SECTION("an answer of another type") {
    attack([](FakeWire& wire, const WireFrame& frame) { wire.send(MessageType::file_info, frame.id, "x"); });
  }
  SECTION("a cut payload") {
    attack(
        [](FakeWire& wire, const WireFrame& frame) { wire.send(MessageType::report, frame.id, "xxxxxxxx"); });
  }
  SECTION("an unreadable failure") {
    attack([](FakeWire& wire, const WireFrame& frame) { wire.send(MessageType::error, frame.id, "x"); });
  }
  SECTION("another process") {
    reports([](runner::Report& report) { report.process = 4; });
  }
  SECTION("more output than asked for") {
    reports([](runner::Report& report) {
      report.streams[0].head = std::string(21, 'x');
      report.streams[0].produced = report.streams[0].tail_offset = 21;
    });
  }
  SECTION("output beyond its end") {
    reports([](runner::Report& report) { report.streams[0].produced = 9; });
  }
  SECTION("a tail before the head") {
    reports([](runner::Report& report) {
      report.streams[0].tail_offset = 5;
      report.streams[0].tail = "56789";
    });
  }
  SECTION("an offset that wraps around") {
    reports([](runner::Report& report) {
      report.streams[0].head_offset = std::numeric_limits<std::uint64_t>::max() - 2;
    });
  }
  SECTION("another beginning than asked for") {
    reports([](runner::Report& report) { report.streams[1].from = 1; });
  }
}

TEST_CASE("A list that counts more than it holds is refused, and half an answer is none") {
  const auto listed = [](const std::function<void(FakeWire&, const WireFrame&)>& answer) {
    RunnerFixture f;
    Outcome<ProcessEntries> outcome;
    f.runner->list(true, Op{}, outcome.take());
    answer(f.wire, f.next(MessageType::list));
    const auto result = outcome.wait();
    REQUIRE_FALSE(result.ok());
    CHECK(outcome.count() == 1);
    return result.error().code;
  };
  CHECK(listed([](FakeWire& wire, const WireFrame& frame) {
          wire.send(MessageType::process_list, frame.id, "\xff\xff\xff\xff");
        }) == ErrorCode::data_loss);
  CHECK(listed([](FakeWire& wire, const WireFrame& frame) {
          const std::string whole =
              runner::encode_frame(MessageType::process_list, frame.id, std::string(100, 'x'));
          wire.send_bytes(whole.substr(0, 50));
          wire.disconnect();
        }) == ErrorCode::data_loss);
}

TEST_CASE("A second answer to the same request ends the runner") {
  RunnerFixture f;
  Outcome<ProcessReport> outcome;
  f.runner->wait(3, to_exit(), Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::wait);
  f.wire.reply(frame, MessageType::report, ended(3));
  f.wire.reply(frame, MessageType::report, ended(3));
  CHECK(outcome.wait().ok());
  CHECK(eventually([&] { return f.lost == 1; }));
  CHECK(outcome.count() == 1);
}

TEST_CASE("Answers about output and files that do not fit the question are refused") {
  const auto refused_output = [](const runner::Output& output) {
    RunnerFixture f;
    Outcome<OutputPart> outcome;
    f.runner->read_output(1, 1, 100, 10, Op{}, outcome.take());
    f.wire.reply(f.next(MessageType::read_output), MessageType::output, output);
    const auto result = outcome.wait();
    return !result && result.error().code == ErrorCode::data_loss;
  };
  CHECK(refused_output({100, 200, 0, false, std::string(11, 'x')}));
  CHECK(refused_output({99, 200, 0, false, "x"}));
  CHECK(refused_output({100, 100, 0, false, "x"}));
  CHECK_FALSE(refused_output({150, 200, 0, false, "x"}));
  CHECK_FALSE(refused_output({100, 50, 0, true, ""}));
  const auto refused_file = [](const runner::FileData& data) {
    RunnerFixture f;
    Outcome<FileData> outcome;
    f.runner->read_file("/a", 5, 10, Op{}, outcome.take());
    f.wire.reply(f.next(MessageType::read_file), MessageType::file_data, data);
    const auto result = outcome.wait();
    return !result && result.error().code == ErrorCode::data_loss;
  };
  runner::FileData data;
  data.offset = 5;
  data.data = std::string(11, 'x');
  CHECK(refused_file(data));
  data.data = "x";
  CHECK_FALSE(refused_file(data));
  data.offset = 6;
  CHECK(refused_file(data));
}
