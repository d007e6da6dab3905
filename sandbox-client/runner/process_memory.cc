#include "sandbox-client/runner/process_memory.h"

#include <fcntl.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

#include "sandbox-client/runner/fd.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kMaxText = 4096;

/// The sum of the lines `names` of /proc/PID/`file`, which are in KiB; false when none is there.
bool sum_lines(pid_t pid, const char* file, std::initializer_list<std::string_view> names,
               std::uint64_t& bytes) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  const Fd opened(::open(path, O_RDONLY | O_CLOEXEC));
  char text[kMaxText];
  const ssize_t size = opened.valid() ? ::read(opened.get(), text, sizeof text - 1) : -1;
  if (size <= 0) return false;
  text[size] = 0;
  bool found = false;
  bytes = 0;
  for (const std::string_view name : names) {
    const std::string_view whole(text, static_cast<std::size_t>(size));
    const std::size_t at = whole.find("\n" + std::string(name) + ":");
    if (at == std::string_view::npos) continue;
    bytes += std::strtoull(text + at + name.size() + 2, nullptr, 10) * 1024;
    found = true;
  }
  return found;
}

}  // namespace

std::uint64_t resident_at_most(pid_t pid) {
  std::uint64_t bytes = 0;
  sum_lines(pid, "status", {"RssAnon", "RssShmem"}, bytes);
  return bytes;
}

std::uint64_t resident_share(pid_t pid) {
  std::uint64_t bytes = 0;
  return sum_lines(pid, "smaps_rollup", {"Pss_Anon", "Pss_Shmem"}, bytes) ? bytes : resident_at_most(pid);
}

}  // namespace rexec::runner
