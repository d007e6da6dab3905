#include "sandbox-client/local/remove_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "tests/support/catch.h"

namespace rexec::sandbox {
namespace {

class FilledDirectory {
 public:
  FilledDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "rexec-remove-XXXXXX";
    path_ = mkdtemp(pattern.data());
    fd_.reset(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    make("tree");
  }
  ~FilledDirectory() { std::filesystem::remove_all(path_); }

  int fd() const { return fd_.get(); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void make(const std::string& name) const { std::filesystem::create_directories(*this / name); }
  void write(const std::string& name) const { std::ofstream(*this / name) << "text"; }
  bool has(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(*this / name));
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

TEST_CASE("remove_tree removes files, directories and whatever they are called", "[local]") {
  const FilledDirectory scratch;
  scratch.make("tree/a/b/c");
  for (const char* name :
       {"f", "a/f", "a/b/f", "a/b/c/f", "-rf", "a/ ", "a/\n", ".rexec-removed-1", "a/.hidden"})
    scratch.write(std::string("tree/") + name);
  scratch.make("tree/.rexec-removed-2/x");
  REQUIRE(mkfifo((scratch / "tree/a/fifo").c_str(), 0600) == 0);
  REQUIRE(remove_tree(scratch.fd(), "tree", {}));
  CHECK_FALSE(scratch.has("tree"));
  CHECK(remove_tree(scratch.fd(), "tree", {}));
}

TEST_CASE("remove_tree is not stopped by files with the names it might move directories to", "[local]") {
  constexpr int kNames = 60;
  const FilledDirectory scratch;
  for (int i = 1; i <= kNames; ++i) {
    scratch.make("tree/q" + std::to_string(i) + "/b/c");
    const std::string name = "tree/.rexec-removed-" + std::to_string(i);
    if (i % 2 == 0) {
      scratch.write(name);
    } else {
      std::filesystem::create_symlink("q1", scratch / name);
    }
  }
  REQUIRE(remove_tree(scratch.fd(), "tree", {}));
  CHECK_FALSE(scratch.has("tree"));
}

TEST_CASE("remove_tree never follows a symbolic link", "[local]") {
  const FilledDirectory scratch;
  scratch.make("outside/kept");
  scratch.write("outside/kept/file");
  scratch.make("tree/a");
  std::filesystem::create_symlink(scratch / "outside", scratch / "tree/link");
  std::filesystem::create_symlink("../../outside/kept", scratch / "tree/a/link");
  std::filesystem::create_symlink("/", scratch / "tree/a/root");
  REQUIRE(remove_tree(scratch.fd(), "tree", {}));
  CHECK(scratch.has("outside/kept/file"));

  std::filesystem::create_symlink("outside", scratch / "tree");
  CHECK_FALSE(remove_tree(scratch.fd(), "tree", {}));
  CHECK(scratch.has("outside/kept/file"));
}

TEST_CASE("remove_tree opens up directories without permissions", "[local]") {
  const FilledDirectory scratch;
  scratch.make("tree/a/b/c");
  scratch.write("tree/a/b/c/f");
  for (const char* name : {"tree/a/b/c", "tree/a/b", "tree/a", "tree"})
    REQUIRE(chmod((scratch / name).c_str(), 0) == 0);
  REQUIRE(remove_tree(scratch.fd(), "tree", {}));
  CHECK_FALSE(scratch.has("tree"));
}

TEST_CASE("remove_tree removes trees that are deeper than a path can be long", "[local]") {
  constexpr int kDepth = 6000;
  const FilledDirectory scratch;
  UniqueFd at(openat(scratch.fd(), "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < kDepth; ++i) {
    REQUIRE(mkdirat(at.get(), "directory", 0700) == 0);
    at.reset(openat(at.get(), "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(at.valid());
  }
  at.reset();
  REQUIRE(remove_tree(scratch.fd(), "tree", {}));
  CHECK_FALSE(scratch.has("tree"));
}

TEST_CASE("remove_tree gives up with its op and can be called again", "[local]") {
  const FilledDirectory scratch;
  scratch.write("tree/f");
  std::stop_source source;
  source.request_stop();
  const Status stopped = remove_tree(scratch.fd(), "tree", Op{source.get_token(), Deadline::infinite()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == ErrorCode::cancelled);
  const Status late = remove_tree(scratch.fd(), "tree", Op{{}, Deadline::after(Duration::zero())});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::deadline_exceeded);
  CHECK(scratch.has("tree/f"));
  REQUIRE(remove_tree(scratch.fd(), "tree", {}));
  CHECK_FALSE(scratch.has("tree"));
}

}  // namespace rexec::sandbox
