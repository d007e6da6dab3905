// Lines that left the screen, and what a change of size does to them.
#include <random>

#include "tests/support/catch.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {
namespace {

using test::cursor_of;
using test::screen_of;
using test::scrolled;
using test::shown;

std::string numbered(int lines) {
  std::string text;
  for (int i = 1; i <= lines; ++i) text += (i > 1 ? "\r\n" : "") + std::to_string(i);
  return text;
}

// All that was written as lines, wherever it is now.
std::vector<std::string> everything(const Screen& screen) {
  const TextOptions joined{.colors = false, .join_wrapped = true};
  std::vector<std::string> lines = screen.scrollback(0, screen.scrollback_end(), joined);
  for (const std::string& line : screen.lines(joined)) lines.push_back(line);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

// As one text: where the scrollback ends within a line, the screen begins with its rest.
std::string all_text(const Screen& screen) {
  std::string text;
  for (const std::string& line : everything(screen)) text += line;
  return text;
}

}  // namespace

TEST_CASE("Lines that leave the top are kept", "[terminal]") {
  const Screen screen = screen_of(10, 3, numbered(5));
  CHECK(shown(screen) == "3|4|5");
  CHECK(scrolled(screen) == "1|2");
  CHECK(screen.scrollback_begin() == 0);
  CHECK(screen.scrollback_end() == 2);
  CHECK(screen.scrollback(1, 99) == std::vector<std::string>{"2"});
  CHECK(screen.scrollback(2, 1).empty());
}

TEST_CASE("Only full screens of the primary kind fill the scrollback", "[terminal]") {
  CHECK(scrolled(screen_of(10, 3, numbered(3) + "\x1B[2;3r\x1B[3;1H\n\n")).empty());
  CHECK(scrolled(screen_of(10, 3, numbered(3) + "\x1B[1;2r\x1B[2;1H\n")) == "1");
  CHECK(scrolled(screen_of(10, 3, numbered(3) + "\x1B[2S")) == "1|2");
  CHECK(scrolled(screen_of(10, 3, numbered(3) + "\x1B[H\x1B[M\x1B[2J")).empty());
  CHECK(scrolled(screen_of(10, 3, "\x1B[?1049h" + numbered(9))).empty());
}

TEST_CASE("ED 3 forgets the scrollback and nothing else", "[terminal]") {
  const Screen screen = screen_of(10, 3, numbered(5) + "\x1B[3J");
  CHECK(shown(screen) == "3|4|5");
  CHECK(screen.scrollback_end() == 0);
}

TEST_CASE("The scrollback has at most so many lines", "[terminal]") {
  Screen screen({10, 2}, {.scrollback_lines = 5, .scrollback_bytes = kDefaultScrollbackBytes});
  screen.feed(numbered(20));
  CHECK(scrolled(screen) == "14|15|16|17|18");
  CHECK(screen.scrollback_begin() == 13);
  CHECK(screen.scrollback(0, 14) == std::vector<std::string>{"14"});
}

TEST_CASE("The scrollback has at most so many bytes", "[terminal]") {
  Screen screen({1000, 2}, {.scrollback_lines = 100'000, .scrollback_bytes = 10'000});
  std::string line;
  for (int i = 0; i < 500; ++i) line += "\x1B[3" + std::to_string(i % 7) + "mx\xCC\x81";
  for (int i = 0; i < 100; ++i) screen.feed(line + "\r\n");
  CHECK(screen.scrollback_end() - screen.scrollback_begin() <= 2);
  CHECK(screen.save().size() < 40'000);
  screen.feed("\x1B[m" + numbered(1000));
  CHECK(screen.scrollback_end() - screen.scrollback_begin() > 100);
  Screen none({10, 2}, {.scrollback_lines = 0, .scrollback_bytes = 0});
  none.feed(numbered(10));
  CHECK(scrolled(none).empty());
}

TEST_CASE("Wrapped lines are joined for readers that ask for it", "[terminal]") {
  const Screen screen = screen_of(5, 3, "abcdefgh\r\nij\r\nklmnopq");
  const TextOptions joined{.colors = false, .join_wrapped = true};
  CHECK(screen.lines(joined) == std::vector<std::string>{"ij", "klmnopq"});
  CHECK(screen.scrollback(0, 2, joined) == std::vector<std::string>{"abcdefgh"});
  CHECK(screen.lines() == std::vector<std::string>{"ij", "klmno", "pq"});
  CHECK(screen_of(5, 3, "abcd\xE6\xBC\xA2x").lines(joined)[0] == "abcd\xE6\xBC\xA2x");
  CHECK(screen_of(5, 3, "abcdefg\x1B[1;3H\x1B[K").lines(joined)[0] == "ab");
}

TEST_CASE("Another width wraps lines anew and keeps the cursor in the text", "[terminal]") {
  Screen screen = screen_of(10, 4, "abcdefghijklm\r\nxy");
  screen.resize({5, 4});
  CHECK(shown(screen) == "abcde|fghij|klm|xy");
  CHECK(cursor_of(screen) == "4;3");
  screen.resize({20, 4});
  CHECK(shown(screen) == "abcdefghijklm|xy");
  CHECK(cursor_of(screen) == "2;3");
  screen.feed("z");
  CHECK(shown(screen) == "abcdefghijklm|xyz");
}

TEST_CASE("A pending wrap survives where it still means one", "[terminal]") {
  Screen screen = screen_of(10, 4, "abcdefghij");
  screen.resize({5, 4});
  CHECK(cursor_of(screen) == "2;5");
  screen.feed("X");
  CHECK(shown(screen) == "abcde|fghij|X");
  screen.resize({20, 4});
  CHECK(shown(screen) == "abcdefghijX");
  CHECK(cursor_of(screen) == "1;12");
  Screen wider = screen_of(10, 4, "abcdefghij");
  wider.resize({12, 4});
  CHECK(cursor_of(wider) == "1;11");
  wider.feed("X");
  CHECK(shown(wider) == "abcdefghijX");
}

TEST_CASE("Wide characters are not cut by another width", "[terminal]") {
  Screen screen = screen_of(10, 4,
                            "a\xE6\xBC\xA2\xE5\xAD\x97"
                            "b");
  screen.resize({4, 4});
  CHECK(shown(screen) ==
        "a\xE6\xBC\xA2|\xE5\xAD\x97"
        "b");
  CHECK(cursor_of(screen) == "2;4");
  screen.resize({10, 4});
  CHECK(shown(screen) ==
        "a\xE6\xBC\xA2\xE5\xAD\x97"
        "b");
}

TEST_CASE("A lower screen gives up blank rows first, a higher one takes lines back", "[terminal]") {
  Screen screen = screen_of(10, 6, numbered(4));
  screen.resize({10, 4});
  CHECK(shown(screen) == "1|2|3|4");
  screen.resize({10, 2});
  CHECK(shown(screen) == "3|4");
  CHECK(scrolled(screen) == "1|2");
  CHECK(cursor_of(screen) == "2;2");
  screen.resize({10, 3});
  CHECK(shown(screen) == "2|3|4");
  CHECK(scrolled(screen) == "1");
  screen.resize({10, 9});
  CHECK(shown(screen) == "1|2|3|4");
  CHECK(cursor_of(screen) == "4;2");
}

TEST_CASE("The cursor's row stays on the screen, whatever is below it", "[terminal]") {
  Screen screen = screen_of(10, 6, numbered(6) + "\x1B[2;1H");
  screen.resize({10, 3});
  CHECK(shown(screen) == "2|3|4");
  CHECK(cursor_of(screen) == "1;1");
  Screen top = screen_of(10, 6, numbered(6) + "\x1B[1;1H");
  top.resize({10, 3});
  CHECK(shown(top) == "1|2|3");
}

TEST_CASE("The alternate screen is cut or padded, and the primary one is ready behind it", "[terminal]") {
  Screen screen = screen_of(10, 4, "abcdefghijklm\x1B[?1049h\x1B[Habcdefghij\x1B[4;10HX");
  screen.resize({5, 3});
  CHECK(shown(screen).empty());
  CHECK(cursor_of(screen) == "3;5");
  screen.resize({12, 5});
  screen.feed("\x1B[?1049lX");
  CHECK(shown(screen) == "abcdefghijkl|mX");
}

TEST_CASE("A resize makes the whole screen the scroll region and keeps tabulator stops", "[terminal]") {
  Screen screen = screen_of(20, 5, "\x1B[3g\x1B[5G\x1BH\x1B[2;3r");
  screen.resize({40, 6});
  screen.feed("\x1B[6;1H\tx\ty\n");
  CHECK(shown(screen) == "||||    x                   y");
}

TEST_CASE("Sizes are bounded", "[terminal]") {
  CHECK(Screen({0, -5}).size() == Size{1, 1});
  CHECK(Screen({1'000'000, 1'000'000}).size() == Size{kMaxColumns, kMaxRows});
  Screen screen({80, 24});
  screen.resize({INT_MAX, INT_MIN});
  CHECK(screen.size() == Size{kMaxColumns, 1});
  CHECK(shown(1, 1, "abc") == "c");
}

TEST_CASE("No resize loses text, and the first size gives the same text again", "[terminal]") {
  std::mt19937 random(7);
  const auto pick = [&random](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  for (int round = 0; round < 100; ++round) {
    Screen screen({pick(3, 60), pick(2, 12)});
    std::string written;
    for (int line = pick(1, 30); line > 0; --line) {
      std::string text;
      for (int i = pick(0, 100); i > 0; --i)
        text +=
            pick(0, 9) == 0 ? std::string("\xE6\xBC\xA2") : std::string(1, static_cast<char>(pick('a', 'z')));
      screen.feed(text + (line > 1 ? "\r\n" : ""));
      written += text;
    }
    CHECK(all_text(screen) == written);
    for (int i = 0; i < 5; ++i) {
      screen.resize({pick(2, 100), pick(1, 20)});
      REQUIRE(all_text(screen) == written);
      CHECK(screen.cursor().row <= screen.size().rows);
      CHECK(screen.cursor().column <= screen.size().columns);
    }
    screen.feed("#");
    CHECK(all_text(screen) == written + "#");
  }
}

}  // namespace rexec::terminal
