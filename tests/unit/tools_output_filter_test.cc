#include "tools/support/output_filter.h"

#include "base/utf8.h"
#include "tests/support/catch.h"

using namespace std::string_literals;
using rexec::tools::kMaxSequence;
using rexec::tools::OutputText;

namespace {

std::string filtered(std::string_view bytes, bool raw = false) {
  OutputText text(raw);
  text.append(bytes, OutputText::kUnlimited, true);
  CHECK(text.chars() == rexec::utf8_length(text.text()));
  return text.take();
}

}  // namespace

TEST_CASE("the output filter leaves ordinary text alone", "[tools]") {
  CHECK(filtered("one\ttwo\n\nünï ☃ 𝄞\n") == "one\ttwo\n\nünï ☃ 𝄞\n");
  CHECK(filtered("") == "");
  CHECK(filtered("a\0b"s) == "a\0b"s);
}

TEST_CASE("the output filter removes what steers a terminal", "[tools]") {
  CHECK(filtered("\x1b[1;31mred\x1b[0m") == "red");
  CHECK(filtered("\x1b[?25l\x1b[2J\x1b[38:2::1:2:3mx\x1b[ q") == "x");
  CHECK(filtered("\x1b]0;title\acd\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\") == "cdlink");
  CHECK(filtered("\x1bP1$r0m\x1b\\a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d") == "abcd");
  CHECK(filtered("\x1b(B\x1b)0\x1b=\x1b>\x1b"
                 "7\x1b"
                 "8\x1b#8x") == "x");
  CHECK(filtered("ding\a\x0e\x0f") == "ding");
  CHECK(filtered("a\xc2\x9b"
                 "b") == "ab");
}

TEST_CASE("a sequence that is never closed swallows no more than its line", "[tools]") {
  CHECK(filtered("\x1b]0;title\nnext\n") == "\nnext\n");
  CHECK(filtered("\x1b[12\nnext") == "\nnext");
  CHECK(filtered("\x1b") == "");
  CHECK(filtered("x\x1bP" + std::string(kMaxSequence, 'y')) == "x" + std::string(kMaxSequence, 'y'));
}

TEST_CASE("a carriage return starts the line again", "[tools]") {
  CHECK(filtered("one\r\ntwo\r\n") == "one\ntwo\n");
  CHECK(filtered("one\r\r\ntwo") == "one\ntwo");
  CHECK(filtered("first\n 10%\r 50%\r100%\ndone\n") == "first\n100%\ndone\n");
  CHECK(filtered(" 10%\r 50%\r") == " 50%");
  CHECK(filtered("\x1b[2K\rx\r\x1b[K") == "x");
}

TEST_CASE("a backspace takes one character back, inside its line", "[tools]") {
  CHECK(filtered("ab\bc") == "ac");
  CHECK(filtered("aü\bc") == "ac");
  CHECK(filtered("a\n\b\bc") == "a\nc");
}

TEST_CASE("raw text keeps control sequences and repairs UTF-8", "[tools]") {
  CHECK(filtered("\x1b[1mx\r\b\a\xff", true) == "\x1b[1mx\r\b\a\xEF\xBF\xBD");
}

TEST_CASE("invalid UTF-8 becomes U+FFFD as to_valid_utf8 has it", "[tools]") {
  for (const std::string& bytes : {"a\xff\x00"
                                   "b\xc0\xaf\n"s,
                                   "\xf0\x9f\x41"s, "\xe2\x82"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s,
                                   "\x80\x80"s, "\xf0\x9f\x98"s, "\xc3\xc3\xa9"s}) {
    CHECK(filtered(bytes) == rexec::to_valid_utf8(bytes));
    CHECK(filtered(bytes, true) == rexec::to_valid_utf8(bytes));
  }
}

TEST_CASE("text is taken up to a number of characters, not bytes", "[tools]") {
  OutputText text(false);
  CHECK(text.append("äöü\x1b[0m!", 3, true) == 6 + 4);
  CHECK(text.text() == "äöü");
  OutputText none(false);
  CHECK(none.append("x", 0, true) == 0);
}

TEST_CASE("what is not complete yet is left for the next piece", "[tools]") {
  const std::string whole = "a\xe2\x98\x83\x1b[1;31mb\x1b]0;t\x1b\\\xf0\x9d\x84\x9e";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    OutputText text(false);
    const std::size_t first = text.append(whole.substr(0, cut), OutputText::kUnlimited, false);
    REQUIRE(first <= cut);
    text.append(whole.substr(first), OutputText::kUnlimited, true);
    CHECK(text.text() == "a☃b𝄞");
  }
}

TEST_CASE("text can be cut back to its last line end", "[tools]") {
  OutputText text(false);
  text.append("one\ntwo\nthr", OutputText::kUnlimited, true);
  CHECK(text.line_end().taken == 8);
  text.cut_to_line_end();
  CHECK(text.text() == "one\ntwo\n");
  CHECK(text.chars() == 8);
}
