#include <cerrno>
#include <string>

#include "sandbox-client/runner/wire_edit.h"
#include "tests/support/catch.h"
#include "tests/support/runner_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using rexec::runner::MessageType;

namespace {

EditSpec edit_of(std::string old_text, std::string new_text) {
  EditSpec spec;
  spec.path = "a.txt";
  spec.edits.push_back({std::move(old_text), std::move(new_text), false});
  return spec;
}

runner::FileEdited answer() {
  runner::FileEdited edited;
  edited.path = "/home/user/a.txt";
  edited.bytes = 4;
  edited.replacements = 2;
  edited.sha256 = std::string(64, 'a');
  edited.diff = "--- a\n";
  edited.diff_cut = true;
  return edited;
}

}  // namespace

TEST_CASE("An edit is sent whole, and its answer comes back whole") {
  RunnerFixture f;
  EditSpec spec = edit_of("a", "b");
  spec.edits.push_back({"c", "", true});
  spec.dry_run = true;
  Outcome<FileEdited> outcome;
  f.runner->edit_file(spec, Op{}, outcome.take());
  const WireFrame frame = f.next(MessageType::edit_file);
  const auto sent = frame.as<runner::EditFile>();
  CHECK(sent.path == "/home/user/a.txt");
  REQUIRE(sent.edits.size() == 2);
  CHECK(sent.edits[1].old_text == "c");
  CHECK(sent.edits[1].replace_all);
  CHECK(sent.dry_run);
  f.wire.reply(frame, MessageType::edited, answer());
  const auto edited = outcome.wait();
  REQUIRE(edited.ok());
  CHECK(edited->replacements == 2);
  CHECK(edited->bytes == 4);
  CHECK(edited->diff == "--- a\n");
  CHECK(edited->diff_cut);
}

TEST_CASE("An edit that is sent again has the same nonce, another edit another one") {
  RunnerFixture f(true);
  Outcome<FileEdited> outcome;
  f.runner->edit_file(edit_of("a", "b"), Op{}, outcome.take());
  const auto nonce = f.next(MessageType::edit_file).as<runner::EditFile>().nonce;
  f.wire.disconnect();
  const WireFrame again = f.next(MessageType::edit_file);
  CHECK(again.as<runner::EditFile>().nonce == nonce);
  f.wire.reply(again, MessageType::edited, answer());
  CHECK(outcome.wait().ok());
  Outcome<FileEdited> other;
  f.runner->edit_file(edit_of("a", "b"), Op{}, other.take());
  CHECK(f.next(MessageType::edit_file).as<runner::EditFile>().nonce != nonce);
}

TEST_CASE("What cannot be an edit is not sent") {
  RunnerFixture f;
  const auto refused = [&](EditSpec spec) {
    Outcome<FileEdited> outcome;
    f.runner->edit_file(std::move(spec), Op{}, outcome.take());
    REQUIRE(outcome.count() == 1);
    CHECK(outcome.wait().error().code == ErrorCode::invalid_argument);
    return outcome.wait().error().message;
  };
  EditSpec spec = edit_of("a", "b");
  spec.patch = "+a";
  CHECK_THAT(refused(spec), Contains("either edits or a patch"));
  spec.edits.clear();
  spec.patch.clear();
  CHECK_THAT(refused(spec), Contains("either edits or a patch"));
  spec.edits.resize(runner::kMaxEdits + 1, {"a", "b", false});
  CHECK_THAT(refused(spec), Contains("more than 256 edits"));
  CHECK_THAT(refused(edit_of("a", std::string(runner::kMaxEditBytes, 'b'))), Contains("1048577 bytes"));
  CHECK_THAT(refused(edit_of(std::string(1 << 20, 'a'), "b")), Contains("1048576"));
  spec = edit_of("a", "b");
  spec.path = "";
  CHECK_THAT(refused(spec), Contains("path is empty"));
}

TEST_CASE("The largest edit fits a frame") {
  RunnerFixture f;
  Outcome<FileEdited> outcome;
  f.runner->edit_file(edit_of("a", std::string(runner::kMaxEditBytes - 1, 'b')), Op{}, outcome.take());
  CHECK(f.next(MessageType::edit_file).as<runner::EditFile>().edits[0].new_text.size() ==
        runner::kMaxEditBytes - 1);
}

TEST_CASE("The reasons why an edit does not fit keep their lines, bounded and fit to be shown") {
  RunnerFixture f;
  const auto failed = [&](int number, const char* step, std::string text) {
    Outcome<FileEdited> outcome;
    f.runner->edit_file(edit_of("a", "b"), Op{}, outcome.take());
    f.wire.reply(f.next(MessageType::edit_file), MessageType::error,
                 runner::Failure{number, step, std::move(text)});
    return outcome.wait().error();
  };
  const Error error = failed(EINVAL, "edit", "no\n1| \ta\x1b[2J\xff");
  CHECK(error.code == ErrorCode::failed_precondition);
  CHECK(error.message == "no\n1| \ta [2J\xef\xbf\xbd");
  CHECK(failed(EINVAL, "edit", std::string(100'000, 'x')).message.size() == runner::kMaxEditProblem);
  CHECK(failed(ENOENT, "open", "").code == ErrorCode::not_found);
}

TEST_CASE("An answer to an edit that cannot be is not believed") {
  for (const std::string& digest : {std::string(), std::string(63, 'a'), std::string(64, 'A')}) {
    RunnerFixture f;
    Outcome<FileEdited> outcome;
    f.runner->edit_file(edit_of("a", "b"), Op{}, outcome.take());
    runner::FileEdited edited = answer();
    edited.sha256 = digest;
    f.wire.reply(f.next(MessageType::edit_file), MessageType::edited, edited);
    CHECK(outcome.wait().error().code == ErrorCode::data_loss);
  }
  RunnerFixture f;
  Outcome<FileEdited> outcome;
  f.runner->edit_file(edit_of("a", "b"), Op{}, outcome.take());
  runner::FileEdited edited = answer();
  edited.diff = std::string(runner::kMaxDiffBytes + 1, '+');
  f.wire.reply(f.next(MessageType::edit_file), MessageType::edited, edited);
  CHECK(outcome.wait().error().code == ErrorCode::data_loss);
}
