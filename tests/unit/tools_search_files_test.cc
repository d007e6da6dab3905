#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::SearchMatch;
using sandbox::SearchResult;
using sandbox::SearchSpec;

namespace {

struct SearchBench : ToolBench {
  SearchSpec asked;
  SearchResult found;

  mcp::ToolResult search(Json arguments) {
    runner().on_search_files = [this](SearchSpec spec, const Op&,
                                      const sandbox::Completion<SearchResult>& done) {
      asked = std::move(spec);
      done(found);
    };
    return run("search_files", std::move(arguments));
  }
};

}  // namespace

TEST_CASE("search_files groups matches by file", "[tools]") {
  SearchBench bench;
  bench.found.matches = {{"a.c", 3, "one", false, false, {}, {}},
                         {"a.c", 9, "two", true, true, {}, {}},
                         {"b/c", 1, "three", false, false, {}, {}}};
  bench.found.files = 7;
  const auto result = bench.search({{"pattern", "x"}, {"path", "src"}});
  CHECK(text_of(result) == "src/a.c\n3:one\n9:…two…\nsrc/b/c\n1:three\n[3 matches in 7 files searched]");
  const Json& matches = result.structured->at("matches");
  REQUIRE(matches.size() == 3);
  CHECK(matches[1] == Json{{"path", "src/a.c"}, {"line", 9}, {"text", "…two…"}});
  CHECK(result.structured->at("files_searched") == 7);
  CHECK(result.structured->at("truncated") == false);
  CHECK(bench.asked.path == "/home/user/src");
  CHECK(bench.asked.limit == 100);
}

TEST_CASE("Lines around matches are shown once each, with gaps marked", "[tools]") {
  SearchBench bench;
  bench.found.matches = {{"a", 2, "x1", false, false, {"h"}, {"m"}},
                         {"a", 4, "x2", false, false, {"m"}, {"n"}},
                         {"a", 9, "x3", false, false, {"o"}, {}}};
  const auto result = bench.search({{"pattern", "x"}, {"context_lines", 1}, {"ignore_case", true}});
  CHECK_THAT(text_of(result), ContainsSubstring("~/a\n1-h\n2:x1\n3-m\n4:x2\n5-n\n--\n8-o\n9:x3\n["));
  CHECK(result.structured->at("matches")[0]["before"] == Json::array({"h"}));
  CHECK(bench.asked.context_lines == 1);
  CHECK(bench.asked.ignore_case);
}

TEST_CASE("A search in one file shows the path that was asked for", "[tools]") {
  SearchBench bench;
  bench.found.matches = {{"", 1, "x", false, false, {}, {}}};
  CHECK_THAT(text_of(bench.search({{"pattern", "x"}, {"path", "/etc/hosts"}})),
             ContainsSubstring("/etc/hosts\n1:x\n"));
}

TEST_CASE("search_files says what it left out", "[tools]") {
  SearchBench bench;
  bench.found.binary = 2;
  bench.found.long_lines = 1;
  bench.found.unreadable = 3;
  bench.found.stopped = sandbox::Stopped::time;
  const auto result = bench.search({{"pattern", "x"}});
  CHECK_THAT(text_of(result), ContainsSubstring("2 binary skipped") && ContainsSubstring("1 long lines") &&
                                  ContainsSubstring("3 files or directories could not be read") &&
                                  ContainsSubstring("stopped for lack of time"));
  CHECK(result.structured->at("truncated") == true);
  CHECK(result.structured->at("binary_skipped") == 2);
}

TEST_CASE("Many matches are cut at the budget in both forms alike", "[tools]") {
  SearchBench bench;
  bench.limits.default_chars = 200;
  for (std::uint64_t line = 1; line < 100; ++line)
    bench.found.matches.push_back({"a", line, "some text", false, false, {}, {}});
  const auto result = bench.search({{"pattern", "x"}});
  const std::size_t shown = result.structured->at("matches").size();
  CHECK(shown > 5);
  CHECK(shown < 20);
  CHECK(result.structured->at("truncated") == true);
  CHECK_THAT(text_of(result), ContainsSubstring("[" + std::to_string(shown) + " matches") &&
                                  ContainsSubstring("there are more"));
}

TEST_CASE("A pattern that RE2 does not know is refused before anything runs", "[tools]") {
  SearchBench bench;
  const auto result = bench.search({{"pattern", "(?=x)"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("/pattern") && ContainsSubstring("no look-around"));
  CHECK(bench.runner().calls().empty());
}
