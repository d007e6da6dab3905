#include "tools/support/line_selection.h"

#include "tests/support/catch.h"

using rexec::Json;
using rexec::tools::Arguments;
using rexec::tools::LineSelection;
using rexec::tools::LineSelector;
using rexec::tools::Violations;

namespace {

LineSelection selection(const Json& arguments) {
  Violations violations;
  LineSelection made = LineSelection::from(Arguments(arguments), violations);
  CHECK(violations.empty());
  return made;
}

std::string select(const Json& arguments, const std::string& output) {
  std::string text;
  // However the output is cut into pieces, the lines are the same.
  for (std::size_t piece = 1; piece <= output.size() + 1; ++piece) {
    LineSelector selector(selection(arguments), false);
    for (std::size_t at = 0; at < output.size(); at += piece) {
      selector.append(std::string_view(output).substr(at, piece));
    }
    selector.finish(true);
    std::string made = selector.take_text();
    if (piece > 1) CHECK(made == text);
    text = std::move(made);
  }
  return text;
}

const std::string kOutput = "alpha\nbeta\r\n\x1b[31mgamma\x1b[0m\ndelta\nomega";

}  // namespace

TEST_CASE("grep selects lines as text, without colours and line ends", "[tools]") {
  CHECK(select({{"grep", "^(beta|gamma)$"}}, kOutput) == "beta\ngamma\n");
  CHECK(select({{"grep", "ome.a"}}, kOutput) == "omega");
  CHECK(select({{"grep", "nothing"}}, kOutput) == "");
  CHECK(select({{"grep", "(?i)ALPHA"}}, kOutput) == "alpha\n");
}

TEST_CASE("head and tail select from both ends of what matches", "[tools]") {
  CHECK(select({{"head_lines", 2}}, kOutput) == "alpha\nbeta\n");
  CHECK(select({{"tail_lines", 2}}, kOutput) == "delta\nomega");
  CHECK(select({{"head_lines", 1}, {"tail_lines", 1}}, kOutput) == "alpha\nomega");
  CHECK(select({{"head_lines", 4}, {"tail_lines", 4}}, kOutput) == "alpha\nbeta\ngamma\ndelta\nomega");
  CHECK(select({{"grep", "a$"}, {"tail_lines", 2}}, kOutput) == "delta\nomega");
  CHECK(select({{"head_lines", 3}}, "\n\n") == "\n\n");
}

TEST_CASE("lines are counted and a line that is not complete is read again unless it was selected",
          "[tools]") {
  LineSelector selector(selection({{"grep", "a"}}), false);
  selector.append("aa\nbb\nab");
  CHECK(selector.finish(false) == 0);
  CHECK(selector.selected() == 2);
  LineSelector other(selection({{"grep", "a"}}), false);
  other.append("aa\nbb\nbb");
  CHECK(other.finish(false) == 2);
  CHECK(other.selected() == 1);
  LineSelector ended(selection({{"grep", "a"}, {"tail_lines", 1}}), false);
  ended.append("aa\nbb");
  CHECK(ended.finish(true) == 0);
}

TEST_CASE("a gap ends a line", "[tools]") {
  LineSelector selector(selection({{"grep", "."}}), false);
  selector.append("one");
  selector.gap();
  selector.append("two\n");
  CHECK(selector.finish(true) == 0);
  CHECK(selector.take_text() == "one\ntwo\n");
}

TEST_CASE("an expression that is not RE2 is a violation that says so", "[tools]") {
  Violations violations;
  const Json arguments = {{"grep", "a(?=b)"}};
  LineSelection::from(Arguments(arguments), violations);
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].pointer == "/grep");
  CHECK_THAT(violations[0].message, rexec::test::ContainsSubstring("RE2"));
}
