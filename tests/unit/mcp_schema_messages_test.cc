#include <string>
#include <vector>

#include "base/utf8.h"
#include "mcp/schema.h"
#include "mcp/schema_nodes.h"
#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

using Lines = std::vector<std::string>;
using test::ContainsSubstring;
using test::EndsWith;
using test::StartsWith;

const char* const kExec = R"({"type":"object","properties":{
    "command":{"type":"string","minLength":1},"cwd":{"type":"string"},"wait_s":{"type":"number","minimum":0},
    "env":{"type":"object","additionalProperties":{"type":"string"}},
    "stream":{"type":"string","enum":["both","stdout","stderr"]},
    "max_chars":{"type":"integer","minimum":1,"maximum":400000},"raw":{"type":"boolean"},
    "tags":{"type":"array","items":{"type":"string"},"maxItems":2,"uniqueItems":true}},
    "required":["command"],"additionalProperties":false})";

Lines told(const std::string& schema, const Json& instance) {
  const auto compiled = compile_schema(*parse_json(schema));
  REQUIRE(compiled.ok());
  Lines lines;
  for (const auto& one : (*compiled)->validate(instance)) lines.push_back(one.pointer + ": " + one.message);
  return lines;
}

Lines told(const std::string& schema, const char* instance) {
  const auto value = parse_json(instance);
  REQUIRE(value.ok());
  return told(schema, *value);
}

TEST_CASE("A message has the value, what is wrong and what is expected", "[schema]") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"command":"x","wait_s":"abc"})", R"(/wait_s: "abc" is not a number (expected: number >= 0))"},
      {R"({"command":"x","wait_s":-1.5})", "/wait_s: -1.5 is less than 0 (expected: number >= 0)"},
      {R"({"command":"x","max_chars":0.5})",
       "/max_chars: 0.5 is not an integer (expected: integer from 1 to 400000)"},
      {R"({"command":"x","max_chars":400001})",
       "/max_chars: 400001 is greater than 400000 (expected: integer from 1 to 400000)"},
      {R"({"command":""})", R"(/command: "" has 0 characters (expected: string of at least 1 character))"},
      {R"({"command":null})", "/command: null is not a string (expected: string of at least 1 character)"},
      {R"({})", "/command: required, but missing (expected: string of at least 1 character)"},
      {R"({"command":"x","raw":1})", "/raw: 1 is not a boolean (expected: true or false)"},
      {R"({"command":"x","stream":"all"})",
       R"(/stream: "all" is not allowed (expected: one of "both", "stdout", "stderr"))"},
      {R"({"command":"x","env":{"A":1}})", "/env/A: 1 is not a string (expected: string)"},
      {R"({"command":"x","env":[1]})", "/env: [1] is not an object (expected: object, each value: string)"},
      {R"({"command":"x","tags":["a","b","c"]})",
       R"(/tags: ["a","b","c"] has 3 items (expected: array of at most 2 items, each: string, no item twice))"},
      {R"({"command":"x","tags":["a","a"]})",
       R"(/tags/1: "a" is the same as item 0 (expected: no item twice))"},
      {R"([])", R"(: [] is not an object (expected: object with "command"))"},
  };
  for (const auto& [instance, line] : cases) {
    INFO(instance);
    CHECK(told(kExec, instance) == Lines{line});
  }
}

TEST_CASE("Expectations name every bound", "[schema]") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":"string","minLength":2,"maxLength":40})", "string of 2 to 40 characters"},
      {R"({"type":"string","minLength":2,"maxLength":2})", "string of exactly 2 characters"},
      {R"({"type":"string","maxLength":1,"pattern":"^a$"})", "string of at most 1 character matching ^a$"},
      {R"({"type":"number","exclusiveMinimum":0,"maximum":1})", "number > 0 and <= 1"},
      {R"({"type":"number","exclusiveMaximum":0.5})", "number < 0.5"},
      {R"({"type":"integer","multipleOf":4})", "integer, a multiple of 4"},
      {R"({"type":["string","null"]})", "string or null"},
      {R"({"const":{"a":1}})", R"({"a":1})"},
      {R"({"type":"array","minItems":1,"items":{"type":"object","required":["old","new"]}})",
       R"(array of at least 1 item, each: object with "new", "old")"},
      {R"({"type":"object","minProperties":1})", "object of at least 1 property"},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"null"}}})", "null"},
      {R"({"not":{"type":"null"}})", "anything but null"},
      {R"({"minimum":3})", "number >= 3"},
      {R"({"pattern":"x"})", "string matching x"},
  };
  for (const auto& [schema, words] : cases) {
    INFO(schema);
    const auto tree = schema::compile_tree(*parse_json(schema));
    REQUIRE(tree.ok());
    CHECK(schema::expectation(*tree->root) == words);
  }
}

TEST_CASE("A misspelt property is met with the one that was meant", "[schema]") {
  const auto suggestion = [](const char* name) {
    const Lines lines = told(kExec, Json{{"command", "x"}, {name, 1}});
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  CHECK(suggestion("comand") == R"(/comand: unknown property; did you mean "command"?)");
  CHECK(suggestion("ocmmand") == R"(/ocmmand: unknown property; did you mean "command"?)");
  CHECK(suggestion("cmd") == R"(/cmd: unknown property; did you mean "command"?)");
  CHECK(suggestion("waitS") == R"(/waitS: unknown property; did you mean "wait_s"?)");
  CHECK(suggestion("wait") == R"(/wait: unknown property; did you mean "wait_s"?)");
  CHECK(suggestion("max-chars") == R"(/max-chars: unknown property; did you mean "max_chars"?)");
  CHECK(suggestion("environment") == R"(/environment: unknown property; did you mean "env"?)");
  CHECK(suggestion("shell") ==
        R"(/shell: unknown property (known: "command", "cwd", "env", "max_chars", "raw", )"
        R"("stream", "tags", "wait_s"))");
  CHECK(suggestion("") == R"(/: unknown property (known: "command", "cwd", "env", "max_chars", "raw", )"
                          R"("stream", "tags", "wait_s"))");
  CHECK(told(R"({"additionalProperties":false})", R"({"a":1})") ==
        Lines{"/a: unknown property (none is allowed here)"});
}

TEST_CASE("A misspelt value of an enum is met with the one that was meant", "[schema]") {
  CHECK(
      told(kExec, R"({"command":"x","stream":"Stdout"})") ==
      Lines{R"(/stream: "Stdout" is not allowed (expected: one of "both", "stdout", "stderr"; did you mean )"
            R"("stdout"?))"});
}

TEST_CASE("Suggestions come by Damerau-Levenshtein distance", "[schema]") {
  const std::vector<std::string> names = {"alpha", "alphabet", "beta", "x"};
  std::vector<const std::string*> candidates;
  for (const auto& name : names) candidates.push_back(&name);
  const auto closest = [&](std::string_view name) {
    const std::string* found = schema::closest(name, candidates);
    return found == nullptr ? std::string() : *found;
  };
  CHECK(closest("alhpa") == "alpha");
  CHECK(closest("alphabte") == "alphabet");
  CHECK(closest("bata") == "beta");
  CHECK(closest("ALPHA") == "alpha");
  CHECK(closest("gamma").empty());
  CHECK(closest("y").empty());
  CHECK(closest("___").empty());
  CHECK(closest(std::string(65, 'a')).empty());
}

TEST_CASE("Violations come in document order, each once", "[schema]") {
  CHECK(told(R"({"allOf":[{"properties":{"b":{"type":"string"}}},{"properties":{"b":{"type":"string"}}},
                          {"properties":{"a":{"type":"array","items":{"type":"null"}}}}],
                 "required":["aa"],"properties":{"c":{"type":"string"}}})",
             R"({"a":[0,null,2,3,4,5,6,7,8,9,10],"b":1,"c":1})") ==
        Lines{"/a/0: 0 is not null (expected: null)", "/a/2: 2 is not null (expected: null)",
              "/a/3: 3 is not null (expected: null)", "/a/4: 4 is not null (expected: null)",
              "/a/5: 5 is not null (expected: null)", "/a/6: 6 is not null (expected: null)",
              "/a/7: 7 is not null (expected: null)", "/a/8: 8 is not null (expected: null)",
              "/a/9: 9 is not null (expected: null)", "/a/10: 10 is not null (expected: null)",
              "/aa: required, but missing", "/b: 1 is not a string (expected: string)",
              "/c: 1 is not a string (expected: string)"});
}

TEST_CASE("Of alternatives the closest is explained", "[schema]") {
  const std::string shapes = R"({"anyOf":[
      {"type":"object","properties":{"kind":{"const":"circle"},"radius":{"type":"number"}},"required":["radius"]},
      {"type":"object","properties":{"kind":{"const":"square"},"side":{"type":"number"}},"required":["side"]},
      {"type":"null"}]})";
  CHECK(told(shapes, R"({"kind":"square","side":"x"})") ==
        Lines{R"(/side: "x" is not a number (expected: number))"});
  CHECK(told(shapes, R"({"kind":"circle"})") == Lines{"/radius: required, but missing (expected: number)"});
  CHECK(
      told(shapes, "3") ==
      Lines{R"(: 3 is of no allowed form (expected: object with "radius"; or object with "side"; or null))"});
  CHECK(told(R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", "3") ==
        Lines{": 3 fits two alternatives, of which only one may (integer; number >= 2)"});
  CHECK(told(R"({"not":{"const":1}})", "1") == Lines{": 1 is not allowed (expected: anything but 1)"});
  CHECK(told(R"({"properties":{"a":false}})", R"({"a":1})") == Lines{"/a: not allowed here"});
}

TEST_CASE("Pointers are escaped", "[schema]") {
  CHECK(told(R"({"properties":{"a/b":{"additionalProperties":{"type":"null"}}}})", R"({"a/b":{"~":1}})") ==
        Lines{"/a~1b/~0: 1 is not null (expected: null)"});
}

TEST_CASE("A shown value is cut at 80 characters and never inside one", "[schema]") {
  const std::string smile = "\xf0\x9f\x98\x80";
  std::string many;
  for (int i = 0; i < 1000; ++i) many += smile;
  for (const Json& value : {Json(many), Json("a" + many), Json{{"a", many}}, Json(Json::array({1, many})),
                            Json(std::vector<int>(1000, 7)), Json(std::string(1000, '\x01')), Json{{many, 1}},
                            Json("\xff" + many)}) {
    const std::string text = schema::shown(value);
    CHECK(is_valid_utf8(text));
    CHECK(utf8_length(text) == schema::kMaxShownChars + 3);
    CHECK_THAT(text, EndsWith("..."));
  }
  CHECK(schema::shown(std::string(78, 'x')) == "\"" + std::string(78, 'x') + "\"");
  CHECK(schema::shown(std::string(79, 'x')) == "\"" + std::string(79, 'x') + "...");
  CHECK(schema::shown("a\nb\x1b[0m") == R"("a\nb\u001b[0m")");
}

TEST_CASE("All violations of a call make one text", "[schema]") {
  CHECK(describe_violations("exec", {{"/command", "required, but missing"}}) ==
        "exec: 1 problem with the arguments:\n- /command: required, but missing");
  CHECK(describe_violations("exec", {{"", "3 is not an object"}, {"/a\nb", "unknown property"}}) ==
        "exec: 2 problems with the arguments:\n- arguments: 3 is not an object\n- /a\\nb: unknown property");
}

TEST_CASE("Of many violations the first are told and the rest is counted", "[schema]") {
  const std::vector<Violation> short_ones(Schema::kMaxViolations + 7, {"/a", "wrong"});
  const std::string text = describe_violations("exec", short_ones);
  CHECK_THAT(text, StartsWith("exec: 27 problems with the arguments:\n- /a: wrong\n"));
  CHECK_THAT(text, EndsWith("\n- and 7 more"));
  CHECK_THAT(describe_violations("exec", std::vector<Violation>(Schema::kMaxFound, {"/a", "wrong"})),
             StartsWith("exec: 1000 or more problems"));
}

TEST_CASE("The text of violations is under 2000 characters and whole UTF-8", "[schema]") {
  std::string wide;
  for (int i = 0; i < 5000; ++i) wide += "\xe6\x97\xa5";
  const auto schema = *compile_schema(*parse_json(kExec));
  Json arguments = Json::object();
  for (int i = 0; i < 50; ++i) arguments[wide + std::to_string(i)] = 1;
  arguments["stream"] = wide;
  arguments["env"] = Json{{wide, 1}};
  const std::string text = describe_violations("exec", schema->validate(arguments));
  CHECK(utf8_length(text) < 2000);
  CHECK(is_valid_utf8(text));
  CHECK_THAT(text, ContainsSubstring(" more"));
}

}  // namespace
}  // namespace rexec::mcp
