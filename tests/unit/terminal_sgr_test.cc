// Colours and attributes, as they come and as they are shown.
#include "tests/support/catch.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {
namespace {

// What is shown of an "x" after some SGR, without the escape characters.
std::string look(const std::string& parameters) {
  std::string text = test::shown(test::screen_of(20, 1, "\x1B[" + parameters + "mx"), true);
  std::erase(text, '\x1B');
  return text;
}

std::string shown_line(std::string_view bytes) {
  std::string text = test::shown(test::screen_of(20, 1, bytes), true);
  std::erase(text, '\x1B');
  return text;
}

}  // namespace

TEST_CASE("Attributes are set and reset", "[terminal]") {
  CHECK(look("") == "x");
  for (const char* code : {"1", "2", "3", "4", "5", "7", "8", "9", "53"})
    CHECK(look(code) == "[" + std::string(code) + "mx[0m");
  CHECK(look("6") == "[5mx[0m");
  CHECK(look("1;2;3;4;5;7;8;9;53;0") == "x");
  CHECK(look("1;2;22;3;23;4;24;5;25;7;27;8;28;9;29;53;55") == "x");
  CHECK(look("1;;") == "x");
  CHECK(look("999") == "x");
}

TEST_CASE("Underlines have styles", "[terminal]") {
  CHECK(look("21") == "[4:2mx[0m");
  CHECK(look("4:3") == "[4:3mx[0m");
  CHECK(look("4:1") == "[4mx[0m");
  CHECK(look("4:3;4:0") == "x");
  CHECK(look("4:9") == "x");
  CHECK(look("4;24") == "x");
}

TEST_CASE("Colours of all kinds", "[terminal]") {
  CHECK(look("31;42") == "[31;42mx[0m");
  CHECK(look("91;102") == "[91;102mx[0m");
  CHECK(look("31;39;42;49") == "x");
  CHECK(look("38;5;208") == "[38;5;208mx[0m");
  CHECK(look("38;5;1") == "[31mx[0m");
  CHECK(look("38;2;1;2;3;1") == "[1;38;2;1;2;3mx[0m");
  CHECK(look("38:5:208") == "[38;5;208mx[0m");
  CHECK(look("38:2::1:2:3") == "[38;2;1;2;3mx[0m");
  CHECK(look("48:2:1:2:3") == "[48;2;1;2;3mx[0m");
  CHECK(look("58;5;9;1") == "[1mx[0m");
  CHECK(look("58:2::1:2:3;1") == "[1mx[0m");
  CHECK(look("38;5;256") == "x");
  CHECK(look("38;2;1;2;300") == "x");
  CHECK(look("38;2") == "x");
  CHECK(look("38") == "x");
  CHECK(look("38:2") == "x");
}

TEST_CASE("Lines are shown with as few sequences as possible", "[terminal]") {
  CHECK(shown_line("a\x1B[31mb\x1B[1mc\x1B[32md\x1B[22me\x1B[mf") == "a[31mb[1mc[32md[0;32me[0mf");
  CHECK(shown_line("\x1B[1ma \x1B[31m \x1B[1mb") == "[1ma[0m  [1;31mb[0m");
  CHECK(shown_line("\x1B[31mred   ") == "[31mred[0m");
  CHECK(shown_line("\x1B[7mr  ") == "[7mr  [0m");
  CHECK(shown_line("\x1B[4mr \x1B[24m ") == "[4mr [0m");
}

}  // namespace rexec::terminal
