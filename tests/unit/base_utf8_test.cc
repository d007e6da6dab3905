#include "base/utf8.h"

#include <cstdint>
#include <string>

#include "tests/support/catch.h"

namespace rexec {
namespace {

constexpr std::string_view kMark = "\xEF\xBF\xBD";

// RFC 3629 written out as a list of encodings: what the decoder is compared with.
std::string encoded(std::uint32_t code) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F))};
  if (code < 0x10000)
    return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
  return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)), byte(0x80 | (code >> 6 & 0x3F)),
          byte(0x80 | (code & 0x3F))};
}

TEST_CASE("exactly the encodings of the scalar values are valid", "[base][utf8]") {
  bool all = true;
  for (std::uint32_t code = 0; code <= 0x13FFFF; ++code) {
    const bool scalar = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    all = all && is_valid_utf8(encoded(code)) == scalar;
  }
  CHECK(all);
  CHECK(is_valid_utf8(""));
  for (const char* overlong : {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF"}) {
    CHECK_FALSE(is_valid_utf8(overlong));
  }
}

TEST_CASE("an ill-formed byte is found at every offset of a long text", "[base][utf8]") {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'a');
    CHECK(is_valid_utf8(text));
    text[at] = '\x80';
    CHECK_FALSE(is_valid_utf8(text));
    CHECK(to_valid_utf8(text) == std::string(at, 'a') + std::string(kMark) + std::string(39 - at, 'a'));
  }
}

TEST_CASE("each maximal ill-formed part becomes one replacement character", "[base][utf8]") {
  const std::string mark(kMark);
  // The examples of Unicode 15, tables 3-8 to 3-11.
  CHECK(to_valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") ==
        mark + mark + mark + mark + mark + mark + mark + mark + "A");
  CHECK(to_valid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") ==
        mark + mark + mark + mark + mark + mark + mark + mark + "A");
  CHECK(to_valid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") ==
        mark + mark + mark + mark + mark + "A" + mark + mark + "B");
  CHECK(to_valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == mark + mark + mark + mark + "A");
  CHECK(to_valid_utf8("caf\xC3") == "caf" + mark);
  CHECK(to_valid_utf8("h\u00e9llo w\u00f6rld \u20ac \U0001F600") ==
        "h\u00e9llo w\u00f6rld \u20ac \U0001F600");
  CHECK(to_valid_utf8("") == "");
}

TEST_CASE("what is repaired is valid and has the length that was counted", "[base][utf8]") {
  std::uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 24; ++i) {
      state = state * 1664525U + 1013904223U;
      constexpr unsigned char kBytes[] = {'a',  'b',  0x80, 0xBF, 0xA0, 0x9F, 0x90,
                                          0xC3, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xFF};
      bytes.push_back(static_cast<char>(kBytes[(state >> 16) % sizeof kBytes]));
    }
    const std::string repaired = to_valid_utf8(bytes);
    REQUIRE(is_valid_utf8(repaired));
    REQUIRE(utf8_length(bytes) == utf8_length(repaired));
    REQUIRE((is_valid_utf8(bytes) == (repaired == bytes)));
  }
}

TEST_CASE("utf8_length counts characters", "[base][utf8]") {
  CHECK(utf8_length("") == 0);
  CHECK(utf8_length("abcdefghijk") == 11);
  CHECK(utf8_length("abcdefgh\u00e9\u20ac\U0001F600") == 11);
  CHECK(utf8_length("\xE2\x82") == 1);
  CHECK(utf8_length("\xFF\xFF") == 2);
}

TEST_CASE("prefixes and suffixes end at character boundaries", "[base][utf8]") {
  const std::string text = "ab\u00e9\u20ac\U0001F600z";
  CHECK(utf8_prefix(text, 0) == "");
  CHECK(utf8_prefix(text, 3) == "ab\u00e9");
  CHECK(utf8_prefix(text, 5) == "ab\u00e9\u20ac\U0001F600");
  CHECK(utf8_prefix(text, 6) == text);
  CHECK(utf8_prefix(text, 1000) == text);
  CHECK(utf8_suffix(text, 0) == "");
  CHECK(utf8_suffix(text, 2) == "\U0001F600z");
  CHECK(utf8_suffix(text, 4) == "\u00e9\u20ac\U0001F600z");
  CHECK(utf8_suffix(text, 6) == text);
  CHECK(utf8_suffix(text, 1000) == text);
}

TEST_CASE("a prefix and the suffix of the rest make up the text", "[base][utf8]") {
  std::string text;
  for (int i = 0; i < 40; ++i) text.append(i % 11 == 10 ? "\U0001F600" : i % 7 == 6 ? "\u20ac" : "a");
  for (std::size_t chars = 0; chars <= 40; ++chars) {
    const std::string_view head = utf8_prefix(text, chars);
    const std::string_view tail = utf8_suffix(text, 40 - chars);
    CHECK(utf8_length(head) == chars);
    CHECK(std::string(head).append(tail) == text);
  }
}

TEST_CASE("a sequence that the end of the input cuts is held back", "[base][utf8]") {
  CHECK(utf8_incomplete_tail("") == 0);
  CHECK(utf8_incomplete_tail("abc") == 0);
  CHECK(utf8_incomplete_tail("\u20ac") == 0);
  CHECK(utf8_incomplete_tail("a\xC3") == 1);
  CHECK(utf8_incomplete_tail("a\xE2\x82") == 2);
  CHECK(utf8_incomplete_tail("a\xF0\x9F\x98") == 3);
  CHECK(utf8_incomplete_tail("\xF0\x9F") == 2);
  CHECK(utf8_incomplete_tail("\xE2\xE2") == 1);
  // Nothing can complete these.
  CHECK(utf8_incomplete_tail("a\xE0\x80") == 0);
  CHECK(utf8_incomplete_tail("a\xED\xA0") == 0);
  CHECK(utf8_incomplete_tail("a\x80\x80") == 0);
  CHECK(utf8_incomplete_tail("a\xFF") == 0);
}

TEST_CASE("a text that is cut anywhere is whole again when tails are held back", "[base][utf8]") {
  const std::string text = "a\u00e9\u20ac\U0001F600z";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view head = std::string_view(text).substr(0, cut);
    const std::size_t kept = head.size() - utf8_incomplete_tail(head);
    CHECK(is_valid_utf8(head.substr(0, kept)));
    CHECK(is_valid_utf8(std::string_view(text).substr(kept)));
    const std::string_view rest = std::string_view(text).substr(cut);
    CHECK(is_valid_utf8(rest.substr(utf8_continuation_head(rest))));
  }
}

TEST_CASE("at most three continuation bytes belong to a character that began before", "[base][utf8]") {
  CHECK(utf8_continuation_head("") == 0);
  CHECK(utf8_continuation_head("a\x80") == 0);
  CHECK(utf8_continuation_head("\x82\xAC"
                               "a") == 2);
  CHECK(utf8_continuation_head("\x80\x80\x80\x80") == 3);
}

}  // namespace
}  // namespace rexec
