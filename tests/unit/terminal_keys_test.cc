#include "sandbox-client/terminal/keys.h"

#include "tests/support/catch.h"

namespace rexec::terminal {
namespace {

std::string key(std::string_view name, const Modes& modes = {}) {
  auto bytes = encode_key(name, modes);
  INFO(name);
  REQUIRE(bytes.ok());
  return *bytes;
}

std::string problem(std::string_view name) {
  auto bytes = encode_key(name, {});
  INFO(name);
  REQUIRE_FALSE(bytes.ok());
  CHECK(bytes.error().code == ErrorCode::invalid_argument);
  return bytes.error().message;
}

const std::string kNul(1, '\0');

}  // namespace

TEST_CASE("Plain keys", "[terminal]") {
  CHECK(key("enter") == "\r");
  CHECK(key("Return") == "\r");
  CHECK(key("tab") == "\t");
  CHECK(key("esc") == "\x1B");
  CHECK(key("ESCAPE") == "\x1B");
  CHECK(key("space") == " ");
  CHECK(key("backspace") == "\x7F");
  CHECK(key("delete") == "\x1B[3~");
  CHECK(key("insert") == "\x1B[2~");
  CHECK(key("pageup") == "\x1B[5~");
  CHECK(key("page-down") == "\x1B[6~");
  CHECK(key("f1") == "\x1BOP");
  CHECK(key("f4") == "\x1BOS");
  CHECK(key("f5") == "\x1B[15~");
  CHECK(key("f12") == "\x1B[24~");
  CHECK(key("a") == "a");
  CHECK(key("A") == "A");
  CHECK(key("\xC3\xA9") == "\xC3\xA9");
  CHECK(key("-") == "-");
  CHECK(key("+") == "+");
}

TEST_CASE("Cursor keys follow their mode", "[terminal]") {
  Modes application;
  application.application_cursor_keys = true;
  CHECK(key("up") == "\x1B[A");
  CHECK(key("up", application) == "\x1BOA");
  CHECK(key("end") == "\x1B[F");
  CHECK(key("home", application) == "\x1BOH");
  CHECK(key("ctrl-up", application) == "\x1B[1;5A");
  CHECK(key("delete", application) == "\x1B[3~");
}

TEST_CASE("Keys with modifiers", "[terminal]") {
  CHECK(key("ctrl-c") == "\x03");
  CHECK(key("Ctrl+C") == "\x03");
  CHECK(key("control-z") == "\x1A");
  CHECK(key("ctrl-space") == kNul);
  CHECK(key("ctrl-@") == kNul);
  CHECK(key("ctrl-[") == "\x1B");
  CHECK(key("ctrl-\\") == "\x1C");
  CHECK(key("ctrl-]") == "\x1D");
  CHECK(key("ctrl-^") == "\x1E");
  CHECK(key("ctrl-_") == "\x1F");
  CHECK(key("ctrl--") == "\x1F");
  CHECK(key("ctrl-/") == "\x1F");
  CHECK(key("ctrl-?") == "\x7F");
  CHECK(key("alt-x") == "\x1Bx");
  CHECK(key("meta-X") == "\x1BX");
  CHECK(key("alt-enter") == "\x1B\r");
  CHECK(key("alt-backspace") == "\x1B\x7F");
  CHECK(key("ctrl-alt-c") == "\x1B\x03");
  CHECK(key("alt--") == "\x1B-");
  CHECK(key("shift-tab") == "\x1B[Z");
  CHECK(key("shift-a") == "A");
  CHECK(key("shift-f3") == "\x1B[1;2R");
  CHECK(key("ctrl-f5") == "\x1B[15;5~");
  CHECK(key("alt-up") == "\x1B[1;3A");
  CHECK(key("ctrl-alt-shift-left") == "\x1B[1;8D");
  CHECK(key("ctrl-delete") == "\x1B[3;5~");
  CHECK(key("ctrl-enter") == "\r");
  CHECK(key("ctrl-backspace") == "\b");
  CHECK(key("c-x") == "\x18");
  CHECK(key("M-x") == "\x1Bx");
}

TEST_CASE("Unknown keys name what is near", "[terminal]") {
  CHECK(problem("entr") == "there is no key \"entr\"; did you mean \"enter\"?");
  CHECK(problem("ctrl-pageupp") == "there is no key \"ctrl-pageupp\"; did you mean \"ctrl-pageup\"?");
  CHECK_THAT(problem("hello world"), test::Contains("text is typed as text"));
  for (const char* name :
       {"", "f13", "ctrl-", "ctrl-\xC3\xA9", "ctrl-;", "shift-1", "\x1B", "\x7F", "\xFF", "hyper-x"})
    CHECK_FALSE(problem(name).empty());
  CHECK(problem(std::string(10'000, 'x')).size() < 300);
}

TEST_CASE("Every key that is named has bytes", "[terminal]") {
  for (const std::string& name : key_names())
    for (const char* modifier : {"", "shift-", "alt-", "ctrl-", "ctrl-alt-shift-"})
      CHECK_FALSE(key(modifier + name).empty());
}

TEST_CASE("Pasted text cannot end its own paste", "[terminal]") {
  Modes bracketed;
  bracketed.bracketed_paste = true;
  const std::string begin = "\x1B[200~";
  const std::string end = "\x1B[201~";
  CHECK(encode_paste("a\nb", bracketed) == begin + "a\nb" + end);
  CHECK(encode_paste("a" + end + "rm\n", bracketed) == begin + "arm\n" + end);
  CHECK(encode_paste("a\x1B[20\x1B[201~1~rm", bracketed) == begin + "arm" + end);
  CHECK(encode_paste(end, bracketed) == begin + end);
  CHECK(encode_paste("", bracketed) == begin + end);
}

TEST_CASE("Without brackets a line break is the Enter key", "[terminal]") {
  CHECK(encode_paste("a\nb\r\nc\rd", {}) == "a\rb\rc\rd");
  CHECK(encode_paste("\n\n", {}) == "\r\r");
}

}  // namespace rexec::terminal
