#include "tools/support/terminal_expectation.h"

#include "tests/support/catch.h"

using namespace rexec;
using tools::TerminalExpectation;

namespace {

std::shared_ptr<const re2::RE2> pattern(const std::string& text) {
  const Json json = {{"wait_for", text}};
  tools::Violations violations;
  auto made = tools::wait_pattern(tools::Arguments(json), violations);
  REQUIRE(violations.empty());
  return made;
}

struct Expected {
  std::optional<std::string> match;
  bool settled = false;
};

Expected after(const std::string& expression, const std::string& typed, const std::string& output) {
  TerminalExpectation expectation(pattern(expression), typed);
  expectation.feed(output);
  return {expectation.match(), expectation.echo_settled()};
}

}  // namespace

TEST_CASE("the echo of the input does not count", "[tools]") {
  CHECK_FALSE(after("1\\+1", "1+1\n", "1+1\r\n").match);
  CHECK(after(">>> $", "1+1\n", "1+1\r\n2\r\n>>> ").match == ">>> ");
  // What a program writes of the same text does count.
  CHECK(after("hello", "hello\n", "hello\r\nhello\r\n").match == "hello");
  CHECK(after("^2$", "1+1\n", "\x1b[?2004l1+1\r\n\x1b[?2004h2\r\n").match == "2");
}

TEST_CASE("what comes before the echo does not count either", "[tools]") {
  const Expected redrawn = after("In \\[\\d+\\]: $", "1+1\n", "\rIn [1]: 1+1\r\n2\r\nIn [2]: ");
  CHECK(redrawn.match == "In [2]: ");
  CHECK(redrawn.settled);
  CHECK_FALSE(after("\\$ $", "make", "old output\r\n$ make\r\n").match);
}

TEST_CASE("the last line that was typed is the one whose echo counts", "[tools]") {
  CHECK(after(">>> $", "a = 1\nb = 2\n", "a = 1\r\n>>> b = 2\r\n>>> ").settled);
  TerminalExpectation expectation(pattern(">>> $"), "a = 1\nb = 2\n");
  expectation.feed("a = 1\r\n>>> ");
  CHECK(expectation.match());  // only a candidate
  CHECK_FALSE(expectation.echo_settled());
  expectation.feed("b = 2\r\n");
  CHECK(expectation.echo_settled());
  CHECK_FALSE(expectation.match());
  expectation.feed(">>> ");
  CHECK(expectation.match() == ">>> ");
}

TEST_CASE("a line that another one contains is not its echo", "[tools]") {
  TerminalExpectation expectation(pattern(">>> $"), "import time; t = 1\nt\n");
  expectation.feed("import time; t = 1\r\n>>> ");
  CHECK_FALSE(expectation.echo_settled());
  expectation.feed("t\r\n1\r\n>>> ");
  CHECK(expectation.echo_settled());
  CHECK(expectation.match() == ">>> ");
}

TEST_CASE("a beginning of the echo that is not one does not hide it", "[tools]") {
  CHECK(after("x", "aabaac\n", "aabaabaac\r\nx").settled);
  CHECK(after("x", "aab\n", "aaab\r\nx").match == "x");
}

TEST_CASE("of much input the echo is the last line of all", "[tools]") {
  std::string typed;
  for (int i = 0; i < 20'000; ++i) typed += "a" + std::to_string(i) + "=" + std::to_string(i) + "\n";
  std::string echo;
  for (std::size_t i = 0; i < typed.size(); ++i)
    echo += typed[i] == '\n' ? std::string("\r\n>>> ") : typed.substr(i, 1);
  TerminalExpectation expectation(pattern("^FINAL|a15000"), typed);
  for (std::size_t i = 0; i < echo.size(); i += 4096) expectation.feed(echo.substr(i, 4096));
  CHECK(expectation.echo_settled());
  CHECK_FALSE(expectation.match());
  expectation.feed("\r\nFINAL\r\n");
  CHECK(expectation.match() == "FINAL");
}

TEST_CASE("what overwrites the echo counts", "[tools]") {
  TerminalExpectation expectation(pattern("READY"), "abc");
  expectation.feed("abc");
  expectation.feed("\b\b\bREADY");
  CHECK(expectation.match() == "READY");
  CHECK(after("READY", "abc", "abc\b\b\bREADY").match == "READY");
}

TEST_CASE("an echo that a line editor wraps is one", "[tools]") {
  const std::string typed = "echo " + std::string(30, 'x') + " end\n";
  const std::string echo = "echo " + std::string(15, 'x') + " \r" + std::string(15, 'x') + "\r\n end\r\n";
  CHECK(after("end", typed, echo).settled);
  CHECK_FALSE(after("end", typed, echo).match);
  CHECK(after("end", typed, echo + "the end").match == "end");
}

TEST_CASE("without an echo a match is a candidate, and after much output it is a match", "[tools]") {
  const Expected silent = after("INSERT", "i\n", "-- INSERT --");
  CHECK(silent.match == "INSERT");
  CHECK_FALSE(silent.settled);
  const Expected loud = after("done", "q\n", std::string(TerminalExpectation::kEchoWindow + 1, '.') + "done");
  CHECK(loud.match == "done");
  CHECK(loud.settled);
  CHECK(after("x", "", "x").settled);
  CHECK(after("x", "\n", "x").settled);
}

TEST_CASE("a match across pieces is found, whatever their cut", "[tools]") {
  const std::string output = "ls\r\nfile one\r\nfile two\r\n\xe2\x82\xac $ ";
  for (std::size_t cut = 0; cut <= output.size(); ++cut) {
    TerminalExpectation expectation(pattern("one\nfile two\n. \\$ $"), "ls\n");
    expectation.feed(output.substr(0, cut));
    expectation.feed(output.substr(cut));
    CHECK(expectation.match().has_value());
  }
}

TEST_CASE("what matches is told in part when it is long, and as text", "[tools]") {
  const auto match = after("(?s).*", "", std::string(5000, 'a') + "\xff").match;
  REQUIRE(match);
  CHECK(match->size() == TerminalExpectation::kMaxShownMatch);
}

TEST_CASE("a match is found after more output than is kept", "[tools]") {
  TerminalExpectation expectation(pattern("^ready$"), "go\n");
  expectation.feed("go\r\n");
  for (int i = 0; i < 1000; ++i) expectation.feed(std::string(1000, 'y') + "\r\n");
  CHECK_FALSE(expectation.match());
  expectation.feed("ready\r\n");
  CHECK(expectation.match() == "ready");
}

TEST_CASE("an expression that is none is told", "[tools]") {
  const Json json = {{"wait_for", "(unclosed"}};
  tools::Violations violations;
  CHECK(tools::wait_pattern(tools::Arguments(json), violations) == nullptr);
  REQUIRE(violations.size() == 1);
  CHECK(violations.front().pointer == "/wait_for");
}
