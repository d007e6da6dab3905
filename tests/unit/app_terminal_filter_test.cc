#include "app/terminal_filter.h"

#include "base/utf8.h"
#include "tests/support/catch.h"

using rexec::app::filter_for_terminal;

TEST_CASE("text, line ends, tabs and colours reach the terminal", "[app]") {
  CHECK(filter_for_terminal("caf\u00e9\tx\r\n\u65e5\u672c") == "caf\u00e9\tx\r\n\u65e5\u672c");
  CHECK(filter_for_terminal("\x1b[1;31mred\x1b[0m") == "\x1b[1;31mred\x1b[0m");
  CHECK(filter_for_terminal("\x1b[38:2:1:2:3mx") == "\x1b[38:2:1:2:3mx");
  CHECK(filter_for_terminal("\x1b[2K\x1b[3A\x1b[10;5H") == "\x1b[2K\x1b[3A\x1b[10;5H");
}

TEST_CASE("the clipboard, the title and other command strings do not", "[app]") {
  CHECK(filter_for_terminal("a\x1b]52;c;aGk=\x07z") == "az");
  CHECK(filter_for_terminal("a\x1b]52;c;aGk=\x1b\\z") == "az");
  CHECK(filter_for_terminal("a\x1b]0;title\x07z") == "az");
  CHECK(filter_for_terminal("a\x1bP+q544e\x1b\\z") == "az");
  CHECK(filter_for_terminal("a\x1b_apc\x1b\\z") == "az");
  CHECK(filter_for_terminal("a\x1b^pm\x1b\\z") == "az");
  CHECK(filter_for_terminal("a\x1bXsos\x1b\\z") == "az");
}

TEST_CASE("what makes a terminal answer does not", "[app]") {
  CHECK(filter_for_terminal("a\x1b[cz") == "az");        // primary device attributes
  CHECK(filter_for_terminal("a\x1b[>cz") == "az");       // secondary
  CHECK(filter_for_terminal("a\x1b[6nz") == "az");       // cursor position
  CHECK(filter_for_terminal("a\x1b[21tz") == "az");      // title report
  CHECK(filter_for_terminal("a\x1b[?2004$pz") == "az");  // mode report
  CHECK(filter_for_terminal("a\x1bZz") == "az");         // DECID
  CHECK(filter_for_terminal("a\x05z") == "az");          // ENQ
}

TEST_CASE("modes and key maps that outlive the program do not", "[app]") {
  CHECK(filter_for_terminal("a\x1b[?1000hz") == "az");
  CHECK(filter_for_terminal("a\x1b[>4;2mz") == "az");
  CHECK(filter_for_terminal("a\x1b(0z") == "az");
  CHECK(filter_for_terminal("a\x1b"
                            "cz") == "az");
  CHECK(filter_for_terminal("a\x0ez\x0f") == "az");
}

TEST_CASE("8-bit forms of control characters are treated like their 7-bit forms", "[app]") {
  CHECK(filter_for_terminal("a\u009d52;c;aGk=\u009cz") == "az");
  CHECK(filter_for_terminal("a\u009b6nz") == "az");
  CHECK(filter_for_terminal("a\u009b31mz") == "a\x1b[31mz");
  CHECK(filter_for_terminal("a\u0085z") == "az");
  CHECK(filter_for_terminal("\u00a0\u00bf") == "\u00a0\u00bf");
}

TEST_CASE("a sequence that is cut off, broken or interrupted leaks nothing", "[app]") {
  CHECK(filter_for_terminal("a\x1b").size() == 1);
  CHECK(filter_for_terminal("a\x1b[").size() == 1);
  CHECK(filter_for_terminal("a\x1b[31").size() == 1);
  CHECK(filter_for_terminal("a\x1b]52;c;aGk=") == "a");
  CHECK(filter_for_terminal("a\x1b\x1b]0;t\x07z") == "az");
  CHECK(filter_for_terminal("a\x1b]0;t\x1b]52;c;x\x07z") == "az");
  CHECK(filter_for_terminal("a\x1b]0;t\x1b[31mz") == "a\x1b[31mz");
  CHECK(filter_for_terminal("a\x1b[3\x1b[6nz") == "az");
}

TEST_CASE("a sequence before a character of several bytes leaves it whole", "[app]") {
  CHECK(filter_for_terminal("\x1b\u00e9") == "\u00e9");
  CHECK(rexec::is_valid_utf8(filter_for_terminal("\x1b[1\u65e5\x1b]\u672c\x07\u00e9")));
}
