#include "sandbox-client/runner/nearest_lines.h"

#include "tests/support/catch.h"

using namespace rexec::runner;
using rexec::test::ContainsSubstring;

namespace {

std::string nearest(std::string_view text, std::string_view sought, std::size_t piece = 1 << 20) {
  NearestLines search(text, sought, "old_text");
  while (!search.advance(piece)) {
  }
  std::string hint = search.describe();
  CHECK(hint.size() <= kMaxHintBytes);
  return hint;
}

constexpr std::string_view kCode =
    "int first() {\n  return 1;\n}\n\nint second(int value) {\n\tif (value > 2) {\n\t\treturn value;\n\t}\n  "
    "return \"2\";\n}\n";

}  // namespace

TEST_CASE("A difference in whitespace alone is said, with the lines as they are") {
  CHECK(nearest(kCode, "  if (value > 2) {\n    return value;\n  }\n") ==
        "It differs from the file only in whitespace (spaces, tabs, line ends). The file has there:\n"
        "6| \tif (value > 2) {\n7| \t\treturn value;\n8| \t}");
  CHECK_THAT(nearest(kCode, "return  1;"), ContainsSubstring("only in whitespace"));
  CHECK_THAT(nearest(kCode, "return 1; }"), ContainsSubstring("2|   return 1;\n3| }"));
}

TEST_CASE("Line ends are recognised in both directions") {
  CHECK_THAT(nearest("a\r\nb\r\nc\r\n", "a\nb\n"), ContainsSubstring("end with CRLF"));
  CHECK_THAT(nearest("a\nb\nc\n", "b\r\nc\r\n"), ContainsSubstring("LF alone"));
  CHECK_THAT(nearest("a\nb\nc\n", "b\r\nc\r\n"), ContainsSubstring("2| b\n3| c"));
}

TEST_CASE("Escapes and typographic quotes are recognised") {
  CHECK_THAT(nearest(kCode, "return \\\"2\\\";"), ContainsSubstring("escaped once too often"));
  CHECK_THAT(nearest(kCode, "return 1;\\n}"), ContainsSubstring("escaped once too often"));
  CHECK_THAT(nearest("say(\\\"x\\\")\n", "say(\"x\")"),
             ContainsSubstring("a backslash in front of each quote"));
  CHECK_THAT(nearest(kCode, "return “2”;"), ContainsSubstring("typographic"));
}

TEST_CASE("The region with the most lines in common is shown, else the most similar line") {
  CHECK(nearest(kCode, "int second(int value) {\n\tif (value > 3) {\n\t\treturn value;\n\t}\n") ==
        "The most similar lines of the file:\n5| int second(int value) {\n6| \tif (value > 2) {\n7| "
        "\t\treturn value;\n"
        "8| \t}");
  CHECK(nearest(kCode, "int second(long value)") ==
        "The most similar lines of the file:\n5| int second(int value) {");
  CHECK(nearest(kCode, "something else entirely").empty());
  CHECK(nearest("", "x") == "The file is empty.");
  CHECK(nearest("a\n", "\n\n \n").empty());
}

TEST_CASE("Pieces of any size find the same") {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line number " + std::to_string(i) + "\n";
  const std::string sought = "line number 1500\nline number 1501 \nline number fifteen\nline number 1503\n";
  const std::string hint = nearest(text, sought);
  CHECK_THAT(hint, ContainsSubstring("1501| line number 1500\n"));
  for (const std::size_t piece : {1U, 100U, 4096U}) CHECK(nearest(text, sought, piece) == hint);
}

TEST_CASE("What is shown is bounded, for long lines and many") {
  std::string sought;
  for (int i = 0; i < 1000; ++i) sought += std::string(500, static_cast<char>('a' + i % 26)) + "\n";
  CHECK_THAT(nearest(sought, "x" + sought), ContainsSubstring("1| aaaa"));
  CHECK(nearest(std::string(1 << 20, 'a'), std::string(2 << 20, 'a')).size() < 400);
}
