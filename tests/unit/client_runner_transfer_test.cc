#include <cerrno>

#include "sandbox-client/runner/wire_transfer.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::test;
using runner::MessageType;

TEST_CASE("make_entry says what is to be made, and where", "[runner_client]") {
  RunnerFixture fixture;
  Outcome<void> outcome;
  sandbox::EntrySpec spec;
  spec.path = "link";
  spec.type = sandbox::FileType::symlink;
  spec.target = "../x";
  spec.attributes = true;
  spec.mode = 04755;
  spec.modified_unix_ns = 5;
  fixture.runner->make_entry(spec, {}, outcome.take());
  const WireFrame frame = fixture.next(MessageType::make_entry);
  const auto asked = frame.as<runner::MakeEntry>();
  CHECK(
      (asked.path == "/home/user/link" && asked.type == runner::FileType::symlink && asked.target == "../x"));
  CHECK((asked.attributes && asked.mode == 0755 && asked.modified_unix_ns == 5));
  fixture.wire.send(MessageType::done, frame.id, {});
  CHECK(outcome.wait().ok());
}

TEST_CASE("write_range passes a part on, and its end only where there is one", "[runner_client]") {
  RunnerFixture fixture;
  Outcome<void> outcome;
  sandbox::RangeSpec spec;
  spec.path = "/f";
  spec.data = "data";
  spec.offset = 7;
  spec.begin = true;
  fixture.runner->write_range(spec, {}, outcome.take());
  auto asked = fixture.next(MessageType::write_range).as<runner::WriteRange>();
  CHECK((asked.path == "/f" && asked.data == "data" && asked.offset == 7 && asked.begin && !asked.finish));
  spec.finish = sandbox::FileEnd{11, 06644, 3};
  fixture.runner->write_range(spec, {}, outcome.take());
  asked = fixture.next(MessageType::write_range).as<runner::WriteRange>();
  CHECK((asked.finish && asked.size == 11 && asked.mode_given && asked.mode == 0644));
  CHECK((asked.modified_given && asked.modified_unix_ns == 3));
  spec.finish = sandbox::FileEnd{11, std::nullopt, std::nullopt};
  fixture.runner->write_range(spec, {}, outcome.take());
  asked = fixture.next(MessageType::write_range).as<runner::WriteRange>();
  CHECK((asked.finish && !asked.mode_given && !asked.modified_given));
}

TEST_CASE("What cannot be sent is refused before it is", "[runner_client]") {
  RunnerFixture fixture;
  const auto range_fails = [&](sandbox::RangeSpec spec) {
    Outcome<void> outcome;
    fixture.runner->write_range(std::move(spec), {}, outcome.take());
    return outcome.wait().error().code == ErrorCode::invalid_argument;
  };
  CHECK(range_fails({"/f", false, 0, std::string(runner::kMaxData + 1, 'x'), true, std::nullopt}));
  CHECK(range_fails({"/f", false, UINT64_MAX, "x", true, std::nullopt}));
  CHECK(range_fails({"", false, 0, "x", true, std::nullopt}));
  for (const auto type : {sandbox::FileType::file, sandbox::FileType::symlink}) {
    Outcome<void> outcome;
    sandbox::EntrySpec spec;
    spec.path = "/x";
    spec.type = type;
    fixture.runner->make_entry(spec, {}, outcome.take());
    CHECK(outcome.wait().error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("Failures of a copy say what is in the way, and when the runner is too old", "[runner_client]") {
  RunnerFixture fixture;
  const auto error_of = [&](const runner::Failure& failure) {
    Outcome<void> outcome;
    sandbox::RangeSpec spec;
    spec.path = "/d/f";
    fixture.runner->write_range(spec, {}, outcome.take());
    const WireFrame frame = fixture.next(MessageType::write_range);
    fixture.wire.reply(frame, MessageType::error, failure);
    return outcome.wait().error();
  };
  CHECK(error_of({EISDIR, "type", "/d/f is a directory, which a file does not replace"}).message ==
        "/d/f is a directory, which a file does not replace");
  CHECK(error_of({ENOENT, "open", "x"}).message == "the directory of \"/d/f\" does not exist");
  CHECK(error_of({EACCES, "open", "x"}).code == ErrorCode::permission_denied);
  CHECK(error_of({ENOSPC, "write", "x"}).code == ErrorCode::resource_exhausted);
  CHECK(error_of({ENOSYS, "request", "x"}).code == ErrorCode::unsupported);
}
