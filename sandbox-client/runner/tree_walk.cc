#include "sandbox-client/runner/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>

#include "sandbox-client/runner/loop.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kReadBytes = 32 << 10;  // of a directory at once

constexpr std::uint64_t kKernelFileSystems[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,   CGROUP_SUPER_MAGIC,
                                                CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
                                                SECURITYFS_MAGIC,    BPF_FS_MAGIC};

bool in_kernel_file_system(int fd) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0) return false;
  return std::find(std::begin(kKernelFileSystems), std::end(kKernelFileSystems),
                   static_cast<std::uint64_t>(status.f_type)) != std::end(kKernelFileSystems);
}

unsigned char type_of(mode_t mode) {
  return static_cast<unsigned char>(IFTODT(mode));
}

}  // namespace

TreeWalk::TreeWalk(Fd root, const TreeFilter& filter, std::string after, std::uint64_t deadline_us,
                   std::size_t max_held)
    : filter_(filter), deadline_us_(deadline_us), max_held_(max_held) {
  struct stat status {};
  ::fstat(root.get(), &status);
  kernel_root_ = in_kernel_file_system(root.get());
  Level& level = levels_.emplace_back();
  level.directory = std::move(root);
  level.device = status.st_dev;
  level.floor = std::move(after);
}

bool TreeWalk::late() const {
  return monotonic_us() >= deadline_us_;
}

std::string_view TreeWalk::position() const {
  return std::string_view(path_).substr(0, levels_.empty() ? 0 : levels_.back().prefix);
}

TreeWalk::Step TreeWalk::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (late() || (level.keys.empty() && !level.complete && !refill(level))) return Step::late;
    if (level.keys.empty()) {
      if (level.complete) leave();
      continue;
    }
    Key key = std::move(level.keys.back());
    level.keys.pop_back();
    --held_;
    if (key.text <= level.last) continue;  // a directory that changes may name an entry twice
    level.last = key.text;
    path_.resize(level.prefix);
    if (key.text.back() == '/') {
      enter(key.text);
      continue;
    }
    path_ += key.text;
    type_ = key.type;
    return Step::entry;
  }
  return Step::end;
}

void TreeWalk::leave() {
  levels_.pop_back();
  if (!levels_.empty()) path_.resize(levels_.back().prefix);
}

void TreeWalk::enter(const std::string& key) {
  const Level& parent = levels_.back();
  const std::string name = key.substr(0, key.size() - 1);
  if (levels_.size() >= kMaxTreeDepth) {
    ++gaps_.too_deep;
    return;
  }
  Fd directory(::openat(parent.directory.get(), name.c_str(),
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!directory.valid()) {
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) ++gaps_.unreadable;
    return;
  }
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) return;
  if (status.st_dev != parent.device && !kernel_root_ && in_kernel_file_system(directory.get())) return;
  Level level;
  level.directory = std::move(directory);
  level.device = status.st_dev;
  level.prefix = parent.prefix + key.size();
  if (parent.floor.starts_with(key)) level.floor = parent.floor.substr(key.size());
  path_ += key;
  levels_.push_back(std::move(level));
}

bool TreeWalk::refill(Level& level) {
  const std::size_t room = std::max(kMinHeldNames, (max_held_ - std::min(max_held_, held_)) / 2);
  alignas(dirent64) char buffer[kReadBytes];
  level.complete = true;
  path_.resize(level.prefix);
  if (::lseek(level.directory.get(), 0, SEEK_SET) != 0) ++gaps_.unreadable;
  for (;;) {
    if (late()) return false;
    const ssize_t got = ::getdents64(level.directory.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != ENOENT) ++gaps_.unreadable;  // ENOENT: it was removed
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const char* record = buffer + at;
      unsigned short size = 0;
      std::memcpy(&size, record + offsetof(dirent64, d_reclen), sizeof size);
      const auto type = static_cast<unsigned char>(record[offsetof(dirent64, d_type)]);
      consider(level, record + offsetof(dirent64, d_name), type, room);
      at += size;
    }
  }
  std::sort_heap(level.keys.begin(), level.keys.end(),
                 [](const Key& a, const Key& b) { return a.text < b.text; });
  std::reverse(level.keys.begin(), level.keys.end());
  return true;
}

void TreeWalk::consider(Level& level, std::string_view name, unsigned char type, std::size_t room) {
  if (name == "." || name == ".." || name.empty()) return;
  path_ += name;
  if (type == DT_UNKNOWN) {
    struct stat status {};
    if (::fstatat(level.directory.get(), path_.c_str() + level.prefix, &status, AT_SYMLINK_NOFOLLOW) == 0)
      type = type_of(status.st_mode);
  }
  if (type != DT_UNKNOWN) {
    if (name > level.floor && filter_.lists(path_, name)) hold(level, std::string(name), type, room);
    if (type == DT_DIR && filter_.enters(path_, name, levels_.size())) {
      const std::string below = std::string(name) + "/";
      if (below > level.floor || level.floor.starts_with(below)) hold(level, below, type, room);
    }
  }
  path_.resize(level.prefix);
}

void TreeWalk::hold(Level& level, std::string text, unsigned char type, std::size_t room) {
  const auto before = [](const Key& a, const Key& b) { return a.text < b.text; };
  if (text <= level.last) return;
  std::vector<Key>& keys = level.keys;
  if (keys.size() >= room) {
    level.complete = false;
    if (text >= keys.front().text) return;
    std::pop_heap(keys.begin(), keys.end(), before);
    keys.pop_back();
    --held_;
  }
  keys.push_back({std::move(text), type});
  std::push_heap(keys.begin(), keys.end(), before);
  ++held_;
}

}  // namespace rexec::runner
