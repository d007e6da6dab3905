#include "sandbox-client/runner/glob.h"

#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

Glob glob(const std::string& pattern, bool hidden = false) {
  std::string error;
  auto compiled = Glob::compile(pattern, hidden, error);
  INFO(pattern << ": " << error);
  REQUIRE(compiled);
  return *compiled;
}

bool match(const std::string& pattern, const std::string& path, bool hidden = false) {
  return glob(pattern, hidden).matches(path);
}

std::string error_of(const std::string& pattern) {
  std::string error;
  CHECK_FALSE(Glob::compile(pattern, false, error));
  return error;
}

}  // namespace

TEST_CASE("A glob without a slash is for names at any depth", "[runner]") {
  CHECK(match("*.c", "a.c"));
  CHECK(match("*.c", "x/y/a.c"));
  CHECK_FALSE(match("*.c", "a.c/b"));
  CHECK_FALSE(match("*.c", "a.cc"));
  CHECK(match("a?c", "abc"));
  CHECK_FALSE(match("a?c", "a/c"));
  CHECK(match("/*.c", "a.c"));
  CHECK_FALSE(match("/*.c", "x/a.c"));
}

TEST_CASE("A glob with a slash is for whole paths", "[runner]") {
  CHECK(match("src/*.c", "src/a.c"));
  CHECK_FALSE(match("src/*.c", "src/x/a.c"));
  CHECK_FALSE(match("src/*.c", "x/src/a.c"));
  CHECK(match("src/*", "src/a"));
}

TEST_CASE("Two asterisks stand for components", "[runner]") {
  for (const char* path : {"a/b", "a/x/b", "a/x/y/b"}) CHECK(match("a/**/b", path));
  CHECK_FALSE(match("a/**/b", "ab"));
  CHECK_FALSE(match("a/**/b", "a/xb"));
  for (const char* path : {"b", "x/b", "x/y/b"}) CHECK(match("**/b", path));
  CHECK(match("a/**", "a/x/y"));
  CHECK_FALSE(match("a/**", "a"));
  CHECK(match("**", "x/y"));
  CHECK(match("a/**/**/b", "a/b"));
  CHECK_FALSE(match("a**b", "a/b"));
  CHECK(match("a**b", "axxb"));
}

TEST_CASE("Sets and alternatives are matched", "[runner]") {
  CHECK(match("[a-c]x", "bx"));
  CHECK_FALSE(match("[!a-c]x", "bx"));
  CHECK(match("[^a-c]x", "dx"));
  CHECK_FALSE(match("a[!b]c", "a/c"));
  CHECK(match("[]]", "]"));
  CHECK(match("[a\\]]", "]"));
  CHECK(match("[a-]", "-"));
  CHECK(match("*.{c,h}", "x/a.h"));
  CHECK(match("{a,b{c,d}}e", "bde"));
  CHECK(match("{src/*.c,*.h}", "y/a.h"));
  CHECK_FALSE(match("{src/*.c,*.h}", "y/a.c"));
  CHECK(match("a,b", "a,b"));
  CHECK(match("\\{a\\}\\*", "{a}*"));
  CHECK_FALSE(match("\\*", "x"));
}

TEST_CASE("Characters are those of UTF-8, and other bytes stand for themselves", "[runner]") {
  CHECK(match("?", "é"));
  CHECK(match("[à-ï]", "é"));
  CHECK_FALSE(match("??", "é"));
  CHECK(match("?", "\xff"));
  CHECK(match("a\xff", "a\xff"));
  CHECK_FALSE(match("a\xff", "a\xfe"));
  CHECK(match("??", "\xc3("));  // not a character: two bytes
}

TEST_CASE("A leading dot has to be written out unless hidden files are wanted", "[runner]") {
  CHECK_FALSE(match("*", ".x"));
  CHECK_FALSE(match("**", "a/.x/b"));
  CHECK_FALSE(match("?x", ".x"));
  CHECK_FALSE(match("[.]x", ".x"));
  CHECK(match(".*", ".x"));
  CHECK(match(".github/**", ".github/w/a"));
  CHECK_FALSE(match(".github/**", ".github/.w"));
  CHECK(match("*", "a.x"));
  CHECK(match("*", ".x", true));
  CHECK(match("**/c", ".a/.b/c", true));
}

TEST_CASE("Only directories that may hold matches are entered", "[runner]") {
  CHECK(glob("src/*.c").may_match_below("src"));
  CHECK_FALSE(glob("src/*.c").may_match_below("lib"));
  CHECK_FALSE(glob("src/*.c").may_match_below("src/x"));
  CHECK(glob("src/**/a").may_match_below("src/x/y"));
  CHECK(glob("*.c").may_match_below("x/y"));
  CHECK_FALSE(glob("*.c").may_match_below(".git"));
  CHECK_FALSE(glob("/*.c").may_match_below("x"));
}

TEST_CASE("A malformed glob is explained", "[runner]") {
  CHECK_THAT(error_of("[a"), test::ContainsSubstring("\"[\" has no \"]\""));
  CHECK_THAT(error_of("{a"), test::ContainsSubstring("\"{\" has no \"}\""));
  CHECK_THAT(error_of("a}"), test::ContainsSubstring("\"}\" has no \"{\""));
  CHECK_THAT(error_of("a\\"), test::ContainsSubstring("ends with \"\\\""));
  CHECK_THAT(error_of("src/"), test::ContainsSubstring("add ** for everything below"));
  CHECK_THAT(error_of("[z-a]"), test::ContainsSubstring("before it begins"));
  CHECK_THAT(error_of("{a,}"), test::ContainsSubstring("empty"));
  CHECK_THAT(error_of(""), test::ContainsSubstring("empty"));
  CHECK_THAT(error_of("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), test::ContainsSubstring("256"));
}

TEST_CASE("A glob that makes others backtrack is matched in linear time", "[runner]") {
  std::string pattern = "a";
  for (int i = 0; i < 400; ++i) pattern += "*a";
  const Glob compiled = glob(pattern + "b");
  CHECK_FALSE(compiled.matches(std::string(4000, 'a')));
  CHECK(compiled.matches(std::string(4000, 'a') + "b"));
}

}  // namespace rexec::runner
