#include "tools/support/terminal_recording.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"
#include "tests/support/json_text.h"
#include "tests/support/scratch_directory.h"

using namespace rexec;
using namespace rexec::test;
using tools::TerminalRecording;

namespace {

struct Studio {
  ScratchDirectory scratch;
  FakeClock clock;
  tools::RecordingOptions options{scratch.path() + "/state/recordings", false, true};

  Result<std::shared_ptr<TerminalRecording>> make(const std::string& name = "work") {
    return TerminalRecording::make(options, name, {100, 40}, "bash -l", clock);
  }
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("a recording is asciicast version 2", "[tools]") {
  Studio studio;
  const auto recording = studio.make().value();
  studio.clock.advance(std::chrono::milliseconds(1500));
  recording->output("\x1b[31mred\r\n\xe2\x82");
  recording->output("\xac");
  recording->typed("ls\r");
  recording->resized({80, 24});
  recording->output("\xff");
  recording->ended();
  recording->output("later");
  const auto lines = lines_of(recording->path());
  REQUIRE(lines.size() == 6);
  const Json header = json_of(lines[0]);
  CHECK(header.at("version") == 2);
  CHECK(header.at("width") == 100);
  CHECK(header.at("height") == 40);
  CHECK(header.at("timestamp") == studio.clock.unix_ms() / 1000 - 1);
  CHECK(header.at("command") == "bash -l");
  CHECK(json_of(lines[1]) == Json::array({1.5, "o", "\x1b[31mred\r\n"}));
  CHECK(json_of(lines[2]) == Json::array({1.5, "o", "\xe2\x82\xac"}));
  CHECK(json_of(lines[3]) == Json::array({1.5, "i", "ls\r"}));
  CHECK(json_of(lines[4]) == Json::array({1.5, "r", "80x24"}));
  CHECK(json_of(lines[5]) == Json::array({1.5, "o", "\xef\xbf\xbd"}));
}

TEST_CASE("input is recorded only when that was asked for", "[tools]") {
  Studio studio;
  studio.options.input = false;
  const auto recording = studio.make().value();
  recording->typed("ls\r");
  CHECK(lines_of(recording->path()).size() == 1);
}

TEST_CASE("recordings are the user's own, and none takes the place of another", "[tools]") {
  Studio studio;
  const auto first = studio.make().value();
  const auto second = studio.make().value();
  CHECK(first->path() != second->path());
  struct stat status {};
  REQUIRE(::stat(first->path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat(studio.options.directory.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  second->discard();
  CHECK_FALSE(std::filesystem::exists(second->path()));
}

TEST_CASE("the number of recordings is bounded", "[tools]") {
  Studio studio;
  std::string first;
  for (std::size_t i = 0; i <= TerminalRecording::kMaxFiles; ++i) {
    const auto recording = studio.make("work-" + std::to_string(i)).value();
    if (i > 0) continue;
    first = recording->path();
    std::filesystem::last_write_time(first,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  CHECK_FALSE(std::filesystem::exists(first));
  std::size_t left = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(studio.options.directory))
    ++left;
  CHECK(left == TerminalRecording::kMaxFiles);
}

TEST_CASE("a recording ends at its largest size, at the end of a line", "[tools]") {
  Studio studio;
  const auto recording = studio.make().value();
  const std::string much(8 << 20, 'x');
  for (int i = 0; i < 10; ++i) recording->output(much);
  CHECK(std::filesystem::file_size(recording->path()) <= TerminalRecording::kMaxBytes);
  for (const std::string& line : lines_of(recording->path()))
    CHECK((line.ends_with("]") || line.ends_with("}")));
}

TEST_CASE("a directory that others may write to is refused", "[tools]") {
  Studio studio;
  const std::string directory = studio.scratch.make("shared");
  REQUIRE(::chmod(directory.c_str(), 0777) == 0);
  studio.options.directory = directory;
  const auto refused = studio.make();
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, ContainsSubstring("nobody else may write to"));
  studio.options.directory.clear();
  CHECK_FALSE(studio.make());
}
