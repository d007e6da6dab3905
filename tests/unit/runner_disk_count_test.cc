#include "sandbox-client/runner/disk_count.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"

namespace rexec::runner {
namespace {

namespace fs = std::filesystem;
using Step = DiskCount::Step;

struct Tree : test::ScratchDirectory {
  void file(const std::string& name, std::size_t size) const { write(name, std::string(size, 'x')); }

  const fs::path root = path();
};

std::uint64_t blocks(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

std::uint64_t blocks_of_tree(const fs::path& root) {
  std::uint64_t sum = blocks(root);
  for (const auto& entry : fs::recursive_directory_iterator(root)) sum += blocks(entry.path());
  return sum;
}

std::uint64_t count(const fs::path& root, std::size_t entries) {
  DiskCount counting(root);
  Step step = Step::unfinished;
  while (step == Step::unfinished) step = counting.advance(entries);
  REQUIRE(step == Step::counted);
  return counting.bytes();
}

}  // namespace

TEST_CASE("a tree is counted whatever the size of the pieces", "[runner]") {
  const Tree tree;
  for (int i = 0; i < 300; ++i) tree.file("many/" + std::to_string(i), 100);
  tree.file("a/b/c/large", 300'000);
  tree.file("a/b/d", 5'000);
  fs::create_symlink("/", tree.root / "a/everything");
  fs::create_directory_symlink("..", tree.root / "a/up");
  const std::uint64_t expected = blocks_of_tree(tree.root);
  REQUIRE(expected >= 300'000 + 5'000 + 300 * 512);
  for (const std::size_t entries : {std::size_t{1}, std::size_t{7}, std::size_t{256}, std::size_t{100'000}})
    CHECK(count(tree.root, entries) == expected);
}

TEST_CASE("a file with two names counts once", "[runner]") {
  const Tree tree;
  tree.file("one", 1 << 20);
  const std::uint64_t before = count(tree.root, 100);
  fs::create_hard_link(tree.root / "one", tree.root / "two");
  CHECK(count(tree.root, 100) == before);
}

TEST_CASE("a directory without permissions hides nothing, and keeps its mode", "[runner]") {
  const Tree tree;
  tree.file("closed/inner/large", 1 << 20);
  const std::uint64_t expected = count(tree.root, 100);
  for (const mode_t mode : {mode_t{0}, mode_t{0300}, mode_t{0111}}) {
    REQUIRE(::chmod((tree.root / "closed").c_str(), mode) == 0);
    CHECK(count(tree.root, 100) == expected);
    struct stat status {};
    REQUIRE(::stat((tree.root / "closed").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == mode);
  }
  ::chmod((tree.root / "closed").c_str(), 0700);
}

TEST_CASE("a hole takes no room", "[runner]") {
  const Tree tree;
  tree.file("sparse", 1);
  fs::resize_file(tree.root / "sparse", std::uintmax_t{1} << 40);
  CHECK(count(tree.root, 100) < 1 << 20);
}

TEST_CASE("a tree that vanishes while it is counted ends the count", "[runner]") {
  const Tree tree;
  for (int i = 0; i < 50; ++i) tree.file("x/y/" + std::to_string(i), 10);
  DiskCount counting(tree.root);
  REQUIRE(counting.advance(10) == Step::unfinished);
  fs::remove_all(tree.root / "x");
  CHECK(counting.advance(1000) == Step::counted);
  CHECK(count("/nonexistent", 10) == 0);
}

TEST_CASE("a tree deeper than the bound is said to be", "[runner]") {
  const Tree tree;
  Fd at(::open(tree.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t depth = 0; depth < DiskCount::kMaxDepth; ++depth) {
    if (depth == DiskCount::kMaxDepth - 1) {
      DiskCount fits(tree.root);
      CHECK(fits.advance(1 << 20) == Step::counted);
    }
    REQUIRE(::mkdirat(at.get(), "d", 0700) == 0);
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  DiskCount counting(tree.root);
  CHECK(counting.advance(1 << 20) == Step::too_deep);
}

}  // namespace rexec::runner
