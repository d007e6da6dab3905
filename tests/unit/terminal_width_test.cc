#include "sandbox-client/terminal/width.h"

#include "tests/support/catch.h"

namespace rexec::terminal {

TEST_CASE("Width of characters", "[terminal]") {
  for (const char32_t c : U"aZ~\u00A0\u00AD\u00E9\u0416\u2500\u20AC\uFFFD\uE000\U0001F1E6") {
    if (c == 0) break;
    CHECK(char_width(c) == 1);
  }
  for (const char32_t c : U"\u1100\u231A\u3000\u3042\u6F22\uAC00\uFF21\U0001F600\U0001F3FB\U00020000\u4DC0") {
    if (c == 0) break;
    CHECK(char_width(c) == 2);
  }
  for (const char32_t c : U"\u0301\u200B\u200D\uFE0F\u20D7\u1160\uD7B0\U000E0100\u202E\uFEFF") {
    if (c == 0) break;
    CHECK(char_width(c) == 0);
  }
  for (const char32_t c : {char32_t{0}, char32_t{0x1F}, char32_t{0x7F}, char32_t{0x9B}, char32_t{0x2028},
                           char32_t{0x2029}, char32_t{0xD800}, char32_t{0x110000}, char32_t{0xFFFFFFFF}})
    CHECK(char_width(c) == -1);
}

TEST_CASE("Tables of widths are sorted and disjoint", "[terminal]") {
  for (const auto& ranges : {wide_ranges(), zero_width_ranges()}) {
    REQUIRE(ranges.size() > 50);
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      CHECK(ranges[i].first <= ranges[i].last);
      if (i > 0) CHECK(ranges[i - 1].last + 1 < ranges[i].first);
    }
  }
}

}  // namespace rexec::terminal
