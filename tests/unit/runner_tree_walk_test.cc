#include "sandbox-client/runner/tree_walk.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/tree_work.h"
#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

class Tree {
 public:
  Tree() {
    std::string path = fs::temp_directory_path() / "rexec-tree-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    root = path;
  }
  ~Tree() { fs::remove_all(root); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  void file(const std::string& path, const std::string& contents = {}) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << contents;
  }
  Fd open() const { return Fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

  fs::path root;
};

struct Everything final : TreeFilter {
  bool lists(std::string_view, std::string_view) const override { return true; }
  bool enters(std::string_view, std::string_view, std::size_t) const override { return true; }
};

const Everything everything;

Paths walk(const Tree& tree, const std::string& after = {}, std::size_t held = TreeWalk::kMaxHeldNames) {
  TreeWalk walking(tree.open(), everything, after, monotonic_us() + 60'000'000, held);
  Paths paths;
  while (walking.next() == TreeWalk::Step::entry) paths.push_back(walking.path());
  return paths;
}

Listing list(const Tree& tree, ListFiles wanted) {
  wanted.path = tree.root;
  wanted.limit = wanted.limit == 0 ? 1000 : wanted.limit;
  wanted.max_ms = 60000;
  Listing listing;
  Failure failure;
  INFO(failure.text);
  CHECK(list_tree(wanted, listing, failure));
  return listing;
}

Paths paths_of(const Listing& listing) {
  Paths paths;
  for (const ListedFile& entry : listing.entries) paths.push_back(entry.path);
  return paths;
}

}  // namespace

TEST_CASE("A tree is walked in bytewise order of the whole path", "[runner]") {
  const Tree tree;
  for (const char* path : {"a/b", "a-b", "a/c/d", "a0", "a.x/y", "\xff/z", "é"}) tree.file(path);
  const Paths expected{"a", "a-b", "a.x", "a.x/y", "a/b", "a/c", "a/c/d", "a0", "é", "\xff", "\xff/z"};
  CHECK(walk(tree) == expected);
}

TEST_CASE("A walk goes on behind any path, whether it is there or not", "[runner]") {
  const Tree tree;
  for (const char* path : {"a/b", "a-b", "a/c/d", "a/c-", "a0", "b/a/a", "b/b"}) tree.file(path);
  const Paths all = walk(tree);
  CHECK(std::is_sorted(all.begin(), all.end()));
  Paths starts = all;
  for (const char* other : {"", "a/", "a/c/", "a/c/d/e", "a!", "zzz", "b/a/", "a/c/0"})
    starts.push_back(other);
  for (const std::string& after : starts) {
    Paths expected;
    std::copy_if(all.begin(), all.end(), std::back_inserter(expected),
                 [&](auto& path) { return path > after; });
    INFO(after);
    CHECK(walk(tree, after) == expected);
    CHECK(walk(tree, after, 0) == expected);
  }
}

TEST_CASE("A directory with more names than are held is read in parts", "[runner]") {
  const Tree tree;
  for (int i = 0; i < 1000; ++i)
    tree.file((i % 3 == 0 ? "d" : "f") + std::to_string(i) + (i % 3 ? "" : "/x"));
  const Paths all = walk(tree);
  CHECK(all.size() == 1334);
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(walk(tree, {}, 0) == all);
}

TEST_CASE("Symlinks are listed and never followed", "[runner]") {
  const Tree tree;
  tree.file("d/x", "secret\n");
  fs::create_directory_symlink("/", tree.root / "root");
  fs::create_directory_symlink("d", tree.root / "link");
  fs::create_symlink("nowhere", tree.root / "dangling");
  CHECK(walk(tree) == Paths{"d", "d/x", "dangling", "link", "root"});
  const Listing listing = list(tree, {});
  REQUIRE(listing.entries.size() == 4);
  CHECK(listing.entries[2].info.type == FileType::symlink);
  CHECK(listing.entries[2].info.target == "d");
  SearchFiles wanted;
  wanted.path = tree.root;
  wanted.pattern = ".";
  wanted.limit = 10;
  wanted.max_ms = 60000;
  SearchResult result;
  Failure failure;
  REQUIRE(search_tree(wanted, result, failure));
  CHECK(result.files == 1);
  wanted.path = tree.root / "link";  // only the one that is asked for
  result = {};
  REQUIRE(search_tree(wanted, result, failure));
  CHECK(result.matches.size() == 1);
}

TEST_CASE("Directories beyond the bound on depth are counted, not entered", "[runner]") {
  const Tree tree;
  std::string path = "d";
  for (std::size_t i = 0; i < kMaxTreeDepth + 5; ++i) path += "/d";
  tree.file(path + "/x");
  TreeWalk walking(tree.open(), everything, {}, monotonic_us() + 60'000'000);
  std::size_t count = 0;
  while (walking.next() == TreeWalk::Step::entry) ++count;
  CHECK(count == kMaxTreeDepth);
  CHECK(walking.gaps().too_deep == 1);
}

TEST_CASE("A walk that is late goes on where it was without repeating anything", "[runner]") {
  const Tree tree;
  for (int i = 0; i < 20; ++i) tree.file("d" + std::to_string(i) + "/x");
  TreeWalk walking(tree.open(), everything, {}, 0);
  CHECK(walking.next() == TreeWalk::Step::late);
  ListFiles wanted;
  wanted.path = tree.root;
  wanted.depth = 2;
  wanted.limit = 1000;
  wanted.max_ms = 0;
  Listing listing;
  Failure failure;
  REQUIRE(list_tree(wanted, listing, failure));
  CHECK(listing.stopped == Stopped::time);
  CHECK(listing.next.empty());
}

TEST_CASE("Pages of a listing make up the whole", "[runner]") {
  const Tree tree;
  for (const char* path : {"a/b", "a-b", "a/c/d", "x", ".h/y"}) tree.file(path);
  ListFiles wanted;
  wanted.depth = kMaxTreeDepth;
  const Paths all = paths_of(list(tree, wanted));
  CHECK(all == Paths{"a", "a-b", "a/b", "a/c", "a/c/d", "x"});
  Paths pages;
  wanted.limit = 1;
  for (bool more = true; more;) {
    const Listing page = list(tree, wanted);
    REQUIRE(page.entries.size() == 1);
    pages.push_back(page.entries[0].path);
    more = page.stopped == Stopped::limit;
    if (more) CHECK(page.next == pages.back());
    wanted.after = page.next;
  }
  CHECK(pages == all);
}

TEST_CASE("Depth, hidden names and globs select what is listed", "[runner]") {
  const Tree tree;
  for (const char* path : {"a/b.c", "a/x/y.c", "z.c", ".h/w.c", ".git/config"}) tree.file(path);
  const auto listed = [&](ListFiles wanted) { return paths_of(list(tree, std::move(wanted))); };
  ListFiles wanted;
  CHECK(listed(wanted) == Paths{"a", "z.c"});
  wanted.hidden = true;
  CHECK(listed(wanted) == Paths{".git", ".h", "a", "z.c"});
  wanted.depth = kMaxTreeDepth;
  wanted.glob = "*.c";
  CHECK(listed(wanted) == Paths{".h/w.c", "a/b.c", "a/x/y.c", "z.c"});
  wanted.hidden = false;
  CHECK(listed(wanted) == Paths{"a/b.c", "a/x/y.c", "z.c"});
  wanted.depth = 2;
  CHECK(listed(wanted) == Paths{"a/b.c", "z.c"});
  wanted.glob = ".h/*";
  CHECK(listed(wanted) == Paths{".h/w.c"});
}

}  // namespace rexec::runner
