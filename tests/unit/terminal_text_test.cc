// Characters on the screen: wrapping, wide and combining ones, character sets.
#include "tests/support/catch.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {

using test::cursor_of;
using test::screen_of;
using test::shown;

TEST_CASE("Text wraps when a character comes after the last column, not before", "[terminal]") {
  CHECK(shown(5, 3, "abcdefg") == "abcde|fg");
  CHECK(cursor_of(screen_of(5, 3, "abcde")) == "1;5");
  CHECK(cursor_of(screen_of(5, 3, "abcdef")) == "2;2");
  CHECK(shown(5, 3, "abcde\r\nf") == "abcde|f");
  CHECK(shown(5, 3, "abcde\rf") == "fbcde");
  CHECK(shown(5, 2, "abcdefghijk") == "fghij|k");
}

TEST_CASE("What moves the cursor ends a pending wrap, as in xterm", "[terminal]") {
  CHECK(shown(5, 3, "abcde\bX") == "abcXe");
  CHECK(shown(5, 3, "abcde\x1B[DX") == "abcXe");
  CHECK(shown(5, 3, "abcde\x1B[CX") == "abcdX");
  CHECK(shown(5, 3, "abcde\nX") == "abcde|    X");
  CHECK(shown(5, 3, "abcde\x1B[KX") == "abcdX");
  CHECK(shown(5, 3, "abcde\x1B[XY") == "abcdY");
  CHECK(shown(5, 3, "abcde\x1B[1;5HX") == "abcdX");
  CHECK(shown(5, 3, "abcde\tX") == "abcde|X");
  CHECK(shown(5, 3, "abcde\x1B[1mX") == "abcde|X");
  CHECK(shown(5, 3,
              "abcde\x1B"
              "7\x1B[H\x1B"
              "8X") == "abcde|X");
}

TEST_CASE("Without autowrap the last column is overwritten", "[terminal]") {
  CHECK(shown(5, 3, "\x1B[?7labcdefgh") == "abcdh");
  CHECK(shown(5, 3,
              "\x1B[?7labcd\xE6\xBC\xA2"
              "e") == "abcde");
  CHECK(shown(5, 3, "\x1B[?7labcde\x1B[?7hf") == "abcde|f");
}

TEST_CASE("Wide characters take two columns and never half of one", "[terminal]") {
  CHECK(shown(6, 2, "\xE6\xBC\xA2\xE5\xAD\x97x") == "\xE6\xBC\xA2\xE5\xAD\x97x");
  CHECK(cursor_of(screen_of(6, 2, "\xE6\xBC\xA2\xE5\xAD\x97")) == "1;5");
  CHECK(shown(5, 2, "abcd\xE6\xBC\xA2") == "abcd|\xE6\xBC\xA2");
  CHECK(shown(6, 2,
              "\xE6\xBC\xA2"
              "b\x1B[1;1Hx") == "x b");
  CHECK(shown(6, 2,
              "\xE6\xBC\xA2"
              "b\x1B[1;2Hx") == " xb");
  CHECK(shown(6, 2,
              "\xE6\xBC\xA2"
              "b\x1B[1;2H\x1B[K") == "");
  CHECK(shown(6, 2,
              "\xE6\xBC\xA2"
              "b\x1B[1;2H\x1B[P") == " b");
  CHECK(shown(6, 2,
              "\xE6\xBC\xA2"
              "b\x1B[1;2H\x1B[@") == "   b");
  CHECK(shown(6, 2, "abcd\xE6\xBC\xA2\x1B[1;1H\x1B[@") == " abcd");
  CHECK(shown(6, 2, "a\xE6\xBC\xA2\xE5\xAD\x97\x1B[1;3H\xE5\xAD\x97") == "a \xE5\xAD\x97");
  CHECK(shown(1, 2, "\xE6\xBC\xA2") == "");
}

TEST_CASE("Marks are added to the character before the cursor", "[terminal]") {
  CHECK(shown(6, 2, "e\xCC\x81x") == "e\xCC\x81x");
  CHECK(shown(6, 2, "\xCC\x81x") == "x");
  CHECK(shown(6, 2, "\xE6\xBC\xA2\xCC\x81x") == "\xE6\xBC\xA2\xCC\x81x");
  CHECK(shown(3, 2,
              "abc\xCC\x81"
              "d") == "abc\xCC\x81|d");
  CHECK(shown(6, 2, "ab\x1B[1;2H\xCC\x81") ==
        "a\xCC\x81"
        "b");
  CHECK(shown(6, 2, "\x1B[3G\xCC\x81") == "  \xCC\x81");
}

TEST_CASE("A cluster is bounded, and overwriting it again and again leaves nothing behind", "[terminal]") {
  std::string marks = "e";
  for (int i = 0; i < 100; ++i) marks += "\xCC\x81";
  CHECK(shown(6, 2, marks).size() == kMaxClusterBytes - 1);
  Screen screen({20, 2});
  for (int i = 0; i < 10'000; ++i)
    screen.feed(
        "\re\xCC\x81"
        "a\xCC\x88");
  CHECK(shown(screen) ==
        "e\xCC\x81"
        "a\xCC\x88");
  CHECK(screen.save().size() < 1000);
}

TEST_CASE("A zero-width joiner adds the next character to the one before", "[terminal]") {
  const std::string family = "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7";
  CHECK(shown(6, 2, family + "x") == family + "x");
  CHECK(cursor_of(screen_of(6, 2, family)) == "1;3");
  CHECK(shown(6, 2,
              "a\xE2\x80\x8D"
              "b") == "ab");
  CHECK(shown(6, 2, "a\xE2\x80\x8D\x1B[m\xC3\xA9") == "a\xC3\xA9");
}

TEST_CASE("Characters that are not to be shown leave no trace", "[terminal]") {
  CHECK(shown(6, 2,
              "a\xC2\x9B"
              "b\xE2\x80\xA8"
              "c\x7F"
              "d") == "abcd");
  CHECK(shown(6, 2,
              "a\xFF"
              "b") ==
        "a\xEF\xBF\xBD"
        "b");
}

TEST_CASE("Line drawing by G0, G1, G2 and G3", "[terminal]") {
  CHECK(shown(6, 2, "\x1B(0lqk\x1B(Bq") == "\xE2\x94\x8C\xE2\x94\x80\xE2\x94\x90q");
  CHECK(shown(6, 2, "\x1B)0q\x0Eq\x0Fq") == "q\xE2\x94\x80q");
  CHECK(shown(6, 2, "\x1B*0q\x1BNqq\x1Bnq") == "q\xE2\x94\x80q\xE2\x94\x80");
  CHECK(shown(6, 2, "\x1B+0q\x1BOqq\x1Boq") == "q\xE2\x94\x80q\xE2\x94\x80");
  CHECK(shown(6, 2, "\x1B(A#\x1B(B#") == "\xC2\xA3#");
  CHECK(shown(6, 2, "\x1B(0\xC3\xA9") == "\xC3\xA9");
  CHECK(shown(6, 2, "\x1B(0\x1B(%5q") == "q");
}

TEST_CASE("REP repeats the last character, within a row's length", "[terminal]") {
  CHECK(shown(10, 2, "ab\x1B[3b") == "abbbb");
  CHECK(shown(10, 2, "\x1B[3b") == "");
  CHECK(shown(10, 2, "\xE6\xBC\xA2\x1B[b") == "\xE6\xBC\xA2\xE6\xBC\xA2");
  CHECK(shown(10, 2, "\x1B(0q\x1B(B\x1B[2b") == "\xE2\x94\x80\xE2\x94\x80\xE2\x94\x80");
  CHECK(shown(4, 3, "a\x1B[99999b") == "aaaa|a");
}

TEST_CASE("Insert mode moves what follows to the right", "[terminal]") {
  CHECK(shown(6, 2, "abcdef\x1B[1;2H\x1B[4hXY\x1B[4lZ") == "aXYZcd");
  CHECK(shown(6, 2, "abcdef\x1B[1;2H\x1B[4h\xE6\xBC\xA2") ==
        "a\xE6\xBC\xA2"
        "bcd");
}

}  // namespace rexec::terminal
