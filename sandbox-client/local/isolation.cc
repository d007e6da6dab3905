#include "sandbox-client/local/isolation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>

#include "base/fd.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxStatusBytes = 64 << 10;

struct NamespaceKind {
  const char* file;  // in /proc/<pid>/ns
  const char* name;
};
constexpr NamespaceKind kNamespaces[] = {{"user", "user"}, {"pid", "pid"}, {"mnt", "mount"},
                                         {"ipc", "ipc"},   {"uts", "uts"}, {"cgroup", "cgroup"},
                                         {"net", "net"}};

std::vector<std::uint64_t> numbers(std::string_view text, int base) {
  std::vector<std::uint64_t> found;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::uint64_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value, base);
    if (error == std::errc()) {
      found.push_back(value);
      at = next;
    } else {
      ++at;
    }
  }
  return found;
}

int single(std::string_view text) {
  const std::vector<std::uint64_t> found = numbers(text, 10);
  return found.size() == 1 && found[0] < 1000000000 ? static_cast<int>(found[0]) : -1;
}

enum class Comparison { same, different, absent, unreadable };

// By device and inode of the namespace itself, which the magic links lead to (namespaces(7)).
Comparison compare(pid_t pid, const char* file) {
  struct stat own {};
  struct stat other {};
  if (stat((std::string("/proc/self/ns/") + file).c_str(), &own) != 0)
    return errno == ENOENT ? Comparison::absent : Comparison::unreadable;
  if (stat(("/proc/" + std::to_string(pid) + "/ns/" + file).c_str(), &other) != 0)
    return Comparison::unreadable;
  return own.st_dev == other.st_dev && own.st_ino == other.st_ino ? Comparison::same : Comparison::different;
}

}  // namespace

ProcessFacts parse_status(std::string_view text) {
  ProcessFacts facts;
  int empty_sets = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    const std::string_view value = line.substr(colon + 1);
    if (key == "PPid") facts.parent = single(value);
    if (key == "Seccomp") facts.seccomp = single(value);
    if (key == "NoNewPrivs") facts.no_new_privileges = single(value);
    if (key == "Uid")
      for (const std::uint64_t uid : numbers(value, 10)) facts.uids.push_back(static_cast<uid_t>(uid));
    if (key == "NSpid")
      if (const auto pids = numbers(value, 10); !pids.empty())
        facts.innermost_pid = static_cast<pid_t>(pids.back());
    if (key.size() == 6 && key.substr(0, 3) == "Cap")
      if (numbers(value, 16) == std::vector<std::uint64_t>{0}) ++empty_sets;
  }
  facts.no_capabilities = empty_sets == 5;
  return facts;
}

Result<ProcessFacts> read_facts(pid_t pid) {
  ASSIGN_OR_RETURN(const std::string text,
                   read_whole_file("/proc/" + std::to_string(pid) + "/status", kMaxStatusBytes));
  return parse_status(text);
}

bool is_sealed(const ProcessFacts& facts) {
  return facts.seccomp == 2;
}

Result<std::string> verify_isolation(pid_t pid, uid_t user, Network network) {
  std::string missing;
  const auto miss = [&missing](const std::string& what) { missing += (missing.empty() ? "" : ", ") + what; };

  std::string present;
  for (const NamespaceKind& kind : kNamespaces) {
    switch (compare(pid, kind.file)) {
      case Comparison::different:
        present += (present.empty() ? "" : ",") + std::string(kind.name);
        break;
      case Comparison::same:
        if (std::string_view(kind.file) != "net" || network == Network::none)
          miss(std::string("a ") + kind.name + " namespace of its own");
        break;
      case Comparison::absent:
        if (std::string_view(kind.file) != "cgroup")
          miss(std::string(kind.name) + " namespaces in the kernel");
        break;
      case Comparison::unreadable:
        miss(std::string("knowledge of its ") + kind.name + " namespace");
        break;
    }
  }
  ASSIGN_OR_RETURN(const ProcessFacts facts, read_facts(pid));
  if (facts.innermost_pid != 1) miss("the runner as pid 1");
  if (facts.seccomp != 2) miss("a seccomp filter");
  if (facts.no_new_privileges != 1) miss("no_new_privs");
  if (!facts.no_capabilities) miss("empty capability sets");
  if (facts.uids != std::vector<uid_t>(4, user)) miss("the uid " + std::to_string(user));
  if (!missing.empty())
    return Error{ErrorCode::failed_precondition, "the sandbox lacks " + missing + " and was not used"};
  return "namespaces(" + present + ")+seccomp+no-new-privs";
}

}  // namespace rexec::sandbox
