#include <string>

#include "mcp/schema.h"
#include "tests/support/catch.h"
#include "tests/support/json_text.h"

namespace rexec::mcp {
namespace {

using test::json_of;

std::string normalised(const std::string& schema, const std::string& instance) {
  const auto compiled = compile_schema(json_of(schema));
  REQUIRE(compiled.ok());
  return dump_json((*compiled)->normalise(json_of(instance)));
}

TEST_CASE("Numbers given as strings become numbers when the whole string is one", "[schema]") {
  const std::string number = R"({"type":"number"})";
  CHECK(normalised(number, R"("30")") == "30");
  CHECK(normalised(number, R"("-1.5e3")") == "-1500.0");
  for (const char* kept : {R"("")", R"(" 3")", R"("3 ")", R"("0x10")", R"("007")", R"("1,5")", R"("1.")",
                           R"("+1")", R"("Infinity")", R"("nan")", R"("1e999")", R"("-")", R"("3s")"}) {
    INFO(kept);
    CHECK(normalised(number, kept) == kept);
  }
  CHECK(normalised(number, "\"" + std::string(65, '1') + "\"") == "\"" + std::string(65, '1') + "\"");
}

TEST_CASE("A string becomes an integer only when it is one", "[schema]") {
  CHECK(normalised(R"({"type":"integer"})", R"("7")") == "7");
  CHECK(normalised(R"({"type":"integer"})", R"("18446744073709551615")") == "18446744073709551615");
  CHECK(normalised(R"({"type":"integer"})", R"("7.0")") == "7.0");
  CHECK(normalised(R"({"type":"integer"})", R"("7.5")") == R"("7.5")");
}

TEST_CASE("true and false given as strings become booleans, nothing else does", "[schema]") {
  const std::string boolean = R"({"type":"boolean"})";
  CHECK(normalised(boolean, R"("true")") == "true");
  CHECK(normalised(boolean, R"("False")") == "false");
  for (const char* kept : {R"("1")", R"("yes")", R"("")", "1", "0", R"("true ")"}) {
    CHECK(normalised(boolean, kept) == kept);
  }
}

TEST_CASE("A value whose type fits is left alone", "[schema]") {
  CHECK(normalised(R"({"type":"string"})", R"("30")") == R"("30")");
  CHECK(normalised(R"({"type":["string","number"]})", R"("30")") == R"("30")");
  CHECK(normalised(R"({})", R"("30")") == R"("30")");
  CHECK(normalised(R"({"anyOf":[{"type":"number"},{"type":"string"}]})", R"("30")") == R"("30")");
}

TEST_CASE("null is dropped where the property is optional and null is not allowed", "[schema]") {
  const std::string schema = R"({"type":"object","properties":{
      "optional":{"type":"string"},"required":{"type":"string"},"nullable":{"type":["string","null"]},
      "anything":true,"referred":{"$ref":"#/$defs/n"}},
      "$defs":{"n":{"type":"integer"}},"required":["required"],"additionalProperties":false})";
  CHECK(
      normalised(schema, R"({"optional":null,"required":null,"nullable":null,"anything":null,"referred":null,
                               "unknown":null})") ==
      R"({"anything":null,"nullable":null,"required":null,"unknown":null})");
  CHECK(normalised(R"({"additionalProperties":{"type":"string"}})", R"({"A":null,"B":"b"})") ==
        R"({"B":"b"})");
}

TEST_CASE("A single scalar becomes an array of one where only an array fits", "[schema]") {
  CHECK(normalised(R"({"type":"array","items":{"type":"string"}})", R"("a")") == R"(["a"])");
  CHECK(normalised(R"({"type":"array","items":{"type":"integer"}})", R"("7")") == "[7]");
  CHECK(normalised(R"({"type":"array","items":{"enum":["a","b"]}})", R"("b")") == R"(["b"])");
  CHECK(normalised(R"({"type":"array","items":{"type":"integer"}})", R"("seven")") == R"("seven")");
  CHECK(normalised(R"({"type":"array","items":{"type":"object"}})", R"({})") == "{}");
  CHECK(normalised(R"({"type":"array"})", "1") == "1");
  CHECK(normalised(R"({"type":["array","string"],"items":{"type":"string"}})", R"("a")") == R"("a")");
}

TEST_CASE("K=V strings become an object of strings", "[schema]") {
  const std::string map = R"({"type":"object","additionalProperties":{"type":"string"}})";
  CHECK(normalised(map, R"(["A=1","B=x=y","C="])") == R"({"A":"1","B":"x=y","C":""})");
  CHECK(normalised(map, R"("A=1")") == R"({"A":"1"})");
  CHECK(normalised(map, "[]") == "{}");
  for (const char* kept : {R"(["A=1","B"])", R"(["=1"])", R"(["A=1",2])", R"("A")"}) {
    CHECK(normalised(map, kept) == kept);
  }
  CHECK(normalised(R"({"type":"object","additionalProperties":{"type":"integer"}})", R"(["A=1"])") ==
        R"(["A=1"])");
  CHECK(normalised(R"({"type":"object"})", R"(["A=1"])") == R"(["A=1"])");
}

TEST_CASE("Lenient forms are found in nested objects, items, references and alternatives", "[schema]") {
  const std::string schema = R"({"$defs":{"size":{"type":"object","properties":{"cols":{"type":"integer"}}}},
      "properties":{"edits":{"type":"array","items":{"type":"object","properties":{"all":{"type":"boolean"}}}},
                    "size":{"$ref":"#/$defs/size"},
                    "both":{"allOf":[{"type":"number"},{"minimum":3}]},
                    "either":{"anyOf":[{"type":"boolean"},{"type":"number","maximum":9}]},
                    "pair":{"prefixItems":[{"type":"integer"}],"items":{"type":"null"}}}})";
  CHECK(
      normalised(schema, R"({"edits":[{"all":"true"},{"all":null},{"all":false}],"size":{"cols":"80"},
                               "both":"4","either":"8","pair":["1",null]})") ==
      R"({"both":4,"edits":[{"all":true},{},{"all":false}],"either":8,"pair":[1,null],"size":{"cols":80}})");
  CHECK(normalised(schema, R"({"either":"10"})") == R"({"either":"10"})");
}

TEST_CASE("What cannot be converted stays for validation to explain", "[schema]") {
  const auto schema =
      *compile_schema(json_of(R"({"type":"object","properties":{"wait_s":{"type":"number","minimum":0}}})"));
  CHECK(schema->validate(schema->normalise(json_of(R"({"wait_s":"5"})"))).empty());
  const auto violations = schema->validate(schema->normalise(json_of(R"({"wait_s":"-5"})")));
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].message == "-5 is less than 0 (expected: number >= 0)");
  CHECK(dump_json(schema->normalise(json_of("[1]"))) == "[1]");
}

}  // namespace
}  // namespace rexec::mcp
