// What a painter writes shows the screen on another one, and leaves that as it was.
#include "sandbox-client/terminal/painter.h"

#include <chrono>
#include <utility>

#include "sandbox-client/terminal/row.h"
#include "sandbox-client/terminal/sgr.h"
#include "tests/support/catch.h"
#include "tests/support/terminal_noise.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {
namespace {

using test::shown;

/// The modes that a painter sets, of those that a screen has.
Modes painted_modes(const Modes& modes) {
  Modes kept;
  kept.alternate_screen = true;
  kept.autowrap = false;
  kept.application_cursor_keys = modes.application_cursor_keys;
  kept.application_keypad = modes.application_keypad;
  kept.bracketed_paste = modes.bracketed_paste;
  kept.focus_events = modes.focus_events;
  kept.reverse_video = modes.reverse_video;
  kept.cursor_visible = modes.cursor_visible;
  kept.cursor_style = modes.cursor_style;
  kept.mouse = modes.mouse == MouseMode::highlight ? MouseMode::normal : modes.mouse;
  kept.mouse_encoding = modes.mouse_encoding;
  return kept;
}

/// Every cell of a row, with its style where that changes.
std::string cells_of(const Row& row) {
  std::string text;
  Style style;
  for (int column = 0; column < row.columns(); ++column) {
    const Cell& cell = row.at(column);
    append_sgr(text, std::exchange(style, cell.style), cell.style);
    row.append_text(cell, text);
  }
  return text;
}

void check_same(const Screen& person, const Screen& screen) {
  for (int row = 0; row < screen.size().rows; ++row)
    CHECK(cells_of(person.row(row)) == cells_of(screen.row(row)));
  CHECK(person.cursor() == screen.cursor());
  CHECK(person.modes() == painted_modes(screen.modes()));
}

constexpr std::string_view kEveryMode =
    "\x1B[?1h\x1B=\x1B[?2004h\x1B[?1004h\x1B[?1003h\x1B[?1006h\x1B[?5h\x1B[?25l\x1B[4 q";

}  // namespace

TEST_CASE("A painted screen is the same, whatever was shown before", "[terminal]") {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    Screen screen({21, 7});
    Screen person({21, 7});
    Painter painter({21, 7});
    person.feed(painter.begin());
    for (int step = 0; step < 10; ++step) {
      screen.feed(test::terminal_noise(random, 40));
      person.feed(painter.paint(screen));
      INFO("round " << round << ", step " << step);
      check_same(person, screen);
      REQUIRE(painter.paint(screen).empty());
    }
    REQUIRE(person.take_replies().empty());
    REQUIRE(person.title().empty());
  }
}

TEST_CASE("Only what changed is painted", "[terminal]") {
  Screen screen({80, 24});
  Painter painter({80, 24});
  painter.begin();
  for (int line = 0; line < 24; ++line) screen.feed("a line that fills a good part of the screen\r\n");
  CHECK(painter.paint(screen).size() > 900);
  screen.feed("x");
  CHECK(painter.paint(screen) == "\x1B[?2026h\x1B[24;1Hx\x1B[K\x1B[24;2H\x1B[?2026l");
  screen.feed("\x1B[H");
  CHECK(painter.paint(screen) == "\x1B[?2026h\x1B[1;1H\x1B[?2026l");
  CHECK(painter.paint(screen).empty());
}

TEST_CASE("Everything is undone at the end", "[terminal]") {
  Screen person({20, 4});
  person.feed("before\r\n$ ");
  const std::string before = person.save();
  const Modes modes = person.modes();
  Painter painter({20, 4});
  person.feed(painter.begin());
  person.feed(painter.paint(test::screen_of(20, 4, "\x1B[31mred" + std::string(kEveryMode))));
  CHECK(person.modes().mouse == MouseMode::any);
  CHECK_FALSE(person.modes().cursor_visible);
  person.feed(painter.end());
  CHECK(person.modes() == modes);
  CHECK(shown(person) == "before|$");
  CHECK(test::cursor_of(person) == "2;3");
  person.feed("x");
  CHECK(shown(person, true) == "before|$ x");
}

TEST_CASE("Keyboard and mouse are left alone when that is asked for", "[terminal]") {
  Screen person({20, 4});
  Painter painter({20, 4}, {.input_modes = false});
  person.feed(painter.begin());
  person.feed(painter.paint(test::screen_of(20, 4, kEveryMode)));
  Modes expected;
  expected.alternate_screen = true;
  expected.autowrap = false;
  expected.reverse_video = true;
  expected.cursor_visible = false;
  expected.cursor_style = 4;
  CHECK(person.modes() == expected);
}

TEST_CASE("Nothing that a program says to a terminal reaches the person's", "[terminal]") {
  const std::string hostile =
      "\x1B]52;c;aGk=\x07\x1B]2;title\x07\x1B]0;title\x1B\\\x1B[c\x1B[6n\x1B[>q\x1BP$qm\x1B\\\x1B[21t\x1B[?"
      "1001h"
      "\x1B]8;;http://example.org\x07link\x1B]8;;\x07\x1B^secret\x1B\\\x1B_G\x1B\\";
  Painter painter({40, 4});
  std::string painted = painter.begin();
  painted += painter.paint(test::screen_of(40, 4, hostile));
  painted += painter.end();
  for (std::size_t at = painted.find('\x1B'); at != painted.npos; at = painted.find('\x1B', at + 1))
    CHECK(std::string_view("[(=>").find(painted[at + 1]) != std::string_view::npos);
  for (const char final : {'c', 'n', 't'}) {
    Screen person({40, 4});
    person.feed(painted);
    CHECK(person.take_replies().empty());
    CHECK(painted.find(std::string("\x1B[") + final) == painted.npos);
  }
  CHECK(painted.find("1001") == painted.npos);
  CHECK(painted.find("link") != painted.npos);
}

TEST_CASE("A larger screen is cropped around its cursor", "[terminal]") {
  Screen screen = test::screen_of(10, 4, "1234567890\r\nbb\r\ncc\r\ndd");
  Screen person({4, 2});
  Painter painter({4, 2});
  person.feed(painter.begin());
  person.feed(painter.paint(screen));
  CHECK(shown(person) == "cc|dd");
  CHECK(test::cursor_of(person) == "2;3");
  screen.feed("\x1B[3;1H");
  CHECK(painter.paint(screen) == "\x1B[?2026h\x1B[1;1H\x1B[?2026l");
  screen.feed("\x1B[1;10H");
  person.feed(painter.paint(screen));
  CHECK(shown(person) == "7890");
  CHECK(test::cursor_of(person) == "1;4");
}

TEST_CASE("A wide character that an edge cuts is not shown", "[terminal]") {
  Screen screen = test::screen_of(6, 1, "a\xE6\xBC\xA2z\xE6\xBC\xA2");
  Screen person({2, 1});
  Painter painter({2, 1});
  screen.feed("\x1B[1;2H");
  person.feed(painter.begin());
  person.feed(painter.paint(screen));
  CHECK(shown(person) == "a");
  screen.feed("\x1B[1;4H");
  person.feed(painter.paint(screen));
  CHECK(shown(person) == " z");
}

TEST_CASE("A smaller screen has nothing around it, also after a resize", "[terminal]") {
  Screen screen = test::screen_of(4, 2, "aaaa\r\nbb");
  Screen person({8, 3});
  Painter painter({8, 3});
  person.feed(painter.begin());
  person.feed(painter.paint(screen));
  CHECK(shown(person) == "aaaa|bb");
  person.feed("\x1B[Hgarbage");
  person.resize({6, 4});
  painter.resize({6, 4});
  person.feed(painter.paint(screen));
  CHECK(shown(person) == "aaaa|bb");
  CHECK(test::cursor_of(person) == "2;3");
}

TEST_CASE("Sizes are brought within bounds", "[terminal]") {
  Painter none({0, -3});
  CHECK_FALSE(none.paint(test::screen_of(3, 3, "abc")).empty());
  Painter huge({1 << 30, 1 << 30});
  CHECK(huge.paint(test::screen_of(3, 3, "abc")).size() < 100);
}

TEST_CASE("A whole screen is painted fast", "[terminal]") {
  Screen screen({120, 30});
  for (int i = 0; i < 30 * 30; ++i) screen.feed("\x1B[3" + std::to_string(i % 8) + "mtext");
  constexpr int kRounds = 200;
  const auto begin = std::chrono::steady_clock::now();
  std::size_t bytes = 0;
  for (int i = 0; i < kRounds; ++i) bytes += Painter({120, 30}).paint(screen).size();
  const auto each = (std::chrono::steady_clock::now() - begin) / kRounds;
  CHECK(bytes > 0);
  // A hundredth of that when optimised: what is meant is that no part of it grows with the square.
  CHECK(each < std::chrono::milliseconds(20));
  INFO("nanoseconds: " << each.count());
}

}  // namespace rexec::terminal
