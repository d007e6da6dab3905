// What git's files of configuration say, compared with what git says that they do.
#include "sandbox-client/local/git_config.h"

#include <stdio.h>
#include <sys/stat.h>

#include <memory>
#include <optional>

#include "tests/support/catch.h"
#include "tests/support/require.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using rexec::test::ScratchDirectory;

/// What a shell command writes, when it ends with 0.
std::optional<std::string> output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>/dev/null").c_str(), "r"),
                                                   [](FILE*) { return 0; });
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int c = ::fgetc(pipe.get()); c != EOF; c = ::fgetc(pipe.get())) text += static_cast<char>(c);
  if (::pclose(pipe.get()) != 0) return std::nullopt;
  return text;
}

std::optional<std::string> last_hooks_path(const GitConfig& config) {
  std::optional<std::string> found;
  for (const GitSetting& setting : config.settings)
    if (setting.section == "core" && !setting.subsection && setting.key == "hookspath") found = setting.value;
  return found;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a file of configuration says what it says to git", "[local]") {
  REXEC_SKIP_WITHOUT("patch");
  const ScratchDirectory scratch;
  for (const std::string& text :
       Texts{"[core]\n\thooksPath = .githooks\n",
             "[core]\n\thooksPath = .githooks # team\n",
             "[core]\n\thooksPath = .githooks;team\n",
             "[core]\n\thooksPath = .git\"hooks # not a\" comment ; one\n",
             "[core]\nhooksPath=\"a#b\"\n",
             "[core]\nhooksPath = \" a \"  \n",
             "[core]\nhooksPath = a b   c \t\n",
             "[core]\nhooksPath = a\\\nb\n",
             "[core]\nhooksPath = a \\\n  b # c \\\nfoo = d\n",
             "[core]\nhooksPath = \"a\\\nb\"\n",
             "[core]\nhooksPath = a\\tb\\\\c\\\"d\n",
             "[core]\nhooksPath = a\\xb\n",
             "[core]\nhooksPath = \"a\nb\n",
             "[core]\nhooksPath = a",
             "[core]\nhooksPath = a\\",
             "[core]\r\nhooksPath = a\r\n",
             "[core]\nhooksPath = a\rb\n",
             "[core]\nHOOKSPATH = a\n[CORE]\nhookspath = b\n",
             "[CoRe] hooksPath = a",
             "[core]hooksPath=a#\n",
             "[core] # [user]\nhooksPath = a\n",
             "[core]\nhooksPath = a\n[core \"x\"]\nhooksPath = b\n",
             "[core \"\"]\nhooksPath = b\n",
             "[core.x]\nhooksPath = b\n",
             "[core.]\nhooksPath = b\n",
             "[ core]\nhooksPath = b\n",
             "[core ]\nhooksPath = b\n",
             "[user]\nhooksPath = b\n",
             "[core]\nhooksPath = a\n[",
             "[core]\nhooksPath\n",
             "[core]\nhooksPath =\n",
             "[core]\nhooksPath : a\n",
             "[core]\nhooks_path = a\n",
             "[core]\n2 = a\nhooksPath = a\n",
             "[core]\nx-2 = a\nhooksPath = a\n",
             "hooksPath = a\n",
             "\xef\xbb\xbf[core]\nhooksPath = a\n",
             "\n ; [core]\n\n[core]\n\n# hooksPath = b\nhooksPath = a\n#hooksPath = c",
             "[a \"\\\"]\"]\n[core]\nhooksPath = a\n",
             "[core]\nhooksPath = \"\"a\"\"\\\"\n",
             "[core]\nhooksPath = a;\"b\n"}) {
    CAPTURE(text);
    scratch.write("config", text);
    const GitConfig config = parse_git_config(text);
    const std::string ask = "git config --file " + scratch.path() + "/config --null --get ";
    const auto said = output_of(ask + "core.hooksPath");
    const bool accepted =
        output_of("git config --null --list --file " + scratch.path() + "/config").has_value();
    CHECK(config.complete == accepted);
    if (!accepted) continue;
    const auto found = last_hooks_path(config);
    REQUIRE(found.has_value() == said.has_value());
    // Without a value git ends it at once.
    if (found) CHECK(*found == said->substr(0, said->find('\0')));
  }
}

TEST_CASE("included files are read too, whatever their conditions, from where they are", "[local]") {
  const ScratchDirectory scratch;
  scratch.write("config",
                "[include]\npath = inner/one\n[includeIf \"onbranch:x\"]\npath=~/two\n[core]\nhooksPath=a\n"
                "[include \"x\"]\npath=no\n[includeIf]\npath=no\n[include]\npath=/nonexistent/x\n");
  scratch.write("inner/one", "[core]\nhooksPath=b\n[include]\npath=three\n");
  scratch.write("two", "[core]\nhooksPath=~/c\nworktree=../w\n[include]\npath=config\n");
  const GitPaths paths = read_git_paths({scratch.path() + "/config", "/nonexistent/y"}, scratch.path());
  const std::string at = scratch.path();
  CHECK(paths.included ==
        Texts{at + "/inner/one", at + "/inner/three", at + "/two", at + "/config", "/nonexistent/x"});
  CHECK(paths.hooks == Texts{"b", at + "/c", "a"});
  CHECK(paths.worktrees == Texts{"../w"});
  CHECK(paths.complete);
}

TEST_CASE("what is beyond the bounds of reading is said", "[local]") {
  const ScratchDirectory scratch;
  const std::string config = scratch.path() + "/config";
  const auto complete = [&](const std::string& text) {
    scratch.write("config", text);
    return read_git_paths({config}, scratch.path()).complete;
  };
  CHECK(complete("[core]\nhooksPath = a\n"));
  CHECK_FALSE(complete("[core\n"));
  CHECK_FALSE(complete("[core]\nhooksPath = ~somebody/hooks\n"));
  CHECK_FALSE(complete("[include]\npath = /dev/null\n"));
  CHECK_FALSE(complete("#" + std::string(kMaxGitConfig, ' ')));
  for (std::size_t i = 0; i <= kMaxGitIncludeDepth; ++i)
    scratch.write("n" + std::to_string(i), "[include]\npath=n" + std::to_string(i + 1) + "\n");
  CHECK(complete("[include]\npath=n2\n"));
  CHECK_FALSE(complete("[include]\npath=n0\n"));
  std::string many;
  for (std::size_t i = 0; i < kMaxGitConfigs; ++i) many += "[include]\npath=m" + std::to_string(i) + "\n";
  CHECK_FALSE(complete(many));
  const GitPaths paths = read_git_paths({config}, scratch.path());
  CHECK(paths.included.size() == kMaxGitConfigs);
}

TEST_CASE("nothing but regular files is opened", "[local]") {
  const ScratchDirectory scratch;
  const std::string fifo = scratch.path() + "/fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(read_regular_file(fifo, 10).error().code == ErrorCode::invalid_argument);
  CHECK(read_regular_file("/dev/null", 10).error().code == ErrorCode::invalid_argument);
  CHECK(read_regular_file(fifo + "/x", 10).error().code == ErrorCode::not_found);
  CHECK(read_regular_file(scratch.path() + "/none", 10).error().code == ErrorCode::not_found);
  scratch.write("long", "12345678901");
  CHECK(read_regular_file(scratch.path() + "/long", 10).error().code == ErrorCode::resource_exhausted);
  CHECK(read_regular_file(scratch.path() + "/long", 11).value() == "12345678901");
}

}  // namespace rexec::sandbox
