#include "sandbox-client/runner/file_transfer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/file_task.h"

namespace rexec::runner {
namespace {

constexpr mode_t kPermissions = 0777;
constexpr mode_t kNewFile = 0600;  // nobody else sees it before it has its mode
constexpr mode_t kNewDirectory = 0700;
constexpr int kOpenFlags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

bool fail(Failure& failure, const char* step, const std::string& path) {
  failure = errno_failure(errno, step, path);
  return false;
}

bool in_the_way(Failure& failure, const std::string& path, mode_t mode, const char* wanted) {
  failure = {S_ISDIR(mode) ? EISDIR : EEXIST, "type",
             path + " is " + kind_of(mode) + ", which " + wanted + " does not replace"};
  return false;
}

/// The time of the last access stays.
void set_times(std::int64_t modified_unix_ns, timespec (&times)[2]) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t seconds = modified_unix_ns / kSecond;
  std::int64_t rest = modified_unix_ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  times[0].tv_sec = 0;
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = static_cast<time_t>(seconds);
  times[1].tv_nsec = static_cast<long>(rest);
}

/// By name, not by a descriptor: one that may be neither read nor searched can be given its mode twice.
bool make_directory(const MakeEntry& wanted, Failure& failure) {
  const char* path = wanted.path.c_str();
  if (::mkdir(path, kNewDirectory) != 0 && errno != EEXIST) return fail(failure, "make", wanted.path);
  struct stat status {};
  if (::lstat(path, &status) != 0) return fail(failure, "make", wanted.path);
  if (!S_ISDIR(status.st_mode)) return in_the_way(failure, wanted.path, status.st_mode, "a directory");
  if (!wanted.attributes) return true;
  // What set-group-ID and sticky mean here is the affair of who set them.
  const mode_t mode = (status.st_mode & 07000) | (wanted.mode & kPermissions);
  timespec times[2];
  set_times(wanted.modified_unix_ns, times);
  if ((status.st_mode & 07777) != mode && ::chmod(path, mode) != 0) return fail(failure, "mode", wanted.path);
  if (::utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0) return fail(failure, "mode", wanted.path);
  return true;
}

bool is_link_to(const std::string& path, const std::string& target) {
  char found[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), found, sizeof found);
  return size > 0 && std::string_view(found, static_cast<std::size_t>(size)) == target;
}

bool make_link(const MakeEntry& wanted, Failure& failure) {
  const char* path = wanted.path.c_str();
  struct stat status {};
  if (!is_link_to(wanted.path, wanted.target)) {
    if (::lstat(path, &status) == 0) {
      if (!S_ISLNK(status.st_mode) && !S_ISREG(status.st_mode))
        return in_the_way(failure, wanted.path, status.st_mode, "a symbolic link");
      if (::unlink(path) != 0 && errno != ENOENT) return fail(failure, "make", wanted.path);
    }
    if (::symlink(wanted.target.c_str(), path) != 0) return fail(failure, "make", wanted.path);
  }
  if (!wanted.attributes) return true;
  timespec times[2];
  set_times(wanted.modified_unix_ns, times);
  if (::utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0) return fail(failure, "mode", wanted.path);
  return true;
}

/// A regular file that is there. One that may not be written is made writable by its owner, who gives it its
/// mode back: with finish, or by `restore`. It may be one that has been finished, when a request comes twice.
Fd open_file(const WriteRange& wanted, mode_t& restore) {
  const char* path = wanted.path.c_str();
  const int flags = kOpenFlags | (wanted.follow ? 0 : O_NOFOLLOW);
  Fd file(::open(path, flags));
  if (file.valid() || errno != EACCES) return file;
  struct stat status {};
  // What has other names is theirs too, and who made it read-only did so for all.
  if (::lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
      ::chmod(path, (status.st_mode & kPermissions) | S_IWUSR) == 0) {
    restore = status.st_mode & kPermissions;
    file.reset(::open(path, flags));
  } else {
    errno = EACCES;
  }
  return file;
}

Fd begin_file(const WriteRange& wanted, mode_t& restore, Failure& failure) {
  const char* path = wanted.path.c_str();
  struct stat status {};
  Fd file;
  if ((wanted.follow ? ::stat(path, &status) : ::lstat(path, &status)) == 0) {
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
      in_the_way(failure, wanted.path, status.st_mode, "a file");
      return {};
    }
    if (S_ISREG(status.st_mode)) file = open_file(wanted, restore);
    if (file.valid()) return file;
    // Read-only, or a program that runs.
    const bool replaced = S_ISLNK(status.st_mode) || errno == EACCES || errno == ETXTBSY;
    if (!replaced || (::unlink(path) != 0 && errno != ENOENT)) {
      fail(failure, "open", wanted.path);
      return {};
    }
  }
  file.reset(::open(path, kOpenFlags | O_CREAT | O_EXCL | O_NOFOLLOW, kNewFile));
  if (!file.valid()) fail(failure, "open", wanted.path);
  return file;
}

bool write_at(const Fd& file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t size = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
  return true;
}

bool finish_file(const Fd& file, const struct stat& status, const WriteRange& wanted) {
  if (static_cast<std::uint64_t>(status.st_size) != wanted.size &&
      ::ftruncate(file.get(), static_cast<off_t>(wanted.size)) != 0)
    return false;
  if (wanted.mode_given && ::fchmod(file.get(), wanted.mode & kPermissions) != 0) return false;
  timespec times[2];
  set_times(wanted.modified_unix_ns, times);
  return !wanted.modified_given || ::futimens(file.get(), times) == 0;
}

}  // namespace

bool make_entry(const MakeEntry& wanted, Failure& failure) {
  if (!check_path(wanted.path, failure)) return false;
  return wanted.type == FileType::dir ? make_directory(wanted, failure) : make_link(wanted, failure);
}

bool write_range(const WriteRange& wanted, Failure& failure) {
  if (!check_path(wanted.path, failure)) return false;
  constexpr mode_t kNothing = ~mode_t{0};
  mode_t restore = kNothing;
  const Fd file = wanted.begin ? begin_file(wanted, restore, failure) : open_file(wanted, restore);
  if (!file.valid()) return failure.number == 0 ? fail(failure, "open", wanted.path) : false;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail(failure, "open", wanted.path);
  if (!S_ISREG(status.st_mode)) return in_the_way(failure, wanted.path, status.st_mode, "a file");
  bool done = write_at(file, wanted.data, wanted.offset);
  if (done && wanted.finish) done = ::fstat(file.get(), &status) == 0 && finish_file(file, status, wanted);
  if (!done) fail(failure, "write", wanted.path);
  if (restore != kNothing && !(done && wanted.finish && wanted.mode_given)) ::fchmod(file.get(), restore);
  return done;
}

}  // namespace rexec::runner
