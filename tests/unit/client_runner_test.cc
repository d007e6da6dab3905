#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

#include "sandbox-client/runner_messages.h"
#include "sandbox-client/runner_session.h"
#include "tests/support/catch.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using rexec::runner::MessageType;

TEST_CASE("A start sends the whole environment of the sandbox, the call's own entries winning") {
  RunnerFixture f;
  ProcessSpec spec = command("echo hi");
  spec.env = {{"PAGER", "less"}, {"X", "a=b"}};
  spec.cwd = "src";
  spec.timeout = std::chrono::milliseconds(1500);
  Outcome<ProcessReport> outcome;
  f.runner->start(spec, to_exit(), Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::start);
  const auto start = frame.as<runner::Start>();
  CHECK(start.env == std::vector<std::string>{"LANG=C.UTF-8", "PAGER=less", "X=a=b"});
  CHECK(start.command == "echo hi");
  CHECK(start.cwd == "/home/user/src");
  CHECK(start.timeout_ms == 1500);
  CHECK_FALSE(start.stdin_pipe);
  CHECK(start.wait.head == 1000);
  f.wire.reply(frame, MessageType::report, ended(7, "hi\n"));
  const auto report = outcome.wait();
  REQUIRE(report.ok());
  CHECK(report->process == 7);
  CHECK(report->streams[0].head == "hi\n");
  CHECK(report->status == ProcessStatus::exited);
  CHECK(outcome.count() == 1);
}

TEST_CASE("Two starts of one command have different nonces") {
  RunnerFixture f;
  Outcome<ProcessReport> outcome;
  f.runner->start(command("x"), to_exit(), Op{}, outcome.take());
  const auto first = f.next(MessageType::start).as<runner::Start>().nonce;
  f.runner->start(command("x"), to_exit(), Op{}, outcome.take());
  CHECK(first != f.next(MessageType::start).as<runner::Start>().nonce);
}

TEST_CASE("What cannot be run is refused before anything is sent, with what to do instead") {
  RunnerFixture f;
  const auto refused = [&](ProcessSpec spec, WaitSpec wait = to_exit()) {
    Outcome<ProcessReport> outcome;
    f.runner->start(std::move(spec), wait, Op{}, outcome.take());
    REQUIRE(outcome.count() == 1);
    REQUIRE_FALSE(outcome.wait().ok());
    CHECK(outcome.wait().error().code == ErrorCode::invalid_argument);
    return outcome.wait().error().message;
  };
  CHECK_THAT(refused(command(std::string(runner::kMaxStringArgument + 1, 'x'))), Contains("write_file"));
  CHECK_THAT(refused(command(std::string("a\0b", 3))), Contains("NUL"));
  CHECK_THAT(refused(command("")), Contains("command"));
  ProcessSpec spec = command("x");
  spec.env = {{"A", std::string("\0", 1)}};
  CHECK_THAT(refused(spec), Contains("NUL"));
  spec.env = {{"A=B", "c"}};
  CHECK_THAT(refused(spec), Contains("name of an environment variable"));
  spec.env = {{"", "c"}};
  CHECK_THAT(refused(spec), Contains("name of an environment variable"));
  spec.env = {{"A", std::string(runner::kMaxStringArgument, 'x')}};
  CHECK_THAT(refused(spec), Contains("longer than"));
  spec.env.clear();
  for (int i = 0; i < 10; ++i) spec.env.emplace_back("A" + std::to_string(i), std::string(120'000, 'x'));
  CHECK_THAT(refused(spec), Contains("together"));
  spec.env.clear();
  for (std::size_t i = 0; i < runner::kMaxArguments; ++i) spec.env.emplace_back("A" + std::to_string(i), "");
  CHECK_THAT(refused(spec), Contains("environment variables"));
  spec.env.clear();
  ProcessSpec many;
  many.argv = std::vector<std::string>(runner::kMaxArguments + 1, "x");
  CHECK_THAT(refused(many), Contains("arguments"));
  many.argv = {"x", std::string(runner::kMaxStringArgument + 1, 'x')};
  CHECK_THAT(refused(many), Contains("write_file"));
  spec.cwd = "/" + std::string(runner::kMaxPath, 'x');
  CHECK_THAT(refused(spec), Contains("path"));
  spec.cwd = std::string("/a\0b", 4);
  CHECK_THAT(refused(spec), Contains("NUL"));
  spec.cwd.clear();
  spec.input = std::string(kMaxProcessInput + 1, 'x');
  CHECK_THAT(refused(spec), Contains("input"));
  CHECK_THAT(refused(command("x"), to_exit(runner::kMaxData, 1)), Contains("output"));
  CHECK_FALSE(f.wire.has(MessageType::start));
}

TEST_CASE("Failures of a start say what was wrong") {
  RunnerFixture f;
  const auto fail = [&](const runner::Failure& with, ProcessSpec spec) {
    Outcome<ProcessReport> outcome;
    f.runner->start(std::move(spec), to_exit(), Op{}, outcome.take());
    f.wire.reply(f.next(MessageType::start), MessageType::error, with);
    const auto result = outcome.wait();
    REQUIRE_FALSE(result.ok());
    return result.error();
  };
  ProcessSpec spec = command("x");
  spec.cwd = "/nowhere";
  CHECK(fail(failure(ENOENT, "cwd"), spec).message == "the working directory \"/nowhere\" does not exist");
  CHECK(fail(failure(ENOENT, "cwd"), spec).code == ErrorCode::invalid_argument);
  ProcessSpec argv;
  argv.argv = {"nosuch", "x"};
  CHECK_THAT(fail(failure(ENOENT, "exec"), argv).message, Contains("no program \"nosuch\""));
  CHECK(fail(failure(EACCES, "exec"), argv).code == ErrorCode::permission_denied);
  CHECK(fail(failure(EAGAIN, "limit"), spec).code == ErrorCode::resource_exhausted);
  CHECK(fail(failure(ENOENT, "shell"), spec).code == ErrorCode::failed_precondition);
  CHECK(fail(failure(ENOSYS, "?"), spec).code == ErrorCode::unsupported);
}

TEST_CASE("Failures of files say what was wrong") {
  RunnerFixture f;
  const auto fail = [&](const runner::Failure& with) {
    Outcome<FileWritten> outcome;
    WriteSpec spec;
    spec.path = "a";
    spec.expect_sha256 = "absent";
    f.runner->write_file(spec, Op{}, outcome.take());
    f.wire.reply(f.next(MessageType::write_file), MessageType::error, with);
    const auto result = outcome.wait();
    REQUIRE_FALSE(result.ok());
    CHECK_THAT(result.error().message, Contains("/home/user/a"));
    return result.error().code;
  };
  CHECK(fail(failure(EEXIST, "expect")) == ErrorCode::failed_precondition);
  CHECK(fail(failure(ESTALE, "expect")) == ErrorCode::failed_precondition);
  CHECK(fail(failure(ENOENT, "open")) == ErrorCode::not_found);
  CHECK(fail(failure(EISDIR, "open")) == ErrorCode::invalid_argument);
  CHECK(fail(failure(EACCES, "open")) == ErrorCode::permission_denied);
  CHECK(fail(failure(ENOSPC, "write")) == ErrorCode::resource_exhausted);
  CHECK(fail(failure(EROFS, "open")) == ErrorCode::permission_denied);
}

TEST_CASE("Paths are resolved against home and working directory") {
  CHECK(resolve_path("/etc/x", "/h", "/w") == "/etc/x");
  CHECK(resolve_path("~", "/h", "/w") == "/h");
  CHECK(resolve_path("~/x", "/h", "/w") == "/h/x");
  CHECK(resolve_path("~x", "/h", "/w") == "/w/~x");
  CHECK(resolve_path("a/../b", "/h", "/w") == "/w/a/../b");
  CHECK(resolve_path("a", "/h", "/") == "/a");
  CHECK(resolve_path("", "/h", "/w") == "/w");
}

TEST_CASE("A reply that arrives byte by byte is put together, and several in one piece are taken apart") {
  RunnerFixture f;
  Outcome<ProcessReport> one;
  Outcome<ProcessReport> two;
  f.runner->wait(1, to_exit(), Op{}, one.take());
  f.runner->wait(2, to_exit(), Op{}, two.take());
  const WireFrame first = f.next(MessageType::wait);
  const WireFrame second = f.next(MessageType::wait);
  const std::string reply =
      runner::encode_frame(MessageType::report, first.id, runner::encode(ended(1, "one")));
  for (const char c : reply) f.wire.send_bytes(std::string_view(&c, 1));
  REQUIRE(one.wait().ok());
  CHECK(one.wait()->streams[0].head == "one");
  Outcome<ProcessReport> three;
  f.runner->wait(3, to_exit(), Op{}, three.take());
  const WireFrame third = f.next(MessageType::wait);
  f.wire.send_bytes(runner::encode_frame(MessageType::report, third.id, runner::encode(ended(3, "three"))) +
                    runner::encode_frame(MessageType::report, second.id, runner::encode(ended(2, "two"))));
  CHECK(two.wait()->streams[0].head == "two");
  CHECK(three.wait()->streams[0].head == "three");
}

TEST_CASE("Replies of a mebibyte arrive whole") {
  RunnerFixture f;
  Outcome<OutputPart> outcome;
  f.runner->read_output(1, 0, 10, runner::kMaxData, Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::read_output);
  runner::Output output;
  output.offset = 10;
  output.data = std::string(runner::kMaxData, 'y');
  output.produced = 10 + output.data.size();
  f.wire.reply(frame, MessageType::output, output);
  REQUIRE(outcome.wait().ok());
  CHECK(outcome.wait()->data == output.data);
}

TEST_CASE("Many threads may call at once") {
  RunnerFixture f;
  f.wire.handler = [](FakeWire& wire, const WireFrame& frame) {
    if (frame.type != MessageType::wait) return false;
    const auto process = frame.as<runner::Wait>().process;
    wire.reply(frame, MessageType::report, ended(process, "output of " + std::to_string(process)));
    return true;
  };
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 1; i <= 300; ++i) {
        const std::uint64_t process = t * 1000 + i;
        Outcome<ProcessReport> outcome;
        f.runner->wait(process, to_exit(), Op{}, outcome.take());
        const auto report = outcome.wait();
        if (!report || report->streams[0].head != "output of " + std::to_string(process)) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("More calls than the runner takes at once are refused") {
  RunnerFixture f;
  std::vector<Outcome<ProcessReport>> outcomes(runner::kMaxOutstanding);
  for (auto& outcome : outcomes) f.runner->wait(1, to_exit(), Op{}, outcome.take());
  const auto accepted = runner::kMaxOutstanding - kReservedRequests;
  CHECK(outcomes[accepted - 1].count() == 0);
  REQUIRE(outcomes[accepted].count() == 1);
  CHECK(outcomes[accepted].wait().error().code == ErrorCode::resource_exhausted);
}

TEST_CASE("More bytes than may wait to be written are refused") {
  RunnerFixture f;
  WriteSpec spec;
  spec.path = "a";
  spec.content = std::string(20 << 20, 'x');
  Outcome<FileWritten> outcomes[3];
  for (auto& outcome : outcomes) f.runner->write_file(spec, Op{}, outcome.take());
  CHECK(outcomes[1].count() == 0);
  CHECK(outcomes[2].wait().error().code == ErrorCode::resource_exhausted);
  spec.content = std::string(kMaxWriteFile + 1, 'x');
  Outcome<FileWritten> large;
  f.runner->write_file(spec, Op{}, large.take());
  CHECK(large.wait().error().code == ErrorCode::invalid_argument);
}

TEST_CASE("A large file is sent in pieces of one request") {
  RunnerFixture f;
  WriteSpec spec;
  spec.path = "~/a";
  spec.content = std::string(2 * runner::kMaxData + 5, 'x');
  spec.mode = 0640;
  Outcome<FileWritten> outcome;
  f.runner->write_file(spec, Op{}, outcome.take());
  const WireFrame first = f.next(MessageType::write_file);
  const auto message = first.as<runner::WriteFile>();
  CHECK(message.path == "/home/user/a");
  CHECK(message.size == spec.content.size());
  CHECK(message.mode == 0640);
  CHECK(message.data.size() == runner::kMaxData);
  const WireFrame second = f.next(MessageType::write_data);
  const WireFrame third = f.next(MessageType::write_data);
  CHECK(second.id == first.id);
  CHECK(second.as<runner::WriteData>().data.size() == runner::kMaxData);
  CHECK(third.as<runner::WriteData>().data.size() == 5);
  f.wire.reply(first, MessageType::file_written,
               runner::FileWritten{"/home/user/a", message.size, true, "ab"});
  CHECK(outcome.wait()->created);
}
