#include "sandbox-client/local/protected_paths.h"

#include <fcntl.h>

#include <stdio.h>

#include <filesystem>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/require.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using rexec::test::ContainsSubstring;
using rexec::test::ScratchDirectory;
namespace fs = std::filesystem;

/// What a shell command writes.
std::string output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int c = ::fgetc(pipe); c != EOF; c = ::fgetc(pipe)) text += static_cast<char>(c);
  CHECK(::pclose(pipe) == 0);
  return text;
}

struct Box {
  ScratchDirectory scratch;
  std::string state = scratch.make("state");
  std::string path = scratch.make("workspace");
  UniqueFd root{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};

  Result<Placeholders> placeholders() const { return Placeholders::open(root.get(), path, state); }
  bool has(const std::string& name) const {
    return fs::symlink_status(path + "/" + name).type() != fs::file_type::not_found;
  }
  void repository(const std::string& name) const {
    scratch.write("workspace/" + name + "/HEAD", "ref: refs/heads/main\n");
    scratch.write("workspace/" + name + "/config", "[core]\n\tbare = false\n");
    scratch.write("workspace/" + name + "/hooks/pre-commit.sample", "#!/bin/sh\n");
  }
};

/// Whether each path is read-only.
using Pins = std::map<std::string, bool>;

Pins pins_of(const Protection& protection) {
  Pins pins;
  for (const Pin& pin : protection.pins) pins[pin.path] = pin.read_only;
  return pins;
}

Pins pins_in(const Box& box, bool followed = true) {
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {}, *placeholders);
  REQUIRE(found);
  CHECK(found->followed == followed);
  return pins_of(*found);
}

/// Whether a path, or a directory above it, is read-only.
bool covers(const Pins& pins, const std::string& path) {
  for (fs::path at = path; !at.empty(); at = at.parent_path())
    if (const auto found = pins.find(at.string()); found != pins.end() && found->second) return true;
  return false;
}

}  // namespace

TEST_CASE("what programs of the person would run is protected, and stays where it is", "[local]") {
  const Box box;
  box.repository(".git");
  box.scratch.write("workspace/.envrc", "true\n");
  box.scratch.write("workspace/.bashrc", "true\n");
  box.scratch.write("workspace/src/main.c", "int main;\n");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {}, *placeholders);
  REQUIRE(found);
  CHECK(found->complete);
  const auto pins = pins_of(*found);
  for (const char* path : {".git/hooks", ".git/config", ".git/config.worktree", ".git/commondir", ".envrc",
                           ".bashrc", ".vscode", ".idea", ".claude", ".cursor", ".mcp.json"}) {
    CAPTURE(path);
    REQUIRE(pins.contains(path));
    CHECK(pins.at(path));
  }
  CHECK(pins.at(".git") == false);
  CHECK_FALSE(pins.contains("src"));
  CHECK_FALSE(pins.contains(".zshrc"));
}

TEST_CASE("nested repositories, submodules and worktrees are protected with all directories above",
          "[local]") {
  const Box box;
  box.repository("a/b/.git");
  box.repository(".git");
  box.repository(".git/modules/libs/one");
  box.scratch.write("workspace/libs/one/.git", "gitdir: ../../.git/modules/libs/one\n");
  box.scratch.write("workspace/.git/worktrees/w/commondir", "../..\n");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {}, *placeholders);
  REQUIRE(found);
  const auto pins = pins_of(*found);
  for (const char* path : {"a/b/.git/hooks", "a/b/.git/commondir", ".git/modules/libs/one/hooks",
                           ".git/modules/libs/one/config", "libs/one/.git", ".git/worktrees/w/commondir"}) {
    CAPTURE(path);
    REQUIRE(pins.contains(path));
    CHECK(pins.at(path));
  }
  for (const char* path : {"a", "a/b", "a/b/.git", ".git/modules", ".git/modules/libs", "libs", "libs/one",
                           ".git/worktrees", ".git/worktrees/w"}) {
    CAPTURE(path);
    REQUIRE(pins.contains(path));
    CHECK_FALSE(pins.at(path));
  }
  std::map<std::string, std::size_t> order;
  for (std::size_t i = 0; i < found->pins.size(); ++i) order[found->pins[i].path] = i;
  for (const auto& [path, position] : order)
    if (const auto above = order.find(fs::path(path).parent_path()); above != order.end())
      CHECK(above->second < position);
}

TEST_CASE("a hooks path that git is configured with is protected too", "[local]") {
  const Box box;
  box.repository("app/.git");
  box.scratch.write("workspace/app/.git/config", "[core]\n\thooksPath = .husky/_\n");
  box.scratch.write("workspace/app/.husky/_/pre-commit", "#!/bin/sh\n");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {}, *placeholders);
  REQUIRE(found);
  const auto pins = pins_of(*found);
  CHECK(pins.at("app/.husky/_"));
  CHECK_FALSE(pins.at("app/.husky"));
}

TEST_CASE("the hooks that git takes are protected, however they are written", "[local]") {
  REXEC_SKIP_WITHOUT("patch");
  const Box box;
  const std::string git =
      "cd " + box.path + "/r && GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME=/nonexistent git ";
  box.scratch.make("workspace/r");
  output_of(git + "init -q");
  box.scratch.make("workspace/r/there");
  box.scratch.make("workspace/other");
  const std::string head = "[core]\nrepositoryformatversion = 0\nbare = false\n";
  for (const std::string& value :
       {std::string(".githooks # team"), std::string("\"my hooks\" ; x"), std::string("a\\\nb"),
        std::string("there"), std::string("there/"), std::string("./there/./deep/er"),
        std::string("../other/h"), std::string(".git/own"), std::string("a \\\"b\\\""),
        box.path + "/other/absolute", std::string("there//x"), std::string("x/../there")}) {
    CAPTURE(value);
    box.scratch.write("workspace/r/.git/config", head + "[CORE]\nHooksPath = " + value + "\n");
    std::string taken = output_of(git + "rev-parse --git-path hooks");
    REQUIRE(!taken.empty());
    taken.pop_back();
    const std::string whole = (fs::path(box.path) / "r" / taken).lexically_normal().string();
    REQUIRE(whole.starts_with(box.path + "/"));
    std::string inside = whole.substr(box.path.size() + 1);
    if (inside.back() == '/') inside.pop_back();
    CAPTURE(inside);
    CHECK(covers(pins_in(box), inside));
  }
}

TEST_CASE("hooks that are not there yet cannot be made, and leave nothing behind", "[local]") {
  const Box box;
  box.repository(".git");
  box.scratch.write("workspace/.git/config", "[core]\nhooksPath=.husky/_/x\n");
  {
    auto placeholders = box.placeholders();
    REQUIRE(placeholders);
    const auto found = find_protection(box.root.get(), {}, *placeholders);
    REQUIRE(found);
    CHECK(found->followed);
    CHECK(pins_of(*found).at(".husky"));
    CHECK(box.has(".husky"));
  }
  CHECK_FALSE(box.has(".husky"));
  CHECK_FALSE(box.has(".git/.husky"));
  box.scratch.make("workspace/.husky");
  CHECK(pins_in(box).at(".husky/_"));
  CHECK_FALSE(pins_in(box).at(".husky"));
  CHECK_FALSE(box.has(".husky/_"));
}

TEST_CASE("files that a configuration includes are protected, and obeyed", "[local]") {
  const Box box;
  box.repository(".git");
  box.scratch.write("workspace/.git/config",
                    "[include]\npath = ../team/gitconfig\n[includeIf \"onbranch:x\"]\npath=missing\n"
                    "[include]\npath=" +
                        box.path + "/absolute\n[include]\npath=../no/such\n");
  box.scratch.write("workspace/team/gitconfig", "[core]\nhooksPath = .team\n");
  const Pins pins = pins_in(box);
  for (const char* path : {"team/gitconfig", ".team", ".git/missing", "absolute", "no"}) {
    CAPTURE(path);
    REQUIRE(pins.contains(path));
    CHECK(pins.at(path));
  }
  CHECK_FALSE(pins.at("team"));
  CHECK_FALSE(box.has("absolute"));
  CHECK_FALSE(box.has("no"));
}

TEST_CASE("every file of a repository's configuration is read", "[local]") {
  const Box box;
  box.repository(".git");
  box.scratch.write("workspace/.git/config.worktree", "[core]\nhooksPath = .one\n");
  box.repository(".git/modules/libs/two");
  box.scratch.write("workspace/.git/modules/libs/two/config",
                    "[core]\nworktree = ../../../../libs/two\nhooksPath = .two\n");
  box.scratch.write("workspace/.git/worktrees/w/commondir", "../..\n");
  box.scratch.write("workspace/.git/worktrees/w/config.worktree", "[core]\nhooksPath = .three\n");
  box.scratch.write("workspace/linked/.git", "gitdir: ../.git/worktrees/w\n");
  box.scratch.make("workspace/libs/two");
  // A worktree of a repository elsewhere.
  box.scratch.write("main/.git/config", "[core]\nhooksPath = .four\n");
  box.scratch.write("main/.git/worktrees/v/commondir", "../..\n");
  box.scratch.write("workspace/v/.git", "gitdir: " + box.scratch.path() + "/main/.git/worktrees/v\n");
  const Pins pins = pins_in(box);
  for (const char* path : {".one", "libs/two/.two", "linked/.three", "linked/.one", "v/.four"}) {
    CAPTURE(path);
    CHECK(covers(pins, path));
  }
}

TEST_CASE("bare repositories are repositories", "[local]") {
  const Box box;
  for (const char* name : {"bare.git", "deep/er/mirror", "none"}) {
    box.repository(name);
    box.scratch.make("workspace/" + std::string(name) + "/objects");
  }
  box.scratch.make("workspace/bare.git/refs");
  box.scratch.make("workspace/deep/er/mirror/refs");
  box.repository("bare.git/inner/.git");
  box.scratch.write("workspace/bare.git/config", "[core]\nbare = true\nhooksPath = shared\n");
  const Pins pins = pins_in(box);
  for (const char* path : {"bare.git/config", "bare.git/hooks", "bare.git/commondir", "bare.git/shared",
                           "bare.git/inner/.git/hooks", "deep/er/mirror/config", "deep/er/mirror/hooks"}) {
    CAPTURE(path);
    REQUIRE(pins.contains(path));
    CHECK(pins.at(path));
  }
  CHECK_FALSE(pins.at("bare.git"));
  CHECK_FALSE(pins.at("deep/er/mirror"));
  CHECK_FALSE(pins.contains("none"));
  CHECK_FALSE(pins.contains("none/config"));
}

TEST_CASE("a directory becomes read-only with all in it, in whatever order that is found out", "[local]") {
  const Box box;
  box.repository(".git");
  for (const char* name : {"a", "tools/x", "z"}) {
    box.repository(std::string(name) + "/.git");
    box.scratch.write("workspace/" + std::string(name) + "/.git/config", "[core]\nhooksPath=../tools\n");
  }
  for (const auto& [path, read_only] : pins_in(box)) {
    CAPTURE(path);
    if (path.starts_with("tools")) CHECK(read_only);
  }
}

TEST_CASE("what cannot be followed or protected is said", "[local]") {
  for (const char* config :
       {"[core]\nhooksPath = .\n", "[core]\nhooksPath = ..\n", "[core]\nhooksPath = .git\n",
        "[core]\nhooksPath = ~nobody-of-that-name/x\n", "[core\n"}) {
    CAPTURE(config);
    const Box box;
    box.repository(".git");
    box.scratch.write("workspace/.git/config", config);
    (void)pins_in(box, false);
  }
  const Box box;
  box.repository(".git");
  box.scratch.make("elsewhere");
  fs::create_directory_symlink(box.scratch.path() + "/elsewhere", box.path + "/link");
  box.scratch.write("workspace/.git/config", "[core]\nhooksPath = link/x\n");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {}, *placeholders);
  REQUIRE_FALSE(found);
  CHECK_THAT(found.error().message, ContainsSubstring("link is a symbolic link"));
}

TEST_CASE("what lies in a protected path is not made writable again", "[local]") {
  const Box box;
  box.repository(".git");
  box.repository(".claude/tool/.git");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {}, *placeholders);
  REQUIRE(found);
  for (const auto& [path, read_only] : pins_of(*found)) {
    CAPTURE(path);
    if (path.starts_with(".claude")) CHECK(read_only);
  }
}

TEST_CASE("a protected path that is a symbolic link is refused with the remedy", "[local]") {
  for (const char* link : {".envrc", ".git/hooks", ".git", "sub/.git"}) {
    CAPTURE(link);
    const Box box;
    if (std::string(link) == ".git/hooks") box.scratch.write("workspace/.git/config");
    box.scratch.make("workspace/sub");
    box.scratch.make("elsewhere");
    fs::create_directory_symlink(box.scratch.path() + "/elsewhere", box.path + "/" + link);
    auto placeholders = box.placeholders();
    REQUIRE(placeholders);
    const auto found = find_protection(box.root.get(), {}, *placeholders);
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().message, ContainsSubstring("--allow-write " + std::string(link)));
    CHECK(find_protection(box.root.get(), {link}, *placeholders).ok());
  }
}

TEST_CASE("a path is writable when the person says so, anywhere by its end", "[local]") {
  const Box box;
  box.repository(".git");
  box.repository("sub/.git");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  const auto found = find_protection(box.root.get(), {".git/hooks", ".vscode"}, *placeholders);
  REQUIRE(found);
  const auto pins = pins_of(*found);
  CHECK_FALSE(pins.contains(".git/hooks"));
  CHECK_FALSE(pins.contains("sub/.git/hooks"));
  CHECK_FALSE(pins.contains(".vscode"));
  CHECK(pins.contains("sub/.git/config"));
  CHECK_FALSE(box.has(".vscode"));
}

TEST_CASE("more to protect than is bounded is refused, deeper than is searched is said", "[local]") {
  const Box box;
  std::string deep = "d";
  for (std::size_t i = 0; i < kMaxSearchDepth; ++i) deep += "/d";
  box.repository(deep + "/.git");
  {
    auto placeholders = box.placeholders();
    REQUIRE(placeholders);
    const auto found = find_protection(box.root.get(), {}, *placeholders);
    REQUIRE(found);
    CHECK_FALSE(found->complete);
  }
  for (std::size_t i = 0; i < kMaxPins / 4; ++i) box.repository("r" + std::to_string(i) + "/.git");
  auto placeholders = box.placeholders();
  REQUIRE(placeholders);
  CHECK_FALSE(find_protection(box.root.get(), {}, *placeholders));
}

TEST_CASE("placeholders are gone when the last sandbox is, and nothing of a person's goes with them",
          "[local]") {
  const Box box;
  box.repository(".git");
  {
    auto first = box.placeholders();
    REQUIRE(first);
    REQUIRE(find_protection(box.root.get(), {}, *first));
    CHECK(box.has(".envrc"));
    CHECK(box.has(".git/commondir"));
    {
      auto second = box.placeholders();
      REQUIRE(second);
      REQUIRE(find_protection(box.root.get(), {}, *second));
    }
    CHECK(box.has(".envrc"));
    box.scratch.write("workspace/.vscode/settings.json", "{}");
    remove_stale_placeholders(box.state, {});
    CHECK(box.has(".envrc"));
  }
  for (const char* name : {".envrc", ".mcp.json", ".git/commondir", ".git/config.worktree"}) {
    CAPTURE(name);
    CHECK_FALSE(box.has(name));
  }
  CHECK(box.has(".vscode/settings.json"));
  CHECK(box.has(".git/config"));
  CHECK(box.has(".git/hooks/pre-commit.sample"));
}

TEST_CASE("placeholders that a crash left are removed by the next server", "[local]") {
  const Box box;
  box.repository(".git");
  {
    auto placeholders = box.placeholders();
    REQUIRE(placeholders);
    REQUIRE(find_protection(box.root.get(), {}, *placeholders));
    fs::copy(box.state, box.state + "-copy", fs::copy_options::recursive);
    // As a kill does: the lock is let go, nothing is removed.
    fs::remove_all(box.state + "/workspaces");
  }
  REQUIRE(box.has(".envrc"));
  remove_stale_placeholders(box.state + "-copy", {});
  CHECK_FALSE(box.has(".envrc"));
  CHECK_FALSE(box.has(".git/commondir"));
  CHECK(fs::is_empty(box.state + "-copy/workspaces"));
}

TEST_CASE("a placeholder's place that became something else is left alone", "[local]") {
  const Box box;
  box.repository(".git");
  {
    auto placeholders = box.placeholders();
    REQUIRE(placeholders);
    REQUIRE(find_protection(box.root.get(), {}, *placeholders));
    fs::remove(box.path + "/.envrc");
    box.scratch.write("workspace/.envrc", "export A=1\n");
    fs::remove(box.path + "/.idea");
    fs::create_directory(box.path + "/.idea");
    box.scratch.write("workspace/.git/commondir", "other\n");
  }
  CHECK(box.has(".envrc"));
  CHECK(box.has(".idea"));
  CHECK(box.has(".git/commondir"));
}

}  // namespace rexec::sandbox
