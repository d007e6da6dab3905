#include "sandbox-client/runner/file_task.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace rexec::runner {

bool check_path(const std::string& path, Failure& failure) {
  if (path.empty() || path.front() != '/') {
    failure = {EINVAL, "path", "the path must be absolute"};
  } else if (path.size() > kMaxPath) {
    failure = {ENAMETOOLONG, "path", "the path is longer than 4095 bytes"};
  } else if (path.find('\0') != std::string::npos) {
    failure = {EINVAL, "path", "the path contains a NUL byte"};
  } else {
    return true;
  }
  return false;
}

const char* kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "a regular file";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "something unknown";
}

Failure not_a_file(const std::string& path, mode_t mode) {
  return {S_ISDIR(mode) ? EISDIR : EINVAL, "type", path + " is " + kind_of(mode) + ", not a regular file"};
}

FileInfo info_of(const struct stat& status) {
  FileInfo info;
  info.type = S_ISREG(status.st_mode)   ? FileType::file
              : S_ISDIR(status.st_mode) ? FileType::dir
              : S_ISLNK(status.st_mode) ? FileType::symlink
                                        : FileType::other;
  info.size = static_cast<std::uint64_t>(status.st_size);
  info.mode = status.st_mode & 07777;
  info.modified_unix_ms =
      static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000 + status.st_mtim.tv_nsec / 1000000;
  return info;
}

Fd open_for_reading(const std::string& path, struct stat& status, Failure& failure) {
  if (!check_path(path, failure)) return {};
  Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) {
    // A socket cannot be opened, and a device may have no driver: say what it is all the same.
    const int number = errno;
    if ((number == ENXIO || number == ENODEV) && ::stat(path.c_str(), &status) == 0 &&
        !S_ISREG(status.st_mode)) {
      failure = not_a_file(path, status.st_mode);
    } else {
      failure = errno_failure(number, "open", path);
    }
    return {};
  }
  if (::fstat(file.get(), &status) != 0) {
    failure = errno_failure(errno, "open", path);
    return {};
  }
  if (!S_ISREG(status.st_mode)) {
    failure = not_a_file(path, status.st_mode);
    return {};
  }
  return file;
}

ssize_t read_at(int fd, char* bytes, std::size_t size, std::uint64_t offset) {
  std::size_t total = 0;
  while (total < size) {
    const ssize_t got = ::pread(fd, bytes + total, size - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return total > 0 ? static_cast<ssize_t>(total) : -1;
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(total);
}

}  // namespace rexec::runner
