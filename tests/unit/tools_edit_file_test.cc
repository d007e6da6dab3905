#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::Completion;
using sandbox::EditSpec;
using sandbox::FileEdited;

namespace {

struct EditBench : ToolBench {
  EditSpec spec;
  Result<FileEdited> answer = FileEdited{
      "/home/user/a.txt", 4, 1, std::string(64, 'a'), "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n", false};

  EditBench() {
    runner().on_edit_file = [this](EditSpec asked, const Op&, const Completion<FileEdited>& done) {
      spec = std::move(asked);
      done(answer);
    };
  }
  mcp::ToolResult edit(Json arguments) {
    if (!arguments.contains("path")) arguments["path"] = "a.txt";
    return run("edit_file", std::move(arguments));
  }
};

Json one_edit(const std::string& old_text = "a", const std::string& new_text = "b") {
  return {{"edits", Json::array({{{"old_text", old_text}, {"new_text", new_text}}})}};
}

}  // namespace

TEST_CASE("edit_file answers in both forms", "[tools]") {
  EditBench bench;
  const auto result = bench.edit(one_edit());
  CHECK_FALSE(result.is_error);
  CHECK(text_of(result) == "[edited /home/user/a.txt · 1 replacement · 4 bytes · sha256 " +
                               std::string(64, 'a') + "]\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n");
  CHECK(*result.structured == Json{{"sandbox", "default"},
                                   {"path", "/home/user/a.txt"},
                                   {"diff", "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"},
                                   {"replacements", 1},
                                   {"bytes", 4},
                                   {"sha256", std::string(64, 'a')}});
  CHECK(bench.spec.path == "/home/user/a.txt");
  REQUIRE(bench.spec.edits.size() == 1);
  CHECK(bench.spec.edits[0].old_text == "a");
  CHECK_FALSE(bench.spec.edits[0].replace_all);
  CHECK_FALSE(bench.spec.dry_run);
}

TEST_CASE("edit_file passes on patch, replace_all and dry_run, and takes empty forms for absent ones",
          "[tools]") {
  EditBench bench;
  bench.answer.value().replacements = 2;
  const auto result = bench.edit({{"patch", "@@\n-a\n+b\n"}, {"edits", Json::array()}, {"dry_run", "true"}});
  CHECK_THAT(text_of(result),
             ContainsSubstring("[dry run, nothing was written: would edit /home/user/a.txt · 2 hunks"));
  CHECK(result.structured->at("dry_run") == true);
  CHECK(bench.spec.patch == "@@\n-a\n+b\n");
  CHECK(bench.spec.dry_run);
  Json arguments = one_edit();
  arguments["edits"][0]["replace_all"] = true;
  arguments["patch"] = "";
  CHECK_THAT(text_of(bench.edit(arguments)), ContainsSubstring("2 replacements"));
  CHECK(bench.spec.edits[0].replace_all);
}

TEST_CASE("edit_file refuses what cannot be an edit, all of it at once", "[tools]") {
  EditBench bench;
  CHECK_THAT(text_of(bench.edit(Json::object())), ContainsSubstring("expected exactly one of edits, patch"));
  Json both = one_edit();
  both["patch"] = "+a";
  CHECK_THAT(text_of(bench.edit(both)), ContainsSubstring("expected exactly one of edits, patch"));
  Json several = one_edit("", "x");
  several["edits"].push_back({{"old_text", "same"}, {"new_text", "same"}});
  const auto refused = bench.edit(several);
  CHECK(refused.is_error);
  CHECK_THAT(text_of(refused), ContainsSubstring("/edits/0/old_text"));
  CHECK_THAT(text_of(refused), ContainsSubstring("write_file makes new files"));
  CHECK_THAT(text_of(refused), ContainsSubstring("/edits/1/new_text"));
  CHECK_THAT(text_of(bench.edit({{"edits", Json::array({{{"old_text", "a"}}})}})),
             ContainsSubstring("new_text"));
  CHECK_THAT(
      text_of(bench.edit({{"edits", Json::array({{{"old_text", "a"}, {"new_text", "b"}, {"oldtext", 1}}})}})),
      ContainsSubstring("oldtext"));
  Json many = one_edit();
  for (int i = 0; i < 256; ++i) many["edits"].push_back(many["edits"][0]);
  CHECK_THAT(text_of(bench.edit(many)), ContainsSubstring("at most 256"));
  CHECK_THAT(text_of(bench.edit(one_edit("a", std::string(1 << 20, 'b')))),
             ContainsSubstring("at most 1048576"));
  CHECK_THAT(text_of(bench.edit({{"patch", std::string((1 << 20) + 1, '+')}})), ContainsSubstring("/patch"));
  CHECK(bench.runner().calls().empty());
}

TEST_CASE("A change that does not fit says why, and what to do", "[tools]") {
  EditBench bench;
  bench.answer =
      Error{ErrorCode::failed_precondition, "/edits/0/old_text was found 0 times in the file.\n3| x"};
  const auto result = bench.edit(one_edit());
  CHECK(result.is_error);
  CHECK(text_of(result) == "Nothing was changed. /edits/0/old_text was found 0 times in the file.\n3| x");
}

TEST_CASE("A file that is not there is said to be", "[tools]") {
  EditBench bench;
  bench.answer = Error{ErrorCode::not_found, "does not exist"};
  bench.runner().on_stat_file = [](const std::string&, bool, const Op&,
                                   const Completion<sandbox::FileInfo>& done) {
    done(sandbox::FileInfo{sandbox::FileType::dir, 0, 0755, 0, ""});
  };
  CHECK_THAT(text_of(bench.edit(one_edit())), ContainsSubstring("There is no file \"/home/user/a.txt\""));
}

TEST_CASE("A long diff is cut in the middle, and says so in both forms", "[tools]") {
  EditBench bench;
  std::string diff = "--- a/a\n+++ b/a\n@@ -0,0 +1,20000 @@\n";
  for (int i = 0; i < 20'000; ++i) diff += "+line " + std::to_string(i) + "\n";
  bench.answer.value().diff = diff;
  bench.answer.value().diff_cut = true;
  const auto result = bench.edit(one_edit());
  CHECK(text_of(result).size() < 32'000);
  CHECK_THAT(text_of(result), ContainsSubstring("lines of the diff left out"));
  CHECK_THAT(text_of(result), ContainsSubstring("[the rest of the diff was left out]"));
  CHECK(result.structured->at("diff_omitted_lines").get<std::size_t>() > 10'000);
  CHECK(result.structured->at("diff_cut") == true);
  CHECK_THAT(result.structured->at("diff").get<std::string>(), ContainsSubstring("+line 19999"));
}
