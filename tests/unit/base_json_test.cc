#include "base/json.h"

#include <cstdint>
#include <string>

#include "base/utf8.h"
#include "tests/support/catch.h"

namespace rexec {
namespace {

using test::ContainsSubstring;

// The longest text that any transport hands over. Sanitizers slow the parser down twentyfold.
#ifdef REXEC_SANITIZED
constexpr std::size_t kLongText = 4 * 1024 * 1024;
#else
constexpr std::size_t kLongText = 32 * 1024 * 1024;
#endif

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string message_of(std::string_view text) {
  const Result<Json> parsed = parse_json(text);
  if (parsed.ok()) return "accepted";
  CHECK(parsed.error().code == ErrorCode::invalid_argument);
  return parsed.error().message;
}

TEST_CASE("parse_json builds what the text says", "[base][json]") {
  const Result<Json> parsed =
      parse_json(R"( {"b":[1,-2,2.5,true,null,"\u00e9\n",{}],"a":{"c":[]},"d":{"c":1}} )");
  REQUIRE(parsed.ok());
  CHECK(dump_json(*parsed) ==
        "{\"a\":{\"c\":[]},\"b\":[1,-2,2.5,true,null,\"\u00e9\\n\",{}],\"d\":{\"c\":1}}");
  CHECK(*parse_json("7") == 7);
  CHECK(*parse_json("\"x\"") == "x");
  CHECK(*parse_json("null") == nullptr);
  CHECK(*parse_json("{}") == Json::object());
}

TEST_CASE("parse_json keeps 64-bit integers exact", "[base][json]") {
  CHECK(dump_json(*parse_json("[9223372036854775807,-9223372036854775808,18446744073709551615]")) ==
        "[9223372036854775807,-9223372036854775808,18446744073709551615]");
}

TEST_CASE("parse_json takes a depth up to the limit and nothing deeper", "[base][json]") {
  CHECK(parse_json(nested(kMaxJsonDepth)).ok());
  CHECK(message_of(nested(kMaxJsonDepth + 1)) ==
        "invalid JSON at line 1, column 65: nested deeper than 64 levels");
  CHECK(parse_json(nested(3), 3).ok());
  CHECK_FALSE(parse_json(nested(4), 3).ok());
  CHECK(parse_json(R"({"a":{"b":[]}})", 3).ok());
  CHECK_FALSE(parse_json(R"({"a":{"b":[]}})", 2).ok());
  CHECK(parse_json("1", 0).ok());
  CHECK_FALSE(parse_json("[]", 0).ok());
}

TEST_CASE("a depth of a million costs an error and no stack", "[base][json]") {
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')).ok());
  CHECK(parse_json(nested(100'000), 100'000).ok());
}

TEST_CASE("parse_json refuses a key that an object already has", "[base][json]") {
  CHECK(message_of("{\"a\":1,\n \"b\":{\"a\":1},\n \"a\":2}") ==
        "invalid JSON at line 3, column 2: duplicate key \"a\"");
  CHECK(message_of(R"({"q\"":1,"q\"":2})") == R"(invalid JSON at line 1, column 10: duplicate key "q\"")");
  CHECK(message_of(R"({"a":1,"\u0061":2})") == R"(invalid JSON at line 1, column 8: duplicate key "a")");
  CHECK(message_of(R"([{"a":1},{"a":1}])") == "accepted");
  const std::string key(100'000, 'k');
  CHECK(message_of("{\"" + key + "\":1,\"" + key + "\":1}").size() < 200);
}

TEST_CASE("parse_json names line, column and what it expected", "[base][json]") {
  CHECK_THAT(message_of(""), ContainsSubstring("line 1, column 1: "));
  CHECK_THAT(message_of("[1,\n 2,\n ]"), ContainsSubstring("line 3, column 2: "));
  CHECK_THAT(message_of("{\"a\" 1}"), ContainsSubstring("expected ':'"));
  CHECK_THAT(message_of("[1 2]"), ContainsSubstring("line 1, column 4: "));
  CHECK_THAT(message_of("[\"\u00e9\u00e9\",x]"), ContainsSubstring("line 1, column 7: "));
  CHECK_THAT(message_of("{\"a\":"), ContainsSubstring("line 1, column 6: "));
}

TEST_CASE("parse_json refuses what follows the value", "[base][json]") {
  CHECK_THAT(message_of("{} x"), ContainsSubstring("line 1, column 4: "));
  CHECK_THAT(message_of("{}{}"), ContainsSubstring("expected end of input"));
  CHECK(message_of(std::string_view("{}\0x", 4)) == "invalid JSON at line 1, column 3: NUL byte");
  CHECK(message_of("{}\n\t ") == "accepted");
}

TEST_CASE("parse_json refuses what is not JSON", "[base][json]") {
  for (const char* text :
       {"01", "+1", ".5", "1.", "NaN", "'a'", "[1,]", "{\"a\":1,}", "{a:1}", "// x\n1", "tru", "\"\x01\"",
        "\"\xff\"", "\"\xed\xa0\x80\"", "\"\\ud800\"", "\"\\x\"", "\"", "]", ","}) {
    CAPTURE(text);
    CHECK_FALSE(parse_json(text).ok());
  }
  CHECK(message_of("[1e999]") == "invalid JSON at line 1, column 6: number out of range");
}

TEST_CASE("an error message has a bound and is valid UTF-8, whatever the text", "[base][json]") {
  const std::string letters(1'000'000, 'x');
  for (const std::string& text :
       {"\"" + letters, letters, "\"" + letters + "\xff", "1" + std::string(100'000, '0') + "x",
        "\"" + letters + "; expected " + letters}) {
    const std::string message = message_of(text);
    CHECK(message.size() < 400);
    CHECK(is_valid_utf8(message));
    CHECK_THAT(message, !ContainsSubstring("xxxx"));
  }
}

TEST_CASE("a long text parses, whether it is one string, many numbers or many members", "[base][json]") {
  SECTION("one string") {
    const Result<Json> parsed = parse_json("\"" + std::string(kLongText, 's') + "\"");
    REQUIRE(parsed.ok());
    CHECK(parsed->get_ref<const std::string&>().size() == kLongText);
  }
  SECTION("many numbers") {
    std::string text = "[0";
    while (text.size() < kLongText) text.append(",1234567");
    CHECK(parse_json(text + "]").ok());
    CHECK_FALSE(parse_json(text + "}").ok());
  }
  SECTION("many members") {
    std::string text = "{\"k\":0";
    for (int i = 0; text.size() < kLongText; ++i) {
      text.append(",\"").append(std::to_string(i)).append(std::string(64, 'k')).append("\":{}");
    }
    CHECK(parse_json(text + "}").ok());
    CHECK_FALSE(parse_json(text + ",\"k\":0}").ok());
  }
}

TEST_CASE("dump_json repairs invalid UTF-8 and stays on one line", "[base][json]") {
  CHECK(dump_json(Json{{"text", "a\xff\n"}}) == "{\"text\":\"a\uFFFD\\n\"}");
  CHECK(dump_json_pretty(Json{{"a", 1}}) == "{\n  \"a\": 1\n}");
}

TEST_CASE("members are found by key and type", "[base][json]") {
  const Json object = *parse_json(R"({"s":"x","i":-3,"b":true,"n":null,"f":1.5,"whole":5.0,"big":1e300})");
  CHECK(find(object, "n") != nullptr);
  CHECK(find(object, "missing") == nullptr);
  CHECK(find(Json::array(), "s") == nullptr);
  CHECK(find_string(object, "s") == "x");
  CHECK_FALSE(find_string(object, "i").has_value());
  CHECK(find_integer(object, "i") == -3);
  CHECK(find_integer(object, "whole") == 5);
  CHECK_FALSE(find_integer(object, "f").has_value());
  CHECK_FALSE(find_integer(object, "big").has_value());
  CHECK_FALSE(find_integer(object, "s").has_value());
  CHECK(find_bool(object, "b") == true);
  CHECK_FALSE(find_bool(object, "n").has_value());
}

TEST_CASE("find_integer refuses what does not fit into 64 signed bits", "[base][json]") {
  const Json object = *parse_json(R"({"most":9223372036854775807,"more":9223372036854775808})");
  CHECK(find_integer(object, "most") == INT64_MAX);
  CHECK_FALSE(find_integer(object, "more").has_value());
}

TEST_CASE("a pointer step escapes the two characters that mean something", "[base][json]") {
  CHECK(pointer_step("") == "/");
  CHECK(pointer_step("a/b~c") == "/a~1b~0c");
  CHECK(pointer_step("~1") == "/~01");
}

}  // namespace
}  // namespace rexec
