#include "sandbox-client/runner/text_edit.h"

#include "tests/support/catch.h"

using namespace rexec::runner;
using rexec::test::ContainsSubstring;
using Kind = EditOutcome::Kind;

TEST_CASE("A text that occurs once is replaced, whatever its bytes are") {
  std::string text("a\0\xff z\n", 6);
  const auto outcome = apply_text_edit(text, {std::string("\0\xff", 2), "\xfe", false});
  CHECK(outcome.kind == Kind::done);
  CHECK(outcome.replacements == 1);
  CHECK(text == "a\xfe z\n");
  CHECK(apply_text_edit(text, {" z\n", "", false}).kind == Kind::done);
  CHECK(text == "a\xfe");
}

TEST_CASE("A text that occurs several times is refused with where, overlaps included") {
  std::string text = "x\nab\nx\nab\nab\n";
  const auto outcome = apply_text_edit(text, {"ab", "c", false});
  CHECK(outcome.kind == Kind::refused);
  CHECK_THAT(outcome.problem, ContainsSubstring("was found 3 times, at lines 2, 4, 5;"));
  CHECK_THAT(outcome.problem, ContainsSubstring("replace_all"));
  CHECK(text == "x\nab\nx\nab\nab\n");
  text = "aaa";
  CHECK_THAT(apply_text_edit(text, {"aa", "b", false}).problem,
             ContainsSubstring("found 2 times, at lines 1, 1"));
  text.assign(100, '\n');
  CHECK_THAT(apply_text_edit(text, {"\n", "b", false}).problem,
             ContainsSubstring("found 100 times, at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …"));
}

TEST_CASE("replace_all replaces from left to right and does not look at what it wrote") {
  std::string text = "aaa b aaa";
  const auto outcome = apply_text_edit(text, {"aa", "aaaa", true});
  CHECK(outcome.replacements == 2);
  CHECK(text == "aaaaa b aaaaa");
  CHECK(apply_text_edit(text, {"b", "", true}).replacements == 1);
  CHECK(text == "aaaaa  aaaaa");
}

TEST_CASE("A text that is not there is missing, one that would change nothing is refused") {
  std::string text = "a";
  CHECK(apply_text_edit(text, {"b", "c", false}).kind == Kind::missing);
  CHECK(apply_text_edit(text, {"b", "c", true}).kind == Kind::missing);
  CHECK(apply_text_edit(text, {"aa", "c", true}).kind == Kind::missing);
  CHECK_THAT(apply_text_edit(text, {"a", "a", false}).problem, ContainsSubstring("nothing would change"));
  CHECK_THAT(apply_text_edit(text, {"", "a", false}).problem, ContainsSubstring("write_file"));
  text.clear();
  CHECK(apply_text_edit(text, {"b", "c", false}).kind == Kind::missing);
}

TEST_CASE("A file does not grow beyond its limit") {
  std::string text(1000, 'a');
  const std::string large(kMaxEditedFile / 1000 + 1, 'b');
  CHECK_THAT(apply_text_edit(text, {"a", large, true}).problem, ContainsSubstring("larger than 16 MiB"));
  CHECK(text == std::string(1000, 'a'));
  text = "ab";
  CHECK_THAT(apply_text_edit(text, {"a", std::string(kMaxEditedFile, 'b'), false}).problem,
             ContainsSubstring("larger than 16 MiB"));
  CHECK(apply_text_edit(text, {"a", std::string(kMaxEditedFile - 1, 'b'), false}).kind == Kind::done);
}

TEST_CASE("Texts that repeat are searched in bounded time") {
  std::string text(kMaxEditedFile, 'a');
  CHECK(apply_text_edit(text, {std::string(1 << 19, 'a') + "b", "c", false}).kind == Kind::missing);
  CHECK(apply_text_edit(text, {"b" + std::string(1 << 19, 'a'), "c", false}).kind == Kind::missing);
  CHECK_THAT(apply_text_edit(text, {std::string(1 << 19, 'a'), "c", false}).problem,
             ContainsSubstring("found 32 times"));
}
