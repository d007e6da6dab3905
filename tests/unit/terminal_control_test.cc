// Control sequences: moving, erasing, scrolling, modes, saved state.
#include "tests/support/catch.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {

using test::cursor_of;
using test::screen_of;
using test::scrolled;
using test::shown;

namespace {

constexpr std::string_view kFour = "a\r\nb\r\nc\r\nd";

std::string cursor_after(std::string_view bytes) {
  return cursor_of(screen_of(20, 10, bytes));
}

std::string four(std::string_view bytes) {
  return shown(6, 4, std::string(kFour) + std::string(bytes));
}

}  // namespace

TEST_CASE("The cursor moves as it is told and stays on the screen", "[terminal]") {
  CHECK(cursor_after("\x1B[5;7H") == "5;7");
  CHECK(cursor_after("\x1B[5;7f\x1B[2A\x1B[3C\x1B[B\x1B[4D") == "4;6");
  CHECK(cursor_after("\x1B[99;99H") == "10;20");
  CHECK(cursor_after("\x1B[0;0H") == "1;1");
  CHECK(cursor_after("\x1B[5;7H\x1B[2E") == "7;1");
  CHECK(cursor_after("\x1B[5;7H\x1B[2F") == "3;1");
  CHECK(cursor_after("\x1B[5;7H\x1B[3G") == "5;3");
  CHECK(cursor_after("\x1B[5;7H\x1B[3`\x1B[2a") == "5;5");
  CHECK(cursor_after("\x1B[5;7H\x1B[3d\x1B[2e") == "5;7");
  CHECK(cursor_after("\x1B[5;7H\x1B[65535A\x1B[65535D") == "1;1");
  CHECK(cursor_after("\x1B[5;7H\x1B[2:3H") == "5;7");
}

TEST_CASE("Tabulator stops are set, cleared and found", "[terminal]") {
  CHECK(cursor_after("\t") == "1;9");
  CHECK(cursor_after("\t\t\t\t") == "1;20");
  CHECK(cursor_after("\x1B[2I\x1B[Z") == "1;9");
  CHECK(cursor_after("\x1B[5G\x1BH\r\t") == "1;5");
  CHECK(cursor_after("\x1B[9G\x1B[g\r\t") == "1;17");
  CHECK(cursor_after("\x1B[3g\t") == "1;20");
  CHECK(cursor_after("\x1B[20G\x1B[3g\x1B[99Z") == "1;1");
}

TEST_CASE("Parts of the screen are erased", "[terminal]") {
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[K") == "ab");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[1K") == "   def");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[2K") == "");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[2X") == "ab  ef");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[99X") == "ab");
  CHECK(four("\x1B[2;1H\x1B[J") == "a");
  CHECK(four("\x1B[2;1H\x1B[1J") == "||c|d");
  CHECK(four("\x1B[2;1H\x1B[2J") == "");
  CHECK(four("\x1B[2;1H\x1B[?J") == "a");
  CHECK(four("\x1B[2;1H\x1B[?K") == "a||c|d");
}

TEST_CASE("Erased cells have the background colour", "[terminal]") {
  CHECK(shown(screen_of(4, 1, "\x1B[41mab\x1B[1G\x1B[K\x1B[m"), true) == "\x1B[41m    \x1B[0m");
  CHECK(shown(screen_of(4, 2, "\x1B[1;41m\n\n\x1B[m"), true) == "|\x1B[41m    \x1B[0m");
}

TEST_CASE("Lines and characters are inserted and deleted", "[terminal]") {
  CHECK(four("\x1B[2;1H\x1B[L") == "a||b|c");
  CHECK(four("\x1B[2;1H\x1B[M") == "a|c|d");
  CHECK(four("\x1B[2;1H\x1B[99L") == "a");
  CHECK(four("\x1B[2;1H\x1B[99M") == "a");
  CHECK(cursor_after("\x1B[5;5H\x1B[L") == "5;1");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[2@") == "ab  cd");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[2P") == "abef");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[99@") == "ab");
  CHECK(shown(6, 2, "abcdef\x1B[3G\x1B[99P") == "ab");
}

TEST_CASE("Scrolling stays within the region", "[terminal]") {
  CHECK(four("\x1B[2;3r\x1B[3;1H\n") == "a|c||d");
  CHECK(four("\x1B[2;3r\x1B[2;1H\x1BM") == "a||b|d");
  CHECK(four("\x1B[2;3r\x1B[S") == "a|c||d");
  CHECK(four("\x1B[2;3r\x1B[T") == "a||b|d");
  CHECK(four("\x1B[2;3r\x1B[4;1H\n\nx") == "a|b|c|x");
  CHECK(four("\x1B[2;3r\x1B[1;1H\x1BMx") == "x|b|c|d");
  CHECK(four("\x1B[2;3r\x1B[4;1H\x1B[L") == "a|b|c|d");
  CHECK(four("\x1B[2;3r\x1B[2;1H\x1B[L") == "a||b|d");
  CHECK(four("\x1B[2;3r\x1B[2;1H\x1B[M") == "a|c||d");
  CHECK(four("\x1B[3;3rx") == "a|b|c|dx");
  CHECK(four("\x1B[1;2;3;4;5T") == "a|b|c|d");
  CHECK(cursor_after("\x1B[5;5H\x1B[2;4r") == "1;1");
}

TEST_CASE("Cursor movement stops at margins that it comes from within", "[terminal]") {
  CHECK(cursor_after("\x1B[3;6r\x1B[4;1H\x1B[99A") == "3;1");
  CHECK(cursor_after("\x1B[3;6r\x1B[4;1H\x1B[99B") == "6;1");
  CHECK(cursor_after("\x1B[3;6r\x1B[2;1H\x1B[99A") == "1;1");
  CHECK(cursor_after("\x1B[3;6r\x1B[8;1H\x1B[99B") == "10;1");
}

TEST_CASE("In origin mode rows count from the region's top", "[terminal]") {
  CHECK(cursor_after("\x1B[3;6r\x1B[?6h") == "3;1");
  CHECK(cursor_after("\x1B[3;6r\x1B[?6h\x1B[2;4H") == "4;4");
  CHECK(cursor_after("\x1B[3;6r\x1B[?6h\x1B[99d") == "6;1");
  CHECK(cursor_after("\x1B[3;6r\x1B[?6h\x1B[?6l") == "1;1");
  CHECK(cursor_after("\x1B[?6h\x1B[3;6r") == "3;1");
}

TEST_CASE("Index, next line and new-line mode", "[terminal]") {
  CHECK(cursor_after("abc\x1B"
                     "D") == "2;4");
  CHECK(cursor_after("abc\x1B"
                     "E") == "2;1");
  CHECK(cursor_after("abc\v\f\n") == "4;4");
  CHECK(cursor_after("\x1B[20habc\n") == "2;1");
  CHECK(cursor_after("\x1B[20h\x1B[20labc\n") == "2;4");
}

TEST_CASE("The cursor is saved with its looks", "[terminal]") {
  CHECK(cursor_after("\x1B[5;7H\x1B"
                     "7\x1B[H\x1B"
                     "8") == "5;7");
  CHECK(cursor_after("\x1B[5;7H\x1B[s\x1B[H\x1B[u") == "5;7");
  CHECK(cursor_after("\x1B[5;7H\x1B[?1048h\x1B[H\x1B[?1048l") == "5;7");
  CHECK(cursor_after("\x1B[5;7H\x1B"
                     "8") == "1;1");
  CHECK(shown(screen_of(6, 1,
                        "\x1B[1;31m\x1B"
                        "7\x1B[m\x1B"
                        "8x"),
              true) == "\x1B[1;31mx\x1B[0m");
  CHECK(shown(6, 1,
              "\x1B(0\x1B"
              "7\x1B(B\x1B"
              "8q") == "\xE2\x94\x80");
  CHECK(cursor_after("\x1B[3;6r\x1B[?6h\x1B"
                     "7\x1B[?6l\x1B"
                     "8\x1B[1;1H") == "3;1");
}

TEST_CASE("The alternate screen does not touch the primary one", "[terminal]") {
  Screen screen = screen_of(6, 3, "ab\x1B[?1049h\x1B[Hxyz");
  CHECK(screen.modes().alternate_screen);
  CHECK(shown(screen) == "xyz");
  screen.feed("\n\n\n\n\n");
  CHECK(scrolled(screen).empty());
  screen.feed("\x1B[?1049lc");
  CHECK_FALSE(screen.modes().alternate_screen);
  CHECK(shown(screen) == "abc");
  CHECK(shown(6, 3, "ab\x1B[?1049h\x1B[?1049lc\x1B[?1049l\x1B[?1049hd") == "  d");
}

TEST_CASE("Modes 47 and 1047 share the cursor, and only 47 keeps what was there", "[terminal]") {
  CHECK(shown(6, 3, "ab\x1B[?47hc\x1B[?47l\x1B[?47h") == "  c");
  CHECK(shown(6, 3, "ab\x1B[?1047hc\x1B[?1047l\x1B[?47h") == "");
  CHECK(shown(6, 3, "ab\x1B[?47hc\x1B[?47ld") == "ab d");
}

TEST_CASE("DECALN fills the screen and resets the margins", "[terminal]") {
  CHECK(shown(3, 2, "\x1B[1;2r\x1B#8") == "EEE|EEE");
  CHECK(cursor_after("\x1B[5;7H\x1B#8") == "1;1");
  CHECK(shown(3, 2, "\x1B#8\x1B[1;2H\x1B[K") == "E|EEE");
  CHECK(shown(3, 2, "\x1B#8\x1B[1;2H\xE6\xBC\xA2") == "E\xE6\xBC\xA2|EEE");
}

TEST_CASE("DECCOLM clears the screen if mode 40 allows it", "[terminal]") {
  CHECK(shown(6, 3, "ab\x1B[?3h") == "ab");
  CHECK(shown(6, 3, "ab\x1B[?40h\x1B[?3hc") == "c");
}

TEST_CASE("RIS resets everything but titles and scrollback", "[terminal]") {
  Screen screen = screen_of(6, 2,
                            "\x1B]2;t\aa\r\nb\r\nc\x1B[?1049h\x1B[1;31m\x1B[4h\x1B[?1h\x1B(0\x1B[?25l\x1B"
                            "cq");
  CHECK(shown(screen, true) == "q");
  CHECK(screen.modes() == Modes());
  CHECK(screen.title() == "t");
  CHECK(scrolled(screen) == "a");
}

TEST_CASE("DECSTR resets modes and leaves the text", "[terminal]") {
  Screen screen = screen_of(6, 4, "ab\x1B[2;3r\x1B[4h\x1B[?6h\x1B[?25l\x1B[?1h\x1B=\x1B[?7l\x1B[1m\x1B[!p");
  CHECK(screen.modes() == Modes());
  CHECK(cursor_of(screen) == "2;1");
  CHECK(shown(screen) == "ab");
}

TEST_CASE("Modes that a reader asks about are tracked", "[terminal]") {
  Screen screen({20, 5});
  screen.feed("\x1B[?1;5;25;66;1004;2004;2026h");
  CHECK(screen.modes().application_cursor_keys);
  CHECK(screen.modes().reverse_video);
  CHECK(screen.modes().application_keypad);
  CHECK(screen.modes().focus_events);
  CHECK(screen.modes().bracketed_paste);
  CHECK(screen.modes().synchronized_output);
  screen.feed("\x1B[?1;5;25;66;1004;2004;2026l\x1B[3 q");
  Modes expected;
  expected.cursor_visible = false;
  expected.cursor_style = 3;
  CHECK(screen.modes() == expected);
  screen.feed("\x1B[9 q\x1B=");
  CHECK(screen.modes().cursor_style == 3);
  CHECK(screen.modes().application_keypad);
}

TEST_CASE("Mouse modes exclude one another", "[terminal]") {
  Screen screen({20, 5});
  const std::vector<std::pair<int, MouseMode>> modes = {{9, MouseMode::x10},
                                                        {1000, MouseMode::normal},
                                                        {1001, MouseMode::highlight},
                                                        {1002, MouseMode::button},
                                                        {1003, MouseMode::any}};
  for (const auto& [number, mode] : modes) {
    screen.feed("\x1B[?" + std::to_string(number) + "h");
    CHECK(screen.modes().mouse == mode);
  }
  screen.feed("\x1B[?1000l");
  CHECK(screen.modes().mouse == MouseMode::off);
  screen.feed("\x1B[?1005h\x1B[?1006h");
  CHECK(screen.modes().mouse_encoding == MouseEncoding::sgr);
  screen.feed("\x1B[?1005l");
  CHECK(screen.modes().mouse_encoding == MouseEncoding::sgr);
  screen.feed("\x1B[?1006l\x1B[?1015h");
  CHECK(screen.modes().mouse_encoding == MouseEncoding::urxvt);
}

TEST_CASE("The generation changes when something may have changed, and not otherwise", "[terminal]") {
  Screen screen({20, 5});
  const auto changes = [&screen](std::string_view bytes) {
    const std::uint64_t before = screen.generation();
    screen.feed(bytes);
    return screen.generation() != before;
  };
  for (const char* visible : {"a", "\xC3\xA9", "\n", "\r", "\x1B[H", "\x1B[2J", "\x1B]2;t\a", "\x1B[?25l",
                              "\x1B"
                              "c"})
    CHECK(changes(visible));
  const std::vector<std::string> invisible = {
      "", "\x1B", "[6n", "\x1B[1;31m", "\x07", std::string(1, '\0'), "\x1B]52;c;YQ==\a"};
  for (const std::string& bytes : invisible) CHECK_FALSE(changes(bytes));
}

}  // namespace rexec::terminal
