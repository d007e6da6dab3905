#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tests/support/catch.h"

namespace rexec {
namespace {

using test::ContainsSubstring;
using test::EndsWith;

constexpr std::size_t kMaxLine = 4096;

// The log goes to a pipe for the length of a test.
class Capture {
 public:
  explicit Capture(LogFormat format, LogLevel level = LogLevel::debug, int pipe_size = 65536) {
    auto made = make_pipe();
    if (!made.ok()) FAIL(made.error().message);
    pipe_ = std::move(made).value();
    if (::fcntl(pipe_.second.get(), F_SETPIPE_SZ, pipe_size) < 0) FAIL("cannot size a pipe");
    if (!set_nonblocking(pipe_.first.get()).ok()) FAIL("cannot read without waiting");
    configure_log(level, format, pipe_.second.get());
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() { configure_log(LogLevel::info, LogFormat::text, STDERR_FILENO); }

  std::string read() {
    std::string all;
    char buffer[kMaxLine];
    for (ssize_t got = 0; (got = ::read(pipe_.first.get(), buffer, sizeof buffer)) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

 private:
  FdPair pipe_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (std::size_t end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1) {
    lines.push_back(text.substr(at, end - at));
  }
  if (at < text.size()) lines.push_back("unfinished: " + text.substr(at));
  return lines;
}

TEST_CASE("a text line has time, level, component and message", "[base][log]") {
  Capture capture(LogFormat::text);
  log(LogLevel::warning, "manager", "sandbox \"x\" is idle");
  const std::string line = capture.read();
  std::string shape = line.substr(0, line.find(' '));
  for (char& c : shape) c = c >= '0' && c <= '9' ? '0' : c;
  CHECK(shape == "0000-00-00T00:00:00.000Z");
  CHECK(line.substr(shape.size()) == " warning manager: sandbox \"x\" is idle\n");
}

TEST_CASE("a JSON line is one object with the four members", "[base][log]") {
  Capture capture(LogFormat::json);
  log(LogLevel::error, "http", "a \"quoted\" \\ path\nand\ta\x1b[0m bell \xff");
  const std::string text = capture.read();
  REQUIRE_THAT(text, EndsWith("}\n"));
  const Result<Json> line = parse_json(text);
  REQUIRE(line.ok());
  CHECK(line->size() == 4);
  CHECK(find_string(*line, "level") == "error");
  CHECK(find_string(*line, "component") == "http");
  CHECK(find_string(*line, "message") == "a \"quoted\" \\ path\nand\ta\x1b[0m bell \uFFFD");
  CHECK(find_string(*line, "time")->size() == 24);
}

TEST_CASE("control characters cannot forge lines or reach a terminal", "[base][log]") {
  Capture capture(LogFormat::text);
  log(LogLevel::info, "a\nb", "x\r\ny\x1b[2J\x7f\u009b\u00a0\u00e9");
  const std::vector<std::string> lines = lines_of(capture.read());
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], EndsWith(" info a\\nb: x\\r\\ny\\u001b[2J\\u007f\\u009b\u00a0\u00e9"));
}

TEST_CASE("levels below the minimum are not written", "[base][log]") {
  Capture capture(LogFormat::text, LogLevel::warning);
  CHECK_FALSE(log_enabled(LogLevel::info));
  CHECK(log_enabled(LogLevel::error));
  log(LogLevel::info, "c", "quiet");
  CHECK(capture.read().empty());
  configure_log(LogLevel::off, LogFormat::text, STDERR_FILENO);
  CHECK_FALSE(log_enabled(LogLevel::error));
  CHECK_FALSE(log_enabled(LogLevel::off));
}

TEST_CASE("a long message is cut at the limit of a line, at a character", "[base][log]") {
  const LogFormat format = GENERATE(LogFormat::text, LogFormat::json);
  Capture capture(format);
  for (const char* unit : {"x", "\u20ac", "\n", "\"", "\xff", "\x01"}) {
    for (std::size_t shift = 0; shift < 4; ++shift) {
      std::string message(shift, 'a');
      while (message.size() < 3 * kMaxLine) message.append(unit);
      log(LogLevel::info, "c", message);
      const std::string line = capture.read();
      CHECK(line.size() <= kMaxLine);
      CHECK(line.size() > kMaxLine - 16);
      CHECK(is_valid_utf8(line));
      CHECK_THAT(line, EndsWith(format == LogFormat::json ? "\u2026\"}\n" : "\u2026\n"));
      if (format == LogFormat::json) CHECK(parse_json(line).ok());
    }
  }
}

TEST_CASE("a component is cut too", "[base][log]") {
  Capture capture(LogFormat::text);
  log(LogLevel::info, std::string(10'000, 'c'), "m");
  const std::string line = capture.read();
  CHECK(line.size() < 120);
  CHECK_THAT(line, EndsWith("\u2026: m\n"));
}

TEST_CASE("lines that do not fit into a full pipe are dropped whole, and counted", "[base][log]") {
  Capture capture(LogFormat::text, LogLevel::debug, 2 * static_cast<int>(kMaxLine));
  const std::string page(2 * kMaxLine, 'p');
  for (int i = 0; i < 5; ++i) log(LogLevel::info, "c", page);
  CHECK(lines_of(capture.read()).size() == 2);
  log(LogLevel::info, "c", "after");
  const std::vector<std::string> lines = lines_of(capture.read());
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], EndsWith("warning log: lines dropped because nobody read them: 3"));
  CHECK_THAT(lines[1], EndsWith("c: after"));
  log(LogLevel::info, "c", "once");
  CHECK(lines_of(capture.read()).size() == 1);
}

TEST_CASE("a log to nowhere does no harm", "[base][log]") {
  Capture capture(LogFormat::text);
  configure_log(LogLevel::debug, LogFormat::text, -1);
  errno = EPERM;
  log(LogLevel::error, "c", "lost");
  CHECK(errno == EPERM);
}

TEST_CASE("lines of several threads stay whole", "[base][log]") {
  Capture capture(LogFormat::json, LogLevel::debug, 1 << 20);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int n = 0; n < 100; ++n) log(LogLevel::info, "c", std::string(200, static_cast<char>('a' + i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<std::string> lines = lines_of(capture.read());
  CHECK(lines.size() == 400);
  for (const std::string& line : lines) CHECK(parse_json(line).ok());
}

}  // namespace
}  // namespace rexec
