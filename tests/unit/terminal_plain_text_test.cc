#include "sandbox-client/terminal/plain_text.h"

#include <string>

#include "base/utf8.h"
#include "tests/support/catch.h"

using rexec::terminal::PlainText;

namespace {

std::string plain(std::string_view bytes) {
  PlainText text;
  text.feed(bytes);
  return text.text();
}

}  // namespace

TEST_CASE("what was written is left, without sequences", "[terminal]") {
  CHECK(plain("one\r\ntwo\r\n") == "one\ntwo\n");
  CHECK(plain("\x1b[1;31mred\x1b[0m \x1b]0;title\aplain\x1b(B") == "red plain");
  CHECK(plain("\x1b[?2004h>>> ") == ">>> ");
  CHECK(plain("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST_CASE("what begins elsewhere begins a line", "[terminal]") {
  CHECK(plain("10 %\r20 %\r30 %") == "10 %\n20 %\n30 %");
  CHECK(plain("a\x1b[5;1Hb\x1b[Ac") == "a\nb\nc");
  CHECK(plain("\x1b[H\x1b[2J\x1b[Hx") == "x");
  CHECK(plain("name\x1b[20Gvalue\x1b[3Cend") == "name value end");
  CHECK(plain("prompt\r\x1b[K\r\nnext") == "prompt\nnext");
}

TEST_CASE("a backspace takes back a character of the line", "[terminal]") {
  CHECK(plain("abd\b \bc") == "abc");
  CHECK(plain("\xc3\xa9\bx\b\b\by") == "y");
  CHECK(plain("a\n\bb") == "a\nb");
}

TEST_CASE("the text is the same however the bytes are cut", "[terminal]") {
  const std::string bytes = "a\x1b[31mb\r\nc\xe2\x82\xac\rd\x1b[2;2He\b\xf0\x9f\x98\x80\x1b]2;t\x1b\\f";
  const std::string whole = plain(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    PlainText text;
    text.feed(std::string_view(bytes).substr(0, cut));
    text.feed(std::string_view(bytes).substr(cut));
    CHECK(text.text() == whole);
  }
}

TEST_CASE("feeding tells how much is as it was", "[terminal]") {
  PlainText text;
  CHECK(text.feed("abc") == 0);
  CHECK(text.feed("def") == 3);
  CHECK(text.feed("\b\bxyz") == 4);
  CHECK(text.feed("\x1b[31m") == 7);
  CHECK(text.text() == "abcdxyz");
}

TEST_CASE("of much text the end is kept", "[terminal]") {
  PlainText text;
  std::size_t fed = 0;
  for (int i = 0; i < 20'000; ++i) {
    text.feed("\xe2\x82\xac line " + std::to_string(i) + "\r\n");
    fed += 10 + std::to_string(i).size();
    CHECK(text.text().size() <= 2 * PlainText::kKeptBytes + 32);
  }
  CHECK(text.text().size() >= PlainText::kKeptBytes);
  CHECK(text.text().size() + text.dropped() == fed);
  CHECK(rexec::is_valid_utf8(text.text()));
  CHECK(text.text().ends_with("\xe2\x82\xac line 19999\n"));
}
