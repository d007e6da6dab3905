#include "sandbox-client/local/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <ctime>
#include <string_view>

#include "base/fd.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxFile = 4 << 20;
constexpr std::uint64_t kMegabyte = 1 << 20;
constexpr long kPeriod = 100'000;       // microseconds, the kernel's default
constexpr long kSmallestQuota = 1'000;  // the least that the kernel takes
constexpr std::time_t kStaleAge = 60;   // seconds; another server may be about to fill a younger one
constexpr std::size_t kMaxRemembered = 4096;
constexpr std::string_view kPrefix = "rexec-";

std::vector<std::string_view> words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> list;
  while (true) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == text.npos) return list;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    list.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool has_word(std::string_view text, std::string_view separators, std::string_view wanted) {
  const auto list = words(text, separators);
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string text_of(const std::string& path) {
  auto text = read_whole_file(path, kMaxFile);
  return text ? *std::move(text) : std::string();
}

/// Our path in the hierarchy of a version 1 controller, or with "" in that of version 2.
std::optional<std::string> own_path(std::string_view cgroup, std::string_view controller) {
  for (const std::string_view line : words(cgroup, "\n")) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : has_word(controllers, ",", controller))
      return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

struct Hierarchy {
  std::string mount_point;
  std::string directory;  // ours
};

/// Where the hierarchy is mounted, when our group can be reached there.
std::optional<Hierarchy> find_hierarchy(std::string_view mountinfo, std::string_view cgroup,
                                        std::string_view controller) {
  const auto own = own_path(cgroup, controller);
  if (!own) return std::nullopt;
  for (const std::string_view line : words(mountinfo, "\n")) {
    const std::size_t dash = line.find(" - ");
    const auto fields = words(line.substr(0, dash), " ");
    const auto kind = dash == line.npos ? words("", " ") : words(line.substr(dash + 3), " ");
    if (fields.size() < 6 || kind.size() < 3) continue;
    const bool matches =
        controller.empty() ? kind[0] == "cgroup2" : kind[0] == "cgroup" && has_word(kind[2], ",", controller);
    if (!matches) continue;
    const std::string_view root = fields[3] == "/" ? "" : fields[3];
    std::string_view inner = *own == "/" ? "" : std::string_view(*own);
    if (!inner.starts_with(root)) continue;
    inner.remove_prefix(root.size());
    if (!inner.empty() && inner.front() != '/') continue;
    return Hierarchy{std::string(fields[4]), std::string(fields[4]) + std::string(inner)};
  }
  return std::nullopt;
}

bool may_write(const std::string& path) {
  return faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

CgroupSite::Controller unified_place(const std::string& root, const Hierarchy& hierarchy,
                                     std::string_view controller) {
  std::string directory = hierarchy.directory;
  while (directory.size() > hierarchy.mount_point.size()) {
    directory.resize(directory.rfind('/'));
    const std::string path = root + directory;
    if (!may_write(path) || !may_write(path + "/cgroup.procs")) return {};
    if (has_word(text_of(path + "/cgroup.subtree_control"), " \n", controller)) return {directory, true};
  }
  return {};
}

CgroupSite::Controller find_place(const std::string& root, std::string_view mountinfo,
                                  std::string_view cgroup, std::string_view controller) {
  if (const auto unified = find_hierarchy(mountinfo, cgroup, "")) {
    CgroupSite::Controller found = unified_place(root, *unified, controller);
    if (!found.directory.empty()) return found;
  }
  const auto own = find_hierarchy(mountinfo, cgroup, controller);
  if (own && may_write(root + own->directory)) return {own->directory, false};
  return {};
}

bool put(const std::string& file, const std::string& value) {
  const UniqueFd fd(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string mechanism(const CgroupSite::Controller& place, const char* controller) {
  return std::string(place.unified ? "cgroup v2 " : "cgroup v1 ") + controller;
}

const char* limit_file(bool unified) {
  return unified ? "memory.max" : "memory.limit_in_bytes";
}

const char* kills_file(bool unified) {
  return unified ? "memory.events" : "memory.oom_control";
}

void remove_stale_in(const std::string& directory) {
  if (directory.empty()) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> list(opendir(directory.c_str()), closedir);
  while (const dirent* entry = list == nullptr ? nullptr : readdir(list.get())) {
    const std::string path = directory + "/" + entry->d_name;
    struct stat status {};
    if (!std::string_view(entry->d_name).starts_with(kPrefix) || stat(path.c_str(), &status) != 0) continue;
    if (std::time(nullptr) - status.st_mtime > kStaleAge)
      rmdir(path.c_str());  // EBUSY while it has processes
  }
}

}  // namespace

CgroupSite find_cgroup_site(const std::string& root) {
  const std::string mountinfo = text_of(root + "/proc/self/mountinfo");
  const std::string cgroup = text_of(root + "/proc/self/cgroup");
  return {find_place(root, mountinfo, cgroup, "memory"), find_place(root, mountinfo, cgroup, "cpu")};
}

// A group that is there already belongs to this sandbox: the other controller's, in one version 2 directory.
bool Cgroup::enter(const CgroupSite::Controller& place, const std::string& id,
                   const std::vector<std::pair<std::string, std::string>>& values, pid_t init) {
  if (place.directory.empty()) return false;
  const std::string path = place.directory + "/" + std::string(kPrefix) + id;
  if (std::find(made_.begin(), made_.end(), path) == made_.end()) {
    rmdir(path.c_str());  // of an earlier start of a persistent sandbox, whose server ended first
    if (mkdir(path.c_str(), 0755) != 0) return false;
    made_.push_back(path);
  }
  for (const auto& [file, value] : values)
    if (!put(path + "/" + file, value)) return false;
  return put(path + "/cgroup.procs", std::to_string(init));
}

std::unique_ptr<Cgroup> Cgroup::make(const CgroupSite& site, const std::string& id,
                                     const CgroupLimits& limits, pid_t init) {
  std::unique_ptr<Cgroup> group(new Cgroup());
  Limit memory{"memory_mb", limits.memory_mb ? std::to_string(*limits.memory_mb) : "unlimited",
               "not enforced"};
  if (limits.memory_mb) {
    const std::string bytes = std::to_string(*limits.memory_mb * kMegabyte);
    const bool unified = site.memory.unified;
    const std::string file = limit_file(unified);
    if (group->enter(site.memory, id, {{file, bytes}}, init)) {
      memory.mechanism = mechanism(site.memory, "memory");
      // Swap is not there on every kernel; without it there is nothing to bound.
      const std::string& path = group->made_.back();
      group->kills_file_ = path + "/" + kills_file(unified);
      group->memory_mb_ = *limits.memory_mb;
      put(path + (unified ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes"), unified ? "0" : bytes);
    }
  }
  Limit cpus{"cpus", limits.cpus ? number(*limits.cpus) : "unlimited", "not enforced"};
  if (limits.cpus) {
    const long quota = std::max(kSmallestQuota, std::lround(*limits.cpus * static_cast<double>(kPeriod)));
    const std::string period = std::to_string(kPeriod);
    using Values = std::vector<std::pair<std::string, std::string>>;
    const Values values =
        site.cpu.unified ? Values{{"cpu.max", std::to_string(quota) + " " + period}}
                         : Values{{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", std::to_string(quota)}};
    if (group->enter(site.cpu, id, values, init)) cpus.mechanism = mechanism(site.cpu, "cpu");
  }
  group->limits_ = {std::move(memory), std::move(cpus)};
  return group;
}

std::unique_ptr<Cgroup> Cgroup::find(const CgroupSite& site, const std::string& id) {
  if (site.memory.directory.empty()) return nullptr;
  const std::string path = site.memory.directory + "/" + std::string(kPrefix) + id + "/";
  const std::string limit = text_of(path + limit_file(site.memory.unified));
  std::uint64_t bytes = 0;
  if (std::from_chars(limit.data(), limit.data() + limit.size(), bytes).ec != std::errc()) return nullptr;
  std::unique_ptr<Cgroup> group(new Cgroup());
  group->memory_mb_ = bytes / kMegabyte;
  group->kills_file_ = path + kills_file(site.memory.unified);
  const MutexLock lock(group->mutex_);
  group->kills_ = count_memory_kills(text_of(group->kills_file_));
  return group;
}

Cgroup::~Cgroup() {
  for (const std::string& path : made_) rmdir(path.c_str());
}

bool Cgroup::killed_by_memory(std::uint64_t process) {
  const MutexLock lock(mutex_);
  if (killed_.contains(process)) return true;
  const std::uint64_t kills = kills_file_.empty() ? 0 : count_memory_kills(text_of(kills_file_));
  if (kills <= kills_ || killed_.size() == kMaxRemembered) return false;
  kills_ = kills;
  killed_.insert(process);
  return true;
}

std::uint64_t count_memory_kills(std::string_view text) {
  constexpr std::string_view kKey = "oom_kill ";
  for (const std::string_view line : words(text, "\n")) {
    std::uint64_t count = 0;
    if (line.starts_with(kKey) &&
        std::from_chars(line.data() + kKey.size(), line.data() + line.size(), count).ec == std::errc())
      return count;
  }
  return 0;
}

void remove_stale_cgroups(const CgroupSite& site) {
  remove_stale_in(site.memory.directory);
  if (site.cpu.directory != site.memory.directory) remove_stale_in(site.cpu.directory);
}

}  // namespace rexec::sandbox
