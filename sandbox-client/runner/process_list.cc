#include "sandbox-client/runner/process_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/loop.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kMaxEntries = 4096;
constexpr std::size_t kMaxBytes = kMaxData;
constexpr std::size_t kEntryBytes = 64;  // besides the command
constexpr std::size_t kMaxCommand = 1000;

std::string read_proc(pid_t pid, const char* name, std::size_t max) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return {};
  std::string text(max, 0);
  const ssize_t size = ::read(file.get(), text.data(), max);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::uint64_t boot_us() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

/// Fills in what /proc/PID/stat says; false when there is no such process.
bool add_stat(ProcessEntry& entry, std::string& name) {
  const std::string stat = read_proc(entry.pid, "stat", 1024);
  // The name stands in parentheses and may contain anything, parentheses too.
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return false;
  name = stat.substr(open + 1, close - open - 1);
  std::uint64_t fields[25] = {};  // numbered as in proc(5)
  const char* at = stat.c_str() + close + 1;
  for (int number = 3; number < 25; ++number) {
    while (*at == ' ') ++at;
    fields[number] = std::strtoull(at, nullptr, 10);
    while (*at != 0 && *at != ' ') ++at;
  }
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  entry.ppid = static_cast<std::int32_t>(fields[4]);
  entry.cpu_us = (fields[14] + fields[15]) * 1000000 / ticks;
  entry.rss = fields[24] * page;
  if (entry.process == 0) {
    const std::uint64_t started = fields[22] * 1000000 / ticks;
    const std::uint64_t now = boot_us();
    entry.age_us = now > started ? now - started : 0;
    entry.started_unix_ms = unix_ms() - static_cast<std::int64_t>(entry.age_us / 1000);
  }
  return true;
}

}  // namespace

ProcessList process_list(std::vector<ProcessEntry> known, bool all) {
  ProcessList list;
  std::size_t bytes = 0;
  std::unordered_map<pid_t, bool> listed;
  const auto add = [&](ProcessEntry entry) {
    bytes += entry.command.size() + kEntryBytes;
    if (bytes > kMaxBytes || list.entries.size() == kMaxEntries) {
      list.truncated = true;
      return false;
    }
    list.entries.push_back(std::move(entry));
    return true;
  };
  for (ProcessEntry& entry : known) {
    std::string name;
    if (entry.status == ProcessStatus::running) {
      listed[entry.pid] = true;
      add_stat(entry, name);
    }
    if (!add(std::move(entry))) return list;
  }
  DIR* proc = all ? ::opendir("/proc") : nullptr;
  if (proc == nullptr) return list;
  while (const dirent* file = ::readdir(proc)) {
    ProcessEntry entry;
    entry.pid = static_cast<std::int32_t>(std::strtol(file->d_name, nullptr, 10));
    std::string name;
    if (entry.pid <= 0 || listed.count(entry.pid) != 0 || !add_stat(entry, name)) continue;
    entry.command = read_proc(entry.pid, "cmdline", kMaxCommand);
    while (!entry.command.empty() && entry.command.back() == 0) entry.command.pop_back();
    for (char& byte : entry.command)
      if (byte == 0) byte = ' ';
    if (entry.command.empty()) entry.command = "[" + name + "]";
    if (!add(std::move(entry))) break;
  }
  ::closedir(proc);
  return list;
}

}  // namespace rexec::runner
