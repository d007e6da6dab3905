#include "sandbox-client/local/resource_limits.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/fd.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxLimitsFile = 16 << 10;

bool kernel_counts_by_namespace() {
  utsname name{};
  int major = 0;
  int minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 14);
}

// Root without CAP_SYS_RESOURCE (the rule in containers) may not change the limits of another user, but that
// user may: a child that becomes it does so. System calls only, as other threads may hold any lock at this
// moment.
void set_as(uid_t user, pid_t init, int resource, const rlimit& limit) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    if (syscall(SYS_setresgid, user, user, user) == 0 && syscall(SYS_setresuid, user, user, user) == 0)
      syscall(SYS_prlimit64, init, resource, &limit, nullptr);
    syscall(SYS_exit_group, 0);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return;
  while (waitpid(static_cast<pid_t>(child), nullptr, 0) < 0 && errno == EINTR) {
  }
}

void set(std::optional<uid_t> user, pid_t init, decltype(RLIMIT_NPROC) resource, std::uint64_t value) {
  const rlimit limit{value, value};
  if (prlimit(init, resource, &limit, nullptr) != 0 && errno == EPERM && user)
    set_as(*user, init, resource, limit);
}

Limit describe(std::string_view limits, const char* line, const char* name, const char* mechanism) {
  const auto value = parse_hard_limit(limits, line);
  if (!value) return {name, "unlimited", "not enforced"};
  return {name, std::to_string(*value), mechanism};
}

}  // namespace

std::optional<std::uint64_t> parse_hard_limit(std::string_view limits, std::string_view line) {
  while (!limits.empty()) {
    const std::size_t end = std::min(limits.find('\n'), limits.size());
    std::string_view text = limits.substr(0, end);
    limits.remove_prefix(std::min(end + 1, limits.size()));
    if (text.substr(0, line.size()) != line) continue;
    text.remove_prefix(line.size());
    const auto skip = [&text](const char* characters, bool those) {
      const std::size_t at = those ? text.find_first_not_of(characters) : text.find_first_of(characters);
      text.remove_prefix(std::min(at, text.size()));
    };
    skip(" ", true);   // to the soft limit,
    skip(" ", false);  // past it,
    skip(" ", true);   // to the hard one
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::vector<Limit> apply_limits(pid_t init, std::optional<uid_t> user, std::uint64_t file_mb) {
  const bool counted = kernel_counts_by_namespace();
  if (counted) set(user, init, RLIMIT_NPROC, kMaxProcesses);
  // Not before: bwrap writes the runner, which may be larger than what the sandbox may write.
  if (file_mb > 0) set(user, init, RLIMIT_FSIZE, file_mb << 20);

  const auto limits = read_whole_file("/proc/" + std::to_string(init) + "/limits", kMaxLimitsFile);
  const std::string_view text = limits ? std::string_view(*limits) : std::string_view();
  Limit processes{"processes", "unlimited", "not enforced"};
  if (counted && parse_hard_limit(text, "Max processes") == kMaxProcesses)
    processes = {"processes", std::to_string(kMaxProcesses), "RLIMIT_NPROC in the sandbox's user namespace"};
  Limit file{"file_mb", file_mb > 0 ? std::to_string(file_mb) : "unlimited", "not enforced"};
  if (const auto bytes = parse_hard_limit(text, "Max file size"))
    file = {"file_mb", std::to_string(*bytes >> 20), "RLIMIT_FSIZE"};
  return {std::move(processes), std::move(file),
          describe(text, "Max open files", "open_files_per_process", "RLIMIT_NOFILE"),
          describe(text, "Max core file size", "core_dump_bytes", "RLIMIT_CORE")};
}

}  // namespace rexec::sandbox
