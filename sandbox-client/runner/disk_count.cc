#include "sandbox-client/runner/disk_count.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace rexec::runner {
namespace {

constexpr std::size_t kReadBytes = 8 << 10;  // of a directory at once
constexpr std::uint64_t kBlock = 512;        // unit of st_blocks, stat(3type)
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

/// One that its owner, who is the runner's user, may not read is made readable for a moment.
Fd open_directory(int parent, const char* name) {
  Fd directory(::openat(parent, name, kDirectory));
  if (directory.valid() || errno != EACCES) return directory;
  const Fd place(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!place.valid() || ::fstat(place.get(), &status) != 0) return directory;
  const std::string path = "/proc/self/fd/" + std::to_string(place.get());
  if (::chmod(path.c_str(), (status.st_mode & 07777) | S_IRUSR | S_IXUSR) != 0) return directory;
  directory.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
  ::chmod(path.c_str(), status.st_mode & 07777);
  return directory;
}

}  // namespace

DiskCount::DiskCount(const std::string& root) {
  Fd directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (!directory.valid() || ::fstat(directory.get(), &status) != 0) return;
  device_ = status.st_dev;
  bytes_ = static_cast<std::uint64_t>(status.st_blocks) * kBlock;
  levels_.push_back({std::move(directory)});
}

DiskCount::Step DiskCount::advance(std::size_t entries) {
  while (!levels_.empty()) {
    switch (read_part(entries)) {
      case Part::unfinished:
        return Step::unfinished;
      case Part::ended:
        levels_.pop_back();
        break;
      case Part::entered:
        break;
      case Part::too_deep:
        return Step::too_deep;
    }
  }
  return Step::counted;
}

DiskCount::Part DiskCount::read_part(std::size_t& left) {
  Level& level = levels_.back();
  const int fd = level.directory.get();
  if (::lseek(fd, level.position, SEEK_SET) < 0) return Part::ended;
  alignas(dirent64) char buffer[kReadBytes];
  for (;;) {
    const ssize_t got = ::getdents64(fd, buffer, sizeof buffer);
    if (got <= 0) return Part::ended;
    for (ssize_t at = 0; at < got;) {
      if (left == 0) return Part::unfinished;
      --left;
      const char* record = buffer + at;
      unsigned short size = 0;
      std::memcpy(&size, record + offsetof(dirent64, d_reclen), sizeof size);
      off64_t behind = 0;
      std::memcpy(&behind, record + offsetof(dirent64, d_off), sizeof behind);
      const char* name = record + offsetof(dirent64, d_name);
      at += size;
      level.position = behind;
      const std::string_view text(name);
      struct stat status {};
      if (text == "." || text == ".." || ::fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (status.st_dev != device_) continue;
      const auto names = S_ISDIR(status.st_mode) ? 1 : std::max<nlink_t>(status.st_nlink, 1);
      bytes_ += static_cast<std::uint64_t>(status.st_blocks) * kBlock / names;
      if (!S_ISDIR(status.st_mode)) continue;
      if (levels_.size() == kMaxDepth) return Part::too_deep;
      Fd directory = open_directory(fd, name);
      if (!directory.valid()) continue;
      levels_.push_back({std::move(directory)});
      return Part::entered;
    }
  }
}

}  // namespace rexec::runner
