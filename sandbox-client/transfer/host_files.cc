#include "sandbox-client/transfer/host_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace rexec::sandbox {
namespace {

constexpr mode_t kModeBits = 0777;
constexpr mode_t kSpecial = 07000;
constexpr mode_t kNewFile = 0600;
constexpr mode_t kNewDirectory = 0700;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;
constexpr int kWriting = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kPiece = 64 << 10;  // the smallest hole

Error failed(int number) {
  Error error = errno_error("", number);
  error.message.erase(0, 2);  // ": "
  return error;
}

Error in_the_way(mode_t mode, const char* wanted) {
  const char* what = S_ISDIR(mode)    ? "it is a directory"
                     : S_ISREG(mode)  ? "it is a file"
                     : S_ISLNK(mode)  ? "it is a symbolic link"
                     : S_ISFIFO(mode) ? "it is a FIFO"
                                      : "it is a device or a socket";
  return Error{ErrorCode::failed_precondition, std::string(what) + ", which " + wanted + " does not replace"};
}

/// The time of the last access stays.
struct Times {
  explicit Times(std::int64_t modified) {
    values[0].tv_sec = 0;
    values[0].tv_nsec = UTIME_OMIT;
    const std::int64_t rest = (modified % kSecond + kSecond) % kSecond;
    values[1].tv_sec = static_cast<time_t>(modified / kSecond - (modified % kSecond < 0 ? 1 : 0));
    values[1].tv_nsec = static_cast<long>(rest);
  }
  timespec values[2];
};

Status write_at(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t size = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed(errno);
    bytes.remove_prefix(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
  return {};
}

}  // namespace

std::int64_t modified_unix_ns(const struct stat& status) {
  constexpr std::int64_t kMost = INT64_MAX / kSecond - 1;
  return std::clamp<std::int64_t>(status.st_mtim.tv_sec, -kMost, kMost) * kSecond + status.st_mtim.tv_nsec;
}

std::int64_t nanoseconds_of(std::int64_t milliseconds) {
  constexpr std::int64_t kMillisecond = 1'000'000;
  constexpr std::int64_t kMost = INT64_MAX / kMillisecond;
  return std::clamp(milliseconds, -kMost, kMost) * kMillisecond;
}

Result<UniqueFd> open_directory(const std::string& path) {
  UniqueFd directory(::open(path.c_str(), kDirectory));
  if (!directory.valid()) return failed(errno);
  return directory;
}

Result<UniqueFd> make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), kNewDirectory) != 0 && errno != EEXIST) return failed(errno);
  UniqueFd directory(::openat(parent, name.c_str(), kDirectory | O_NOFOLLOW));
  if (directory.valid()) return directory;
  const int number = errno;
  struct stat status {};
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(status.st_mode))
    return in_the_way(status.st_mode, "a directory");
  return failed(number);
}

Result<UniqueFd> make_file(int parent, const std::string& name, bool follow) {
  const int link = follow ? 0 : AT_SYMLINK_NOFOLLOW;
  struct stat status {};
  UniqueFd file;
  if (::fstatat(parent, name.c_str(), &status, link) == 0) {
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) return in_the_way(status.st_mode, "a file");
    if (S_ISREG(status.st_mode)) {
      file.reset(::openat(parent, name.c_str(), kWriting | (follow ? 0 : O_NOFOLLOW)));
      // Read-only, or a program that runs.
      if (!file.valid() && errno != EACCES && errno != ETXTBSY) return failed(errno);
    }
    if (!file.valid() && ::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) return failed(errno);
  }
  if (!file.valid())
    file.reset(::openat(parent, name.c_str(), kWriting | O_CREAT | O_EXCL | O_NOFOLLOW, kNewFile));
  // Somebody may have exchanged it since.
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return failed(errno);
  if (!S_ISREG(status.st_mode)) return in_the_way(status.st_mode, "a file");
  if (status.st_size != 0 && ::ftruncate(file.get(), 0) != 0) return failed(errno);
  return file;
}

Status make_symlink(int parent, const std::string& name, const std::string& target,
                    std::int64_t modified_unix_ns) {
  struct stat status {};
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISLNK(status.st_mode) && !S_ISREG(status.st_mode))
      return in_the_way(status.st_mode, "a symbolic link");
    if (::unlinkat(parent, name.c_str(), 0) != 0) return failed(errno);
  }
  if (::symlinkat(target.c_str(), parent, name.c_str()) != 0) return failed(errno);
  const Times times(modified_unix_ns);
  if (::utimensat(parent, name.c_str(), times.values, AT_SYMLINK_NOFOLLOW) != 0) return failed(errno);
  return {};
}

Status write_sparse(int file, std::string_view bytes, std::uint64_t offset) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
    const std::string_view piece = bytes.substr(0, kPiece);
    const bool hole = piece.find_first_not_of('\0') == piece.npos;
    if (!hole) RETURN_IF_ERROR(write_at(file, piece, offset));
    offset += piece.size();
  }
  return {};
}

Status finish_file(int file, std::uint64_t size) {
  if (::ftruncate(file, static_cast<off_t>(size)) != 0) return failed(errno);
  return {};
}

unsigned process_umask() {
  constexpr unsigned kUsual = 022;
  const auto status = read_whole_file("/proc/self/status", 64 << 10);
  const std::size_t at = status ? status->find("\nUmask:") : std::string::npos;
  return at == std::string::npos ? kUsual
                                 : static_cast<unsigned>(std::strtoul(status->c_str() + at + 7, nullptr, 8));
}

Status set_attributes(int fd, const Attributes& attributes) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return failed(errno);
  const mode_t kept = S_ISDIR(status.st_mode) ? status.st_mode & kSpecial : 0;
  const mode_t mode = kept | (attributes.mode & kModeBits);
  if ((status.st_mode & (kSpecial | kModeBits)) != mode && ::fchmod(fd, mode) != 0) return failed(errno);
  const Times times(attributes.modified_unix_ns);
  if (::futimens(fd, times.values) != 0) return failed(errno);
  return {};
}

}  // namespace rexec::sandbox
