#include "tests/support/require.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "tests/support/catch.h"

namespace rexec::test {
namespace {

using Command = std::vector<std::string>;

struct Prerequisite {
  std::string_view name;
  std::vector<Command> probes;  // one that exits with 0 is enough
};

const std::vector<Prerequisite>& prerequisites() {
  static const std::vector<Prerequisite> all = {
      {"userns", {{"unshare", "--user", "--map-root-user", "true"}}},
      {"bwrap",
       {{"bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"}}},
      {"node", {{"node", "--version"}}},
      {"patch", {{"sh", "-c", "patch --version && git --version"}}},
      {"python3", {{"python3", "-c", ""}}},
      {"root", {{"sh", "-c", "test $(id -u) = 0"}}},
      {"qemu",
       {{"qemu-aarch64", "--version"},
        {"qemu-aarch64-static", "--version"},
        {"sh", "-c", "test $(uname -m) = aarch64"}}},
      {"arm64",
       {{"aarch64-linux-gnu-g++", "--version"}, {"sh", "-c", "test $(uname -m) = aarch64 && c++ --version"}}},
  };
  return all;
}

const Prerequisite* lookup(std::string_view name) {
  for (const Prerequisite& prerequisite : prerequisites()) {
    if (prerequisite.name == name) return &prerequisite;
  }
  return nullptr;
}

bool succeeds(const Command& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int failure = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) return false;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool probe(const Prerequisite& prerequisite) {
  for (const Command& command : prerequisite.probes) {
    if (succeeds(command)) return true;
  }
  return false;
}

struct Cache {
  Mutex mutex;
  std::map<std::string_view, bool> known REXEC_GUARDED_BY(mutex);
};

}  // namespace

bool have(std::string_view name) {
  static Cache cache;
  const Prerequisite* prerequisite = lookup(name);
  if (prerequisite == nullptr) return false;
  {
    MutexLock lock(cache.mutex);
    const auto found = cache.known.find(prerequisite->name);
    if (found != cache.known.end()) return found->second;
  }
  const bool present = probe(*prerequisite);
  MutexLock lock(cache.mutex);
  cache.known.emplace(prerequisite->name, present);
  return present;
}

bool is_required(std::string_view name) {
  const char* variable = std::getenv("REXEC_REQUIRE");
  std::string_view rest = variable == nullptr ? "" : variable;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    if (word == name || word == "all") return true;
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  return false;
}

bool present_or_skip(std::string_view name) {
  const std::string shown(name);
  if (lookup(name) == nullptr) FAIL("unknown prerequisite: " << shown);
  if (have(name)) return true;
  if (is_required(name)) FAIL("REXEC_REQUIRE asks for " << shown << ", which this machine does not have");
  WARN("skipped: this machine does not have " << shown);
  return false;
}

}  // namespace rexec::test
