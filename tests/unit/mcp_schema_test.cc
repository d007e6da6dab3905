#include "mcp/schema.h"

#include <string>

#include "mcp/schema_nodes.h"
#include "tests/support/catch.h"
#include "tests/support/json_text.h"

namespace rexec::mcp {
namespace {

using test::json_of;

using test::ContainsSubstring;

std::shared_ptr<const Schema> compiled(const std::string& text) {
  auto schema = compile_schema(json_of(text));
  INFO((schema ? text : schema.error().message));
  REQUIRE(schema.ok());
  return *schema;
}

std::string compile_error(const Json& document) {
  const auto schema = compile_schema(document);
  REQUIRE_FALSE(schema.ok());
  CHECK(schema.error().code == ErrorCode::invalid_argument);
  return schema.error().message;
}

bool accepts(const std::string& schema, const Json& instance) {
  return compiled(schema)->validate(instance).empty();
}

bool accepts(const std::string& schema, const char* instance) {
  return accepts(schema, json_of(instance));
}

TEST_CASE("A keyword that is not known is an error that names its pointer", "[schema]") {
  CHECK(compile_error(json_of(R"({"properties":{"a/b":{"patternProperties":{}}}})")) ==
        R"(schema at "/properties/a~1b/patternProperties": unknown keyword)");
  CHECK(compile_error(json_of(R"({"items":{"anyOf":[true,{"$id":"x"}]}})")) ==
        R"(schema at "/items/anyOf/1/$id": unknown keyword)");
  CHECK(compile_error(json_of(R"({"x-note":1})")) == R"(schema at "/x-note": unknown keyword)");
}

TEST_CASE("Annotations mean nothing for validity", "[schema]") {
  CHECK(accepts(R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"t","description":"d",
                    "default":3,"examples":[1],"$comment":"c","deprecated":true,"readOnly":true,
                    "writeOnly":false,"format":"date-time"})",
                R"("not a date")"));
}

TEST_CASE("A malformed keyword is an error that names its pointer", "[schema]") {
  const std::pair<const char*, const char*> cases[] = {
      {R"(3)", R"("": a schema is an object or a boolean)"},
      {R"({"$schema":"http://json-schema.org/draft-07/schema#"})", R"("/$schema": must be)"},
      {R"({"type":"str"})", R"("/type": "str" is not a type)"},
      {R"({"type":[]})", R"("/type": must name a type)"},
      {R"({"type":3})", R"("/type": 3 is not a type)"},
      {R"({"enum":[]})", R"("/enum": must be a non-empty array)"},
      {R"({"minLength":-1})", R"("/minLength": must be an integer >= 0)"},
      {R"({"maxItems":1.5})", R"("/maxItems": must be an integer >= 0)"},
      {R"({"minimum":"1"})", R"("/minimum": must be a number)"},
      {R"({"multipleOf":0})", R"("/multipleOf": must be a number > 0)"},
      {R"({"pattern":"("})", R"_("/pattern": not RE2 syntax: missing ))_"},
      {R"_({"pattern":"(?=a)"})_", R"("/pattern": not RE2 syntax)"},
      {R"({"pattern":1})", R"("/pattern": must be a string)"},
      {R"({"uniqueItems":1})", R"("/uniqueItems": must be a boolean)"},
      {R"({"required":["a",1]})", R"("/required": must be an array of strings)"},
      {R"({"required":"a"})", R"("/required": must be an array of strings)"},
      {R"({"required":["a","a"]})", R"("/required": names a property twice)"},
      {R"({"properties":[]})", R"("/properties": must be an object of schemas)"},
      {R"({"properties":{"a":1}})", R"("/properties/a": a schema is an object or a boolean)"},
      {R"({"anyOf":[]})", R"("/anyOf": must be a non-empty array of schemas)"},
      {R"({"allOf":{}})", R"("/allOf": must be a non-empty array of schemas)"},
      {R"({"$ref":1})", R"("/$ref": must be a string)"},
      {R"({"$ref":"other.json"})", R"("/$ref": only references within the schema)"},
      {R"({"$ref":"#/$defs/a"})", R"("/$ref": there is no subschema at "/$defs/a")"},
      {R"({"$ref":"#/enum/0","enum":[{}]})", R"("/$ref": there is no subschema at "/enum/0")"},
  };
  for (const auto& [schema, message] : cases) {
    INFO(schema);
    CHECK_THAT(compile_error(json_of(schema)), ContainsSubstring(message));
  }
}

TEST_CASE("A reference that comes back without going into the value is an error", "[schema]") {
  CHECK_THAT(compile_error(json_of(R"({"$ref":"#"})")), ContainsSubstring("refers to itself"));
  CHECK_THAT(compile_error(json_of(R"({"anyOf":[{"type":"null"},{"not":{"$ref":"#"}}]})")),
             ContainsSubstring("refers to itself"));
  CHECK_THAT(
      compile_error(json_of(R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}}})")),
      ContainsSubstring("refers to itself"));
  const std::string list = R"({"type":"object","properties":{"next":{"$ref":"#"}},"required":["value"]})";
  CHECK(accepts(list, R"({"value":1,"next":{"value":2,"next":{"value":3}}})"));
  CHECK_FALSE(accepts(list, R"({"value":1,"next":{"value":2,"next":{}}})"));
}

TEST_CASE("References name subschemas with escaped and percent-encoded steps", "[schema]") {
  const std::string schema = R"({"$defs":{"a/b":{"type":"null"},"c~%":{"type":"string"}},
      "properties":{"x":{"$ref":"#/$defs/a~1b"},"y":{"$ref":"#/$defs/c~0%25"},"z":{"$ref":"#/properties/x"}}})";
  CHECK(accepts(schema, R"({"x":null,"y":"s","z":null})"));
  CHECK_FALSE(accepts(schema, R"({"x":1})"));
  CHECK_FALSE(accepts(schema, R"({"y":1})"));
  CHECK_FALSE(accepts(schema, R"({"z":1})"));
}

TEST_CASE("The depth of a schema is bounded", "[schema]") {
  Json nested = true;
  for (std::size_t i = 0; i < kMaxJsonDepth; ++i) nested = Json{{"items", std::move(nested)}};
  CHECK(compile_schema(nested).ok());
  nested = Json{{"items", std::move(nested)}};
  CHECK_THAT(compile_error(nested), ContainsSubstring("nested too deeply"));
}

TEST_CASE("The number of subschemas in a row for one value is bounded", "[schema]") {
  const auto chain = [](std::size_t length) {
    Json definitions = Json::object();
    for (std::size_t i = 0; i < length; ++i) {
      definitions["d" + std::to_string(i)] = Json{{"$ref", "#/$defs/d" + std::to_string(i + 1)}};
    }
    definitions["d" + std::to_string(length)] = Json{{"type", "null"}};
    return Json{{"$defs", std::move(definitions)}};
  };
  CHECK(compile_schema(chain(schema::kMaxInPlaceDepth)).ok());
  CHECK_THAT(compile_error(chain(schema::kMaxInPlaceDepth + 1)),
             ContainsSubstring("too many subschemas in a row"));
}

TEST_CASE("The number of subschemas is bounded", "[schema]") {
  Json properties = Json::object();
  for (std::size_t i = 0; i + 1 < schema::kMaxNodes; ++i) properties["p" + std::to_string(i)] = true;
  CHECK(compile_schema(Json{{"properties", properties}}).ok());
  properties["one more"] = true;
  CHECK_THAT(compile_error(Json{{"properties", properties}}), ContainsSubstring("too many subschemas"));
}

TEST_CASE("The size of a pattern is bounded", "[schema]") {
  CHECK(compile_schema(Json{{"pattern", std::string(schema::kMaxPatternBytes, 'a')}}).ok());
  CHECK_THAT(compile_error(Json{{"pattern", std::string(schema::kMaxPatternBytes + 1, 'a')}}),
             ContainsSubstring("longer than 1000 bytes"));
  CHECK_THAT(compile_error(Json{{"pattern", "((a{100}){100}){100}"}}), ContainsSubstring("not RE2 syntax"));
}

TEST_CASE("An integer is a number without a fraction", "[schema]") {
  for (const char* integer : {"1", "1.0", "-0.0", "1e300", "18446744073709551615"}) {
    INFO(integer);
    CHECK(accepts(R"({"type":"integer"})", integer));
    CHECK(accepts(R"({"type":"number"})", integer));
  }
  CHECK_FALSE(accepts(R"({"type":"integer"})", "1.5"));
  CHECK(accepts(R"({"type":"number"})", "1.5"));
  CHECK(accepts(R"({"type":["integer","null"]})", "null"));
}

TEST_CASE("Numbers are compared by value, not as doubles", "[schema]") {
  const std::string above = R"({"minimum":9007199254740993})";
  CHECK(accepts(above, "9007199254740993"));
  CHECK_FALSE(accepts(above, "9007199254740992"));
  CHECK_FALSE(accepts(above, "9007199254740992.0"));
  CHECK(accepts(R"({"exclusiveMaximum":18446744073709551615})", "18446744073709551614"));
  CHECK_FALSE(accepts(R"({"exclusiveMaximum":18446744073709551615})", "18446744073709551615"));
  CHECK_FALSE(accepts(R"({"maximum":-1})", "18446744073709551615"));
  CHECK(accepts(R"({"enum":[1]})", "1.0"));
  CHECK(accepts(R"({"const":{"a":[1.0,{"b":0}]}})", R"({"a":[1,{"b":-0.0}]})"));
  CHECK_FALSE(accepts(R"({"const":0})", "false"));
  CHECK_FALSE(accepts(R"({"const":9007199254740993})", "9007199254740992"));
}

TEST_CASE("multipleOf takes decimal fractions as they are meant", "[schema]") {
  CHECK(accepts(R"({"multipleOf":0.1})", "0.3"));
  CHECK(accepts(R"({"multipleOf":0.01})", "4.35"));
  CHECK_FALSE(accepts(R"({"multipleOf":0.01})", "4.355"));
  CHECK(accepts(R"({"multipleOf":0.5})", "1e308"));
  CHECK_FALSE(accepts(R"({"multipleOf":0.123456789})", "1e308"));
  CHECK_FALSE(accepts(R"({"multipleOf":2})", "9007199254740993"));
  CHECK(accepts(R"({"multipleOf":3})", "-9"));
}

TEST_CASE("Lengths count characters, not bytes", "[schema]") {
  CHECK(accepts(R"({"minLength":2,"maxLength":2})", "\"\xf0\x9f\x98\x80\xc3\xa9\""));
  CHECK_FALSE(accepts(R"({"maxLength":1})", "\"\xf0\x9f\x98\x80\xc3\xa9\""));
  CHECK_FALSE(accepts(R"({"minLength":3})", "\"\xf0\x9f\x98\x80\xc3\xa9\""));
}

TEST_CASE("A pattern matches anywhere unless anchored", "[schema]") {
  CHECK(accepts(R"({"pattern":"b+"})", R"("abc")"));
  CHECK_FALSE(accepts(R"({"pattern":"^b"})", R"("abc")"));
  CHECK_FALSE(accepts(R"({"pattern":"c$"})", R"("abc\n")"));
}

TEST_CASE("uniqueItems takes large arrays in less than quadratic time", "[schema]") {
  Json items = Json::array();
  for (int i = 0; i < 200'000; ++i) items.push_back(Json{{"i", i}});
  const auto schema = compiled(R"({"uniqueItems":true})");
  CHECK(schema->validate(items).empty());
  items.push_back(Json{{"i", 7.0}});
  const auto violations = schema->validate(items);
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].pointer == "/200000");
  CHECK_THAT(violations[0].message, ContainsSubstring("is the same as item 7"));
}

TEST_CASE("A value that is nested too deeply is refused, not followed", "[schema]") {
  Json nested = Json::array();
  for (std::size_t i = 0; i < 2 * kMaxJsonDepth; ++i) nested = Json::array({std::move(nested)});
  const auto violations = compiled(R"({"items":{"$ref":"#"}})")->validate(nested);
  REQUIRE(violations.size() == 1);
  CHECK(violations[0].pointer.empty());
  CHECK_THAT(violations[0].message, ContainsSubstring("nested too deeply"));
}

TEST_CASE("A schema whose work doubles at each level is stopped by the step limit", "[schema]") {
  const auto schema =
      compiled(R"({"anyOf":[{"items":{"$ref":"#"},"maxItems":1},{"items":{"$ref":"#"},"maxItems":1}]})");
  Json nested = Json::array({1, 2});
  for (std::size_t i = 0; i + 2 < kMaxJsonDepth; ++i) nested = Json::array({std::move(nested)});
  const auto violations = schema->validate(nested);
  REQUIRE(violations.size() == 1);
  CHECK_THAT(violations[0].message, ContainsSubstring("too large to be checked"));
  CHECK(schema->normalise(nested) == nested);
}

TEST_CASE("Validation stops looking after kMaxFound violations", "[schema]") {
  const Json items(Schema::kMaxFound + 500, "x");
  CHECK(compiled(R"({"items":{"type":"null"}})")->validate(items).size() == Schema::kMaxFound);
  const Json few(Schema::kMaxFound - 1, "x");
  CHECK(compiled(R"({"items":{"type":"null"}})")->validate(few).size() == Schema::kMaxFound - 1);
}

TEST_CASE("A compiled schema outlives its document", "[schema]") {
  std::shared_ptr<const Schema> schema;
  {
    const Json document = json_of(R"({"enum":["a"],"description":"gone"})");
    schema = *compile_schema(document);
  }
  CHECK(schema->validate("a").empty());
  CHECK_FALSE(schema->validate("b").empty());
}

}  // namespace
}  // namespace rexec::mcp
