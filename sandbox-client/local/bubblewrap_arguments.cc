#include "sandbox-client/local/bubblewrap_arguments.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxPath = 4095;  // PATH_MAX - 1
constexpr std::size_t kMaxEntries = 256;
constexpr std::uint64_t kMaxMegabytes = std::uint64_t{1} << 40;
// Directories of the root that are the system's or ours, and places that nothing may cover.
constexpr std::string_view kTaken[] = {"usr", "opt", "etc", "proc", "dev", "sys", "run"};
constexpr std::string_view kWhole[] = {"/home", kSandboxHome, "/tmp", "/var"};
constexpr std::string_view kLinks[] = {"/var/tmp", "/var/run"};

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool plain_components(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || has_nul(path)) return false;
  while (true) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

bool is_plain_path(std::string_view path) {
  return !path.empty() && path.front() == '/' && plain_components(path.substr(1));
}

bool is_root_name(std::string_view name) {
  return name == "bin" || name == "sbin" || name == "lib" || name == "lib32" || name == "lib64" ||
         name == "libx32";
}

bool may_be_shown(std::string_view path) {
  if (!is_plain_path(path)) return false;
  const std::string_view first = path.substr(1, path.find('/', 1) - 1);
  if (first == "etc") return path.size() > 5;
  return first == "usr" || first == "opt" || is_root_name(first);
}

bool is_or_is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

Error refuse(std::string_view field, std::string_view why) {
  return Error{ErrorCode::invalid_argument, "sandbox layout: " + std::string(field) + " " + std::string(why)};
}

Status check(const SandboxLayout& layout) {
  if (layout.links.size() > kMaxEntries || layout.read_only.size() > kMaxEntries ||
      layout.files.size() > kMaxEntries || layout.hidden.size() > kMaxEntries ||
      layout.env.size() > kMaxEntries || layout.binds.size() > kMaxEntries)
    return refuse("the layout", "has more than 256 entries of a kind");
  for (const auto& [name, target] : layout.links) {
    if (!is_root_name(name)) return refuse("a link", "is not one of the system's directories");
    if (!plain_components(target) || !may_be_shown("/" + target))
      return refuse("a link's target", "is not a plain path below usr");
  }
  for (const std::string& path : layout.read_only)
    if (!may_be_shown(path)) return refuse("a read-only directory", "is not a plain path of the system");
  for (const CopiedFile& file : layout.files)
    if (!is_plain_path(file.path) || file.path.rfind("/etc/", 0) != 0)
      return refuse("a copied file", "is not a plain path below /etc");
  for (const std::string& path : layout.hidden)
    if (!is_plain_path(path) || path.rfind("/proc/", 0) != 0)
      return refuse("a hidden file", "is not a plain path below /proc");
  if (!layout.home.empty() && !is_plain_path(layout.home)) return refuse("the home", "is not a plain path");
  for (const auto& [name, value] : layout.env) {
    if (!is_identifier(name)) return refuse("an environment variable's name", "is not an identifier");
    if (has_nul(value)) return refuse("an environment variable's value", "contains NUL");
  }
  for (const std::uint64_t mb : {layout.memory_mb, layout.watched_memory_mb, layout.watched_disk_mb})
    if (mb > kMaxMegabytes) return refuse("a limit", "is beyond what can be counted");
  std::set<std::string_view> destinations;
  for (const Bind& bind : layout.binds)
    if (!may_hold_mount(bind.destination) || !destinations.insert(bind.destination).second)
      return refuse("a mount's destination", "hides a part of the sandbox or is used twice");
  std::vector<int> descriptors = {layout.runner_fd, layout.seccomp_fd};
  if (const auto& kept = layout.kept) {
    if (kept->expires_unix_ms < 0) return refuse("the expiry", "is negative");
    descriptors.insert(descriptors.end(),
                       {kept->listen_fd, kept->secret_fd, kept->alive_fd, kept->status_fd});
  } else {
    descriptors.insert(descriptors.end(), {layout.info_fd, layout.channel_fd});
    if (const auto& visit = layout.visit)
      descriptors.insert(descriptors.end(), {visit->listen_fd, visit->secret_fd});
  }
  if (!layout.binds.empty()) descriptors.push_back(layout.guard_fd);
  for (const CopiedFile& file : layout.files) descriptors.push_back(file.fd);
  for (const Bind& bind : layout.binds) descriptors.push_back(bind.fd);
  const std::set<int> distinct(descriptors.begin(), descriptors.end());
  if (distinct.size() != descriptors.size() || *distinct.begin() <= 2)
    return refuse("a descriptor", "is missing or used twice");
  return {};
}

class Arguments {
 public:
  template <class... Operands>
  void add(const char* option, Operands&&... operands) {
    list_.emplace_back(option);
    (list_.emplace_back(std::forward<Operands>(operands)), ...);
  }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

}  // namespace

bool may_hold_mount(std::string_view path) {
  if (!is_plain_path(path)) return false;
  const std::string_view first = path.substr(1, path.find('/', 1) - 1);
  if (is_root_name(first) || std::ranges::find(kTaken, first) != std::end(kTaken)) return false;
  if (std::ranges::find(kWhole, path) != std::end(kWhole)) return false;
  return std::ranges::none_of(kLinks, [path](std::string_view link) { return is_or_is_below(path, link); });
}

std::string guarded_mounts(const std::vector<Bind>& binds) {
  std::string text;
  for (const Bind& bind : binds) {
    text += bind.read_only ? 'r' : 'w';
    text += bind.destination;
    text += '\0';
  }
  return text;
}

Result<std::vector<std::string>> bubblewrap_arguments(const SandboxLayout& layout) {
  RETURN_IF_ERROR(check(layout));
  const std::string user = std::to_string(kSandboxUser);
  Arguments arguments;
  arguments.add("bwrap");

  arguments.add("--unshare-user");
  arguments.add("--unshare-pid");
  arguments.add("--unshare-ipc");
  arguments.add("--unshare-uts");
  arguments.add("--unshare-cgroup-try");
  if (layout.network == Network::none) arguments.add("--unshare-net");
  arguments.add("--disable-userns");
  if (!layout.kept) arguments.add("--die-with-parent");
  arguments.add("--new-session");
  arguments.add("--as-pid-1");
  arguments.add("--uid", user);
  arguments.add("--gid", user);
  arguments.add("--hostname", "sandbox");
  arguments.add("--clearenv");
  for (const auto& [name, value] : layout.env) arguments.add("--setenv", name, value);

  // Parents that bwrap makes by itself are not readable by others than their owner, so they are named first.
  for (const char* directory : {"/etc", "/home"}) {
    arguments.add("--perms", "0755");
    arguments.add("--dir", directory);
  }
  for (const auto& [name, target] : layout.links) arguments.add("--symlink", target, "/" + name);
  for (const std::string& path : layout.read_only) arguments.add("--ro-bind", path, path);
  for (const CopiedFile& file : layout.files) {
    arguments.add("--perms", "0444");
    arguments.add("--file", std::to_string(file.fd), file.path);
  }
  arguments.add("--symlink", "../usr/lib/os-release", "/etc/os-release");
  arguments.add("--symlink", "../proc/self/mounts", "/etc/mtab");

  arguments.add("--proc", "/proc");
  // A device that cannot be opened, since such mounts have none.
  for (const std::string& path : layout.hidden) arguments.add("--ro-bind", "/dev/null", path);
  arguments.add("--dev", "/dev");
  // All together they leave a part of the memory to processes. Without a size it is half of the machine's,
  // each.
  const auto add_memory = [&](const char* mode, const char* path, std::uint64_t part) {
    arguments.add("--perms", mode);
    if (layout.memory_mb > 0) arguments.add("--size", std::to_string((layout.memory_mb << 20) / part));
    arguments.add("--tmpfs", path);
  };
  add_memory("1777", "/dev/shm", 4);
  arguments.add("--remount-ro", "/dev");
  add_memory("1777", "/tmp", 2);
  add_memory("0755", "/var", 16);
  for (const char* directory : {"/var/cache", "/var/lib", "/var/log"}) {
    arguments.add("--perms", "0755");
    arguments.add("--dir", directory);
  }
  arguments.add("--symlink", "../tmp", "/var/tmp");
  arguments.add("--symlink", "../run", "/var/run");
  add_memory("0755", "/run", 16);
  arguments.add("--perms", "1777");
  arguments.add("--dir", "/run/lock");
  // A mount of its own: nothing inside can then rename, replace or change the runner.
  arguments.add("--perms", "0755");
  arguments.add("--tmpfs", "/run/rexec");
  arguments.add("--perms", "0555");
  arguments.add("--file", std::to_string(layout.runner_fd), kRunnerPath);
  arguments.add("--remount-ro", "/run/rexec");

  if (layout.home.empty()) {
    add_memory("0700", kSandboxHome, 4);
  } else {
    arguments.add("--bind", layout.home, kSandboxHome);
  }
  for (const Bind& bind : layout.binds)
    arguments.add(bind.read_only ? "--ro-bind-fd" : "--bind-fd", std::to_string(bind.fd), bind.destination);
  arguments.add("--remount-ro", "/");
  arguments.add("--chdir", kSandboxHome);

  arguments.add("--seccomp", std::to_string(layout.seccomp_fd));
  if (const auto& kept = layout.kept) {
    arguments.add("--json-status-fd", std::to_string(kept->status_fd));
    arguments.add("--", kRunnerPath, "serve", "--listen-fd", std::to_string(kept->listen_fd));
    arguments.add("--secret-fd", std::to_string(kept->secret_fd));
    arguments.add("--lease-s", std::to_string(kept->idle_s));
    arguments.add("--expires-ms", std::to_string(kept->expires_unix_ms));
    if (!layout.binds.empty()) arguments.add("--report-fd", std::to_string(kept->alive_fd));
  } else {
    arguments.add("--info-fd", std::to_string(layout.info_fd));
    arguments.add("--", kRunnerPath, "serve", "--channel-fd", std::to_string(layout.channel_fd));
    if (const auto& visit = layout.visit) {
      arguments.add("--visit-fd", std::to_string(visit->listen_fd));
      arguments.add("--secret-fd", std::to_string(visit->secret_fd));
    }
  }
  if (!layout.binds.empty()) arguments.add("--guard-fd", std::to_string(layout.guard_fd));
  if (layout.watched_memory_mb > 0) arguments.add("--memory-mb", std::to_string(layout.watched_memory_mb));
  if (layout.watched_disk_mb > 0) arguments.add("--disk-mb", std::to_string(layout.watched_disk_mb));
  return arguments.take();
}

}  // namespace rexec::sandbox
