#include "sandbox-client/runner/lineage.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rexec::runner {
namespace {

constexpr std::uint64_t kTagMark = std::uint64_t{1} << 62;
constexpr int kNumberBits = 32;
constexpr std::uint64_t kNumbers = std::uint64_t{1} << kNumberBits;
constexpr pid_t kPidLimit = 4 << 20;  // PID_MAX_LIMIT of 64-bit kernels, proc(5)

int prlimit_raw(pid_t pid, const rlimit* set, rlimit* get, const std::uint64_t (&secret)[2]) {
  return static_cast<int>(::syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, set, get, secret[0], secret[1]));
}

/// Hard limit of "Max file locks" in /proc/PID/limits; 0 when it cannot be read.
std::uint64_t tag_from_proc(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/limits", pid);
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return 0;
  char text[4096];
  const ssize_t size = ::read(file.get(), text, sizeof text - 1);
  if (size <= 0) return 0;
  text[size] = 0;
  const char* line = std::strstr(text, "Max file locks");
  if (line == nullptr) return 0;
  char* after_soft = nullptr;
  std::strtoull(line + std::strlen("Max file locks"), &after_soft, 10);
  return std::strtoull(after_soft, nullptr, 10);
}

bool is_zombie_in_proc(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  char text[512];
  const ssize_t size = file.valid() ? ::read(file.get(), text, sizeof text - 1) : -1;
  if (size <= 0) return true;
  text[size] = 0;
  const char* name_end = std::strrchr(text, ')');
  return name_end == nullptr || name_end + 2 >= text + size || name_end[2] == 'Z' || name_end[2] == 'X';
}

bool has_ended(pid_t pid, int pidfd) {
  if (pidfd < 0) return is_zombie_in_proc(pid);
  pollfd poll_fd{pidfd, POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

}  // namespace

void Lineage::open() {
  std::uint32_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random) ||
      ::getrandom(secret_, sizeof secret_, 0) != static_cast<ssize_t>(sizeof secret_))
    return;
  base_ = kTagMark | (std::uint64_t{random >> 2} << kNumberBits);
  rlimit limit{};
  if (prlimit_raw(0, nullptr, &limit, secret_) != 0) return;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < base_ + kNumbers) return;
  // Writing the present value back shows whether an outer runner has sealed it.
  if (prlimit_raw(0, &limit, nullptr, secret_) != 0) return;
  tagged_ = true;
  sealed_ = seal_tags(secret_) == 0;
}

bool Lineage::enter(std::uint64_t number) const {
  if (!tagged_) return true;
  const rlimit limit{base_ + number, base_ + number};
  return prlimit_raw(0, &limit, nullptr, secret_) == 0;
}

void Lineage::each(std::uint64_t number, pid_t session, const std::function<void(const Descendant&)>& found) {
  const std::vector<pid_t> sessions{session};
  walk(Wanted{base_ + number, base_ + number, &sessions}, found);
}

void Lineage::each_of_all(const std::vector<pid_t>& sessions,
                          const std::function<void(const Descendant&)>& found) {
  walk(Wanted{base_, base_ + kNumbers - 1, &sessions}, found);
}

bool Lineage::matches(pid_t pid, const Wanted& wanted) const {
  if (!tagged_) {
    const pid_t session = ::getsid(pid);
    return session > 1 && session != ::getsid(0) &&
           std::find(wanted.sessions->begin(), wanted.sessions->end(), session) != wanted.sessions->end();
  }
  rlimit limit{};
  std::uint64_t tag = 0;
  if (prlimit_raw(pid, nullptr, &limit, secret_) == 0) {
    tag = limit.rlim_max;
  } else if (errno == EPERM) {
    tag = tag_from_proc(pid);
  }
  return tag >= wanted.first_tag && tag <= wanted.last_tag;
}

void Lineage::visit(pid_t pid, const Wanted& wanted,
                    const std::function<void(const Descendant&)>& found) const {
  if (pid <= 1 || pid == ::getpid() || !matches(pid, wanted)) return;
  Descendant descendant(pid, Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  if (descendant.pidfd() < 0 && errno == ESRCH) return;
  // Between the first look and the pidfd the number may have changed hands; after it, a look at the number is
  // either at the process of the pidfd or the pidfd is dead, and then signals to it go nowhere.
  if (!matches(pid, wanted) || has_ended(pid, descendant.pidfd())) return;
  found(descendant);
}

void Lineage::walk(const Wanted& wanted, const std::function<void(const Descendant&)>& found) {
  DIR* proc = ::opendir("/proc");
  bool listed = false;
  if (proc != nullptr) {
    while (const dirent* entry = ::readdir(proc)) {
      if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
      listed = true;
      visit(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)), wanted, found);
    }
    ::closedir(proc);
  }
  if (listed) return;
  // No procfs: try every number.
  for (pid_t pid = 2; pid <= kPidLimit; ++pid) visit(pid, wanted, found);
}

}  // namespace rexec::runner
