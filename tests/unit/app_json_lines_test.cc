#include "app/json_lines.h"

#include "tests/support/catch.h"

using rexec::app::line_of;

namespace {

constexpr std::string_view kText = R"({
  "a": 1,
  "b": {
    "c": [
      true,
      {"d": "x\"}]"}, "e"
    ],
    "a~b/c": null
  },
  "z": -1.5e3
}
)";

}  // namespace

TEST_CASE("line_of finds members and elements at any depth", "[app]") {
  CHECK(line_of(kText, "") == 1);
  CHECK(line_of(kText, "/a") == 2);
  CHECK(line_of(kText, "/b") == 3);
  CHECK(line_of(kText, "/b/c/0") == 5);
  CHECK(line_of(kText, "/b/c/1/d") == 6);
  CHECK(line_of(kText, "/b/c/2") == 6);
  CHECK(line_of(kText, "/b/a~0b~1c") == 8);
  CHECK(line_of(kText, "/z") == 10);
}

TEST_CASE("line_of falls back to the deepest part that exists", "[app]") {
  CHECK(line_of(kText, "/b/c/7") == 4);
  CHECK(line_of(kText, "/b/missing") == 3);
  CHECK(line_of(kText, "/missing") == 1);
}

TEST_CASE("line_of takes any JSON value, and blank lines before it", "[app]") {
  CHECK(line_of("\n\n[1,\n2]", "/1") == 4);
  CHECK(line_of("\n17", "") == 2);
  CHECK(line_of("\"text\"", "/a") == 1);
}
