#include "sandbox-client/local/state_directory.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sandbox-client/local/local_backend.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_directory.h"

namespace rexec::sandbox {
namespace {

using test::ScratchDirectory;

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  }
  ~Variable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("a sandbox's directory is private to the user", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path() + "/a/state", std::nullopt);
  const auto directory = state.make({});
  REQUIRE(directory);
  CHECK((*directory)->home() == scratch.path() + "/a/state/sandboxes/" + (*directory)->id() + "/home");
  CHECK(mode_of((*directory)->home()) == 0700);
  CHECK(mode_of(scratch.path() + "/a/state/sandboxes/" + (*directory)->id()) == 0700);
  CHECK(mode_of(scratch.path() + "/a/state") == 0700);
  std::ofstream((*directory)->home() + "/file") << "text";
  REQUIRE((*directory)->remove({}));
  CHECK_FALSE(std::filesystem::exists((*directory)->home()));
}

TEST_CASE("prune removes what nobody holds and nothing else", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  const auto none = state.prune({});
  REQUIRE(none);
  CHECK(none->empty());

  auto held = state.make({});
  auto left = state.make({});
  REQUIRE(held);
  REQUIRE(left);
  const std::string left_home = (*left)->home();
  left->reset();  // as the kernel does for a server that ended
  const std::string sandboxes = scratch.path() + "/sandboxes";
  std::filesystem::create_directories(sandboxes + "/not-an-id/home");
  std::filesystem::create_directories(sandboxes + "/0123456789abcdef/home");  // made, never locked
  std::filesystem::create_directories(scratch.path() + "/outside/home");
  std::filesystem::create_symlink(scratch.path() + "/outside", sandboxes + "/fedcba9876543210");

  const auto removed = state.prune({});
  REQUIRE(removed);
  CHECK(removed->size() == 2);
  CHECK_FALSE(std::filesystem::exists(left_home));
  CHECK_FALSE(std::filesystem::exists(sandboxes + "/0123456789abcdef"));
  CHECK(std::filesystem::exists((*held)->home()));
  CHECK(std::filesystem::exists(sandboxes + "/not-an-id"));
  CHECK(std::filesystem::exists(scratch.path() + "/outside/home"));
}

TEST_CASE("prune needs few descriptors for many left-over sandboxes", "[local]") {
  constexpr int kLeftOver = 200;
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  for (int i = 0; i < kLeftOver; ++i) REQUIRE(state.make({}));
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit few{128, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto removed = state.prune({});
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(removed);
  CHECK(removed->size() == kLeftOver);
}

TEST_CASE("a state directory that others can write is refused", "[local]") {
  const ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.path() + "/sandboxes");
  REQUIRE(chmod((scratch.path() + "/sandboxes").c_str(), 0777) == 0);
  const StateDirectory state(scratch.path(), std::nullopt);
  const auto directory = state.make({});
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == ErrorCode::failed_precondition);
}

TEST_CASE("a state directory whose content others can exchange is refused", "[local]") {
  const ScratchDirectory scratch;
  const StateDirectory state(scratch.path(), std::nullopt);
  const auto refused = [](const Status& status) {
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::failed_precondition);
    CHECK_THAT(status.error().message, test::ContainsSubstring("chmod go-w"));
  };
  for (const mode_t mode : {01777U, 0775U, 0702U}) {
    REQUIRE(chmod(scratch.path().c_str(), mode) == 0);
    const auto directory = state.make({});
    REQUIRE_FALSE(directory);
    refused(directory.error());
    refused(state.check());
    CHECK_FALSE(state.prune({}));
    CHECK_FALSE(std::filesystem::exists(scratch.path() + "/sandboxes"));
  }
  REQUIRE(chmod(scratch.path().c_str(), 0755) == 0);
  CHECK(state.check());
  CHECK(state.make({}));
  if (geteuid() != 0) return;
  REQUIRE(chown(scratch.path().c_str(), 64434, 64434) == 0);
  refused(state.check());
  CHECK_FALSE(state.make({}));
}

TEST_CASE("a state directory that sandboxes are shown is refused", "[local]") {
  const ScratchDirectory scratch;
  std::filesystem::create_symlink("/usr", scratch.path() + "/link");
  for (const std::string& path :
       {std::string("/usr/rexec-state/a"), std::string("/opt/rexec-state"), std::string("/bin/rexec-state"),
        std::string("/etc/../usr/rexec-state"), scratch.path() + "/link/rexec-state"}) {
    CAPTURE(path);
    const StateDirectory state(path, std::nullopt);
    const Status checked = state.check();
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::failed_precondition);
    CHECK_THAT(checked.error().message, test::ContainsSubstring("shown"));
    const auto directory = state.make({});
    REQUIRE_FALSE(directory);
    CHECK_THAT(directory.error().message, test::ContainsSubstring("shown"));
    CHECK_FALSE(std::filesystem::exists(path));
  }
  CHECK(StateDirectory(scratch.path() + "/usr/state", std::nullopt).check());
}

TEST_CASE("a state directory that cannot be made says what to do", "[local]") {
  const StateDirectory state("/proc/rexec-mcp", std::nullopt);
  const auto directory = state.make({});
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == ErrorCode::failed_precondition);
  CHECK_THAT(directory.error().message, test::ContainsSubstring("REXEC_STATE_DIR"));
  CHECK_FALSE(StateDirectory("/dev/null/state", std::nullopt).check());
}

TEST_CASE("homes belong to the sandboxes' user, who can pass through to them", "[local]") {
  if (geteuid() != 0) return;
  constexpr uid_t kUser = 64434;
  const ScratchDirectory scratch;
  REQUIRE(chmod(scratch.path().c_str(), 0700) == 0);
  const StateDirectory hidden(scratch.path() + "/state", kUser);
  const auto refused = hidden.make({});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, test::ContainsSubstring("chmod o+x"));

  const StateDirectory state(scratch.path(), kUser);
  const auto directory = state.make({});
  REQUIRE(directory);
  CHECK(mode_of(scratch.path()) == 0701);
  CHECK(mode_of(scratch.path() + "/sandboxes") == 0711);
  struct stat status {};
  REQUIRE(stat((*directory)->home().c_str(), &status) == 0);
  CHECK(status.st_uid == kUser);
  CHECK((status.st_mode & 07777) == 0700);
}

TEST_CASE("the default state directory follows the environment", "[local]") {
  {
    const Variable explicit_path("REXEC_STATE_DIR", "/somewhere");
    CHECK(default_state_directory() == "/somewhere");
  }
  const Variable none("REXEC_STATE_DIR", nullptr);
  const Variable home("HOME", "/home/me");
  if (geteuid() == 0) {
    CHECK(default_state_directory() == "/var/lib/rexec-mcp");
    return;
  }
  const Variable state_home("XDG_STATE_HOME", "/state");
  CHECK(default_state_directory() == "/state/rexec-mcp");
  const Variable relative("XDG_STATE_HOME", "relative");
  CHECK(default_state_directory() == "/home/me/.local/state/rexec-mcp");
}

}  // namespace rexec::sandbox
