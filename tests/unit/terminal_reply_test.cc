// Queries, titles, and strings that must have no effect.
#include "tests/support/catch.h"
#include "tests/support/terminal_screen.h"

namespace rexec::terminal {
namespace {

std::string answer(std::string_view bytes) {
  Screen screen({80, 24});
  screen.feed(bytes);
  return test::replies_of(screen);
}

std::string title(std::string_view bytes) {
  return test::screen_of(80, 24, bytes).title();
}

}  // namespace

TEST_CASE("Queries are answered as xterm does", "[terminal]") {
  CHECK(answer("\x1B[c") == "ESC[?62;22c");
  CHECK(answer("\x1B[0c") == "ESC[?62;22c");
  CHECK(answer("\x1B[>c") == "ESC[>1;390;0c");
  CHECK(answer("\x1B[=c").empty());
  CHECK(answer("\x1B[5n") == "ESC[0n");
  CHECK(answer("\x1B[3;7H\x1B[6n") == "ESC[3;7R");
  CHECK(answer("\x1B[3;7H\x1B[?6n") == "ESC[?3;7R");
  CHECK(answer("\x1B[5;9r\x1B[?6h\x1B[2;1H\x1B[6n") == "ESC[2;1R");
  CHECK(answer("\x1B[?15n\x1B[?25n\x1B[?26n") == "ESC[?13nESC[?21nESC[?27;1;0;0n");
  CHECK(answer("\x1B[>q") == "ESCP>|XTerm(390)ESC\\");
  CHECK(answer("\x1B[14t\x1B[18t\x1B[19t") == "ESC[4;384;640tESC[8;24;80tESC[9;24;80t");
  CHECK(answer("\x1B[11t\x1B[13t\x1B[15t\x1B[16t") == "ESC[1tESC[3;0;0tESC[5;384;640tESC[6;16;8t");
}

TEST_CASE("Modes are reported", "[terminal]") {
  CHECK(answer("\x1B[?7$p") == "ESC[?7;1$y");
  CHECK(answer("\x1B[?7l\x1B[?7$p") == "ESC[?7;2$y");
  CHECK(answer("\x1B[?2026$p") == "ESC[?2026;2$y");
  CHECK(answer("\x1B[?2026h\x1B[?2026$p") == "ESC[?2026;1$y");
  CHECK(answer("\x1B[?1049h\x1B[?1049$p") == "ESC[?1049;1$y");
  CHECK(answer("\x1B[?1002h\x1B[?1002$p\x1B[?1000$p") == "ESC[?1002;1$yESC[?1000;2$y");
  CHECK(answer("\x1B[?1006h\x1B[?1006$p\x1B[?6$p\x1B[?3$p") == "ESC[?1006;1$yESC[?6;2$yESC[?3;2$y");
  CHECK(answer("\x1B[?69$p") == "ESC[?69;0$y");
  CHECK(answer("\x1B[4$p\x1B[20h\x1B[20$p\x1B[12$p") == "ESC[4;2$yESC[20;1$yESC[12;0$y");
}

TEST_CASE("Settings and capabilities are reported", "[terminal]") {
  CHECK(answer("\x1B[1;38;5;208m\x1BP$qm\x1B\\") == "ESCP1$r0;1;38;5;208mESC\\");
  CHECK(answer("\x1B[2;5r\x1BP$qr\x1B\\") == "ESCP1$r2;5rESC\\");
  CHECK(answer("\x1B[4 q\x1BP$q q\x1B\\") == "ESCP1$r4 qESC\\");
  CHECK(answer("\x1BP$q\"p\x1B\\\x1BP$q\"q\x1B\\") == "ESCP1$r62;1\"pESC\\ESCP1$r0\"qESC\\");
  CHECK(answer("\x1BP$qx; rm -rf /\x1B\\") == "ESCP0$rESC\\");
  CHECK(answer("\x1BP+q544e\x1B\\") == "ESCP0+rESC\\");
  CHECK(answer("\x1BPq\x1B\\\x1BP>q\x1B\\\x1BP$x\x1B\\").empty());
}

TEST_CASE("Colours are reported, with the end that the query had", "[terminal]") {
  CHECK(answer("\x1B]10;?\x1B\\") == "ESC]10;rgb:ffff/ffff/ffffESC\\");
  CHECK(answer("\x1B]11;?\a") == "ESC]11;rgb:0000/0000/0000\a");
  CHECK(answer("\x1B]10;?;?\a") == "ESC]10;rgb:ffff/ffff/ffff\aESC]11;rgb:0000/0000/0000\a");
  CHECK(answer("\x1B]4;1;?;208;?\a") == "ESC]4;1;rgb:cdcd/0000/0000\aESC]4;208;rgb:ffff/8787/0000\a");
  CHECK(answer("\x1B]4;255;?\a") == "ESC]4;255;rgb:eeee/eeee/eeee\a");
  CHECK(answer("\x1B]4;256;?;x;?;1\a\x1B]11;red\a\x1B]13;?\a").empty());
}

TEST_CASE("Replies say where their query was, also when it came in pieces", "[terminal]") {
  Screen screen({80, 24});
  screen.feed("abc\x1B[");
  screen.feed("6n\x1B]10;?\a");
  screen.feed("\x1BP$qm\x1B");
  screen.feed("\\");
  const auto replies = screen.take_replies();
  REQUIRE(replies.size() == 3);
  CHECK(replies[0].offset == 3);
  CHECK(replies[1].offset == 7);
  CHECK(replies[2].offset == 14);
  CHECK(screen.take_replies().empty());
  screen.set_offset(1'000'000);
  screen.feed("\x1B[5n");
  CHECK(screen.take_replies().at(0).offset == 1'000'000);
  CHECK(screen.offset() == 1'000'004);
}

TEST_CASE("Replies that nobody takes are bounded", "[terminal]") {
  Screen screen({80, 24});
  for (std::size_t i = 0; i < 2 * kMaxReplies; ++i) screen.feed("\x1B[6n");
  CHECK(screen.take_replies().size() == kMaxReplies);
  screen.feed("\x1B[6n");
  CHECK(screen.take_replies().size() == 1);
  std::string many = "\x1B]4";
  for (int i = 0; i < 500; ++i) many += ";1;?";
  screen.feed(many + "\a");
  CHECK(screen.take_replies().at(0).bytes.size() < 1000);
}

TEST_CASE("Titles are kept, cleaned and bounded", "[terminal]") {
  CHECK(title("\x1B]2;window\a") == "window");
  CHECK(title("\x1B]0;b\xC3\xB6th\x1B\\") == "b\xC3\xB6th");
  CHECK(title("\x1B]2;a\nb\x01"
              "c\a") == "abc");
  CHECK(title("\x1B]2;a\xFF"
              "b\xC2\x9B"
              "c\a") ==
        "a\xEF\xBF\xBD"
        "bc");
  CHECK(title("\x1B]2;one\a\x1B]2\a").empty());
  CHECK(title("\x1B]1;icon\a").empty());
  CHECK(test::screen_of(80, 24, "\x1B]1;icon\a").icon() == "icon");
  CHECK(test::screen_of(80, 24, "\x1B]0;both\a").icon() == "both");
  const std::string longer = title("\x1B]2;" + std::string(kMaxTitleBytes - 1, 'x') + "\xC3\xB6\xC3\xB6\a");
  CHECK(longer == std::string(kMaxTitleBytes - 1, 'x'));
}

TEST_CASE("Titles are pushed and popped, a bounded number of them", "[terminal]") {
  CHECK(title("\x1B]2;a\a\x1B[22;2t\x1B]2;b\a\x1B[23;2t") == "a");
  CHECK(title("\x1B]0;a\a\x1B[22t\x1B]0;b\a\x1B[23;1t") == "b");
  CHECK(title("\x1B]2;a\a\x1B[23t") == "a");
  Screen screen({80, 24});
  for (std::size_t i = 0; i <= kMaxTitleStack; ++i) screen.feed("\x1B]2;" + std::to_string(i) + "\a\x1B[22t");
  for (std::size_t i = 0; i <= kMaxTitleStack + 1; ++i) screen.feed("\x1B[23t");
  CHECK(screen.title() == "1");  // the oldest, 0, has been dropped
}

TEST_CASE("Nothing that a program writes comes back to it", "[terminal]") {
  CHECK(answer("\x1B]2;; rm -rf /\a\x1B[21t\x1B[20t").empty());
  CHECK(answer("\x1B]52;c;?\a\x1B]52;c;cm0gLXJm\a").empty());
  CHECK(answer("\x1B[?u\x1B[x\x1B[?996n\x1B[>4;2m\x1B[?4m\x05").empty());
}

TEST_CASE("Strings without a meaning leave the screen alone", "[terminal]") {
  Screen screen({20, 3});
  screen.feed("a\x1B]8;;http://example.org\x1B\\b\x1B]8;;\x1B\\");
  screen.feed(
      "\x1B]52;c;YQ==\a\x1B]4;1;red\a\x1B]104\a\x1B]7;file:///tmp\a\x1B]133;A\a\x1B]99999999;x\a\x1B]x\a");
  screen.feed("\x1BPq#0;2;0;0;0~~@@\x1B\\\x1B_Gi=1;AAAA\x1B\\\x1B^pm\x1B\\c");
  CHECK(test::shown(screen) == "abc");
  CHECK(screen.title().empty());
  CHECK(screen.take_replies().empty());
}

}  // namespace rexec::terminal
