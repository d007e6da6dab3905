#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::FileType;
using sandbox::ListEntry;
using sandbox::Listing;
using sandbox::ListSpec;

namespace {

ListEntry entry(std::string path, FileType type = FileType::file, std::uint64_t size = 0) {
  ListEntry made;
  made.path = std::move(path);
  made.info = {type, size, 0644, 1'700'000'000'000, type == FileType::symlink ? "../x" : ""};
  return made;
}

struct ListBench : ToolBench {
  ListSpec asked;
  Listing listing;

  mcp::ToolResult list(Json arguments = Json::object()) {
    runner().on_list_files = [this](ListSpec spec, const Op&, const sandbox::Completion<Listing>& done) {
      asked = std::move(spec);
      done(listing);
    };
    return run("list_files", std::move(arguments));
  }
};

}  // namespace

TEST_CASE("list_files shows a home in both forms", "[tools]") {
  ListBench bench;
  bench.listing.entries = {entry("a.c", FileType::file, 12), entry("d", FileType::dir),
                           entry("l", FileType::symlink), entry("s", FileType::other)};
  const auto result = bench.list();
  CHECK(text_of(result) ==
        "~/a.c  12\n~/d/\n~/l -> ../x\n~/s  (device, FIFO or socket)\n[4 entries below ~]");
  const Json& entries = result.structured->at("entries");
  REQUIRE(entries.size() == 4);
  CHECK(entries[0] == Json{{"path", "~/a.c"},
                           {"type", "file"},
                           {"size", 12},
                           {"mode", "0644"},
                           {"modified", "2023-11-14T22:13:20.000Z"}});
  CHECK(entries[2]["target"] == "../x");
  CHECK(result.structured->at("truncated") == false);
  CHECK(bench.asked.path == "/home/user");
  CHECK(bench.asked.depth == 1);
  CHECK(bench.asked.limit == 500);
}

TEST_CASE("list_files looks at all levels for a glob unless told how many", "[tools]") {
  ListBench bench;
  bench.list({{"glob", "*.c"}});
  CHECK(bench.asked.depth == 64);
  bench.list({{"glob", "*.c"}, {"depth", 2}, {"hidden", true}});
  CHECK(bench.asked.depth == 2);
  CHECK(bench.asked.hidden);
  CHECK_THAT(text_of(bench.list({{"depth", 65}})), ContainsSubstring("/depth"));
}

TEST_CASE("Paths of list_files begin as the path that was asked for", "[tools]") {
  ListBench bench;
  bench.listing.entries = {entry("a")};
  const auto path = [&](const char* asked) {
    return bench.list({{"path", asked}}).structured->at("entries")[0]["path"].get<std::string>();
  };
  CHECK(path("src") == "src/a");
  CHECK(path("src/") == "src/a");
  CHECK(path(".") == "a");
  CHECK(path("/") == "/a");
  CHECK(path("/etc") == "/etc/a");
  CHECK(path("~/x") == "~/x/a");
}

TEST_CASE("A cut listing says how to go on, and going on works", "[tools]") {
  ListBench bench;
  bench.listing.entries = {entry("a"), entry("b")};
  bench.listing.stopped = sandbox::Stopped::limit;
  bench.listing.next = "b";
  const auto result = bench.list({{"path", "src"}});
  CHECK(result.structured->at("truncated") == true);
  CHECK(result.structured->at("next_after") == "src/b");
  CHECK_THAT(text_of(result), ContainsSubstring("there are more: go on with {\"after\":\"src/b\"}"));
  bench.list({{"path", "src"}, {"after", "src/b"}});
  CHECK(bench.asked.after == "b");
  bench.list({{"path", "src"}, {"after", "/home/user/src/b"}});
  CHECK(bench.asked.after == "b");
  const auto refused = bench.list({{"path", "src"}, {"after", "other/b"}});
  CHECK(refused.is_error);
  CHECK_THAT(text_of(refused), ContainsSubstring("/after") && ContainsSubstring("\"src/\""));
}

TEST_CASE("A long listing is cut at the budget in both forms alike", "[tools]") {
  ListBench bench;
  bench.limits.default_chars = 100;
  for (int i = 10; i < 99; ++i) bench.listing.entries.push_back(entry("name" + std::to_string(i)));
  const auto result = bench.list();
  const Json& entries = result.structured->at("entries");
  CHECK(entries.size() > 3);
  CHECK(entries.size() < 12);
  CHECK(result.structured->at("next_after") == entries.back()["path"]);
}

TEST_CASE("A name that is not UTF-8 is shown replaced and given exactly", "[tools]") {
  ListBench bench;
  bench.listing.entries = {entry("a\xff"), entry("b\nc")};
  bench.listing.stopped = sandbox::Stopped::limit;
  bench.listing.next = "a\xff";
  const auto result = bench.list();
  CHECK_THAT(text_of(result),
             ContainsSubstring("~/a\xef\xbf\xbd  0\n~/b\xef\xbf\xbd") && ContainsSubstring("c  0"));
  const Json& entries = result.structured->at("entries");
  CHECK(entries[0]["path_base64"] == "fi9h/w==");
  CHECK_FALSE(entries[1].contains("path_base64"));
  CHECK(result.structured->at("next_after") == "base64:fi9h/w==");
  bench.list({{"after", "base64:fi9h/w=="}});
  CHECK(bench.asked.after == "a\xff");
}

TEST_CASE("list_files explains what it could not do", "[tools]") {
  ListBench bench;
  bench.listing.unreadable = 2;
  bench.listing.too_deep = 1;
  const auto result = bench.list();
  CHECK_THAT(text_of(result), ContainsSubstring("2 directories could not be read") &&
                                  ContainsSubstring("1 directories lie too deep"));
  CHECK(result.structured->at("unreadable") == 2);
  bench.runner().on_list_files = [](const ListSpec&, const Op&, const sandbox::Completion<Listing>& done) {
    done(Error{ErrorCode::invalid_argument, "the glob cannot be used: \"[\" has no \"]\""});
  };
  const auto failed = bench.run("list_files", {{"glob", "["}});
  CHECK(failed.is_error);
  CHECK_THAT(text_of(failed), ContainsSubstring("the glob cannot be used"));
}

namespace {

const std::string kNameToken = "tok/en=of 8+ bytes";

struct SecretTree : ToolBench {
  std::vector<std::string> paths;
  std::size_t asked = 0;

  explicit SecretTree(std::vector<std::string> of) : paths(std::move(of)) {
    configure({{"TOKEN", [](const Op&) -> Result<std::string> { return kNameToken; }}});
    std::sort(paths.begin(), paths.end());
    runner().on_list_files = [this](const ListSpec& spec, const Op&,
                                    const sandbox::Completion<Listing>& done) {
      ++asked;
      Listing page;
      for (const std::string& path : paths) {
        if (path <= spec.after) continue;
        if (page.entries.size() == spec.limit) {
          page.stopped = sandbox::Stopped::limit;
          page.next = page.entries.back().path;
          break;
        }
        page.entries.push_back(entry(path, FileType::file, page.entries.size()));
      }
      done(std::move(page));
    };
  }

  /// Entries of all pages; fewer than there are when the pages do not come to an end.
  std::size_t page_through(Json arguments) {
    std::size_t entries = 0;
    for (std::size_t pages = 0; pages <= paths.size(); ++pages) {
      const auto result = run("list_files", arguments);
      INFO(text_of(result));
      REQUIRE_FALSE(result.is_error);
      const std::string all = text_of(result) + dump_json(*result.structured);
      CHECK(all.find(kNameToken) == all.npos);
      CHECK(all.find("en=of 8+") == all.npos);
      entries += result.structured->at("entries").size();
      if (result.structured->at("truncated") == false) return entries;
      arguments["after"] = result.structured->at("next_after");
    }
    return 0;
  }
};

}  // namespace

TEST_CASE("Pages that end at a name with a secret go on behind it, once", "[tools]") {
  SecretTree bench({"a", "b-" + kNameToken + "-1", "b-" + kNameToken + "-2", "b-" + kNameToken + "-3", "c",
                    kNameToken + "/one", kNameToken + "/two", "z" + kNameToken});
  for (std::size_t limit = 1; limit <= bench.paths.size() + 1; ++limit) {
    INFO("limit " << limit);
    CHECK(bench.page_through({{"limit", limit}, {"depth", 3}}) == bench.paths.size());
  }
  // Cut by the tool for the size of the answer.
  bench.limits.default_chars = 40;
  CHECK(bench.page_through(Json::object()) == bench.paths.size());
}

TEST_CASE("A secret that begins in the path of a listing is no end of its pages", "[tools]") {
  SecretTree bench({"en=of 8+ bytes", "en=of 8+ bytes.1", "en=of 8+ bytes.2"});
  CHECK(bench.page_through({{"path", "/cache/tok"}, {"limit", 1}}) == bench.paths.size());
  SecretTree inside({"a", "b", "c"});
  CHECK(inside.page_through({{"path", "~/" + kNameToken}, {"limit", 1}}) == inside.paths.size());
}

TEST_CASE("A position that no listing gave is refused", "[tools]") {
  SecretTree bench({"a" + kNameToken, "b" + kNameToken, "c"});
  const auto page = bench.run("list_files", {{"limit", 1}});
  std::string position = page.structured->at("next_after");
  REQUIRE(position.starts_with("position:"));
  CHECK(bench.run("list_files", {{"after", position}}).structured->at("entries").size() == 2);
  const std::size_t asked = bench.asked;
  char& digit = position[20];
  digit = digit == 'A' ? 'B' : 'A';
  for (const std::string& after : {position, std::string("position:"), std::string("position:a/b")}) {
    const auto refused = bench.run("list_files", {{"after", after}});
    CHECK(refused.is_error);
    CHECK_THAT(text_of(refused), ContainsSubstring("is not one of this server"));
  }
  SecretTree restarted({"a"});
  CHECK(restarted.run("list_files", {{"after", page.structured->at("next_after")}}).is_error);
  CHECK(bench.asked == asked);
}

TEST_CASE("A file may be called like a position", "[tools]") {
  SecretTree bench({"position:x", "position:y", "z"});
  CHECK(bench.page_through({{"path", "."}, {"limit", 1}}) == 3);
}
