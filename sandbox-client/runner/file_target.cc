#include "sandbox-client/runner/file_target.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

namespace rexec::runner {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel, path_resolution(7)

bool make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
      // On the way down directories exist that may not be written, or lie on a read-only file system.
      struct stat status {};
      const int number = errno;
      if (::stat(part.c_str(), &status) != 0) {
        errno = number;
        return false;
      }
    }
    if (slash == std::string::npos) return true;
  }
}

std::string random_name() {
  unsigned char random[8];
  if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return {};
  std::string name = ".rexec-";
  for (const unsigned char byte : random) {
    name.push_back("0123456789abcdef"[byte >> 4]);
    name.push_back("0123456789abcdef"[byte & 15]);
  }
  return name + ".tmp";
}

}  // namespace

std::string FileTarget::path() const {
  return directory_ == "/" ? "/" + name_ : directory_ + "/" + name_;
}

bool FileTarget::resolve(std::string path, bool create_parents, Failure& failure) {
  const std::string asked = path;
  for (int i = 0; i < kMaxLinks; ++i) {
    const std::size_t slash = path.rfind('/');
    name_ = path.substr(slash + 1);
    if (name_.empty() || name_ == "." || name_ == "..") {
      failure = {EISDIR, "type", path + " is the name of a directory"};
      return false;
    }
    if (!open_parent(slash == 0 ? "/" : path.substr(0, slash), create_parents, failure)) return false;
    status_ = {};
    exists_ = look(status_);
    if (!exists_ && errno != ENOENT) {
      failure = errno_failure(errno, "open", path);
      return false;
    }
    if (!exists_ || !S_ISLNK(status_.st_mode)) return true;
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(directory_fd_.get(), name_.c_str(), target, sizeof target);
    if (size <= 0) {
      failure = errno_failure(size == 0 ? ENOENT : errno, "open", path);
      return false;
    }
    const std::string link(target, static_cast<std::size_t>(size));
    path = link.front() == '/' ? link : directory_ + "/" + link;
  }
  failure = errno_failure(ELOOP, "open", asked);
  return false;
}

bool FileTarget::open_parent(const std::string& path, bool create, Failure& failure) {
  char real[PATH_MAX];
  bool found = ::realpath(path.c_str(), real) != nullptr;
  if (!found && errno == ENOENT && create && make_directories(path))
    found = ::realpath(path.c_str(), real) != nullptr;
  if (found) {
    directory_ = real;
    directory_fd_.reset(::open(real, O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  if (found && directory_fd_.valid()) return true;
  failure = errno_failure(errno, "parent", path);
  return false;
}

bool FileTarget::writable() const {
  return ::faccessat(directory_fd_.get(), name_.c_str(), W_OK, 0) == 0;
}

Fd FileTarget::open(int flags, mode_t mode) const {
  return Fd(::openat(directory_fd_.get(), name_.c_str(),
                     flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode));
}

bool FileTarget::look(struct stat& status) const {
  return ::fstatat(directory_fd_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

Fd FileTarget::open_temporary() {
  constexpr int kAttempts = 4;
  Fd file;
  for (int i = 0; i < kAttempts && !file.valid(); ++i) {
    temporary_ = random_name();
    file.reset(::openat(directory_fd_.get(), temporary_.c_str(),
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid() && errno != EEXIST) break;
  }
  if (!file.valid()) temporary_.clear();
  return file;
}

Fd FileTarget::reopen_temporary() const {
  return Fd(::openat(directory_fd_.get(), temporary_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

bool FileTarget::look_at_temporary(struct stat& status) const {
  return ::fstatat(directory_fd_.get(), temporary_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool FileTarget::inherit(const Fd& file, mode_t mode) const {
  // An ordinary user cannot give a file away. chown clears set-user-ID, so it is first.
  if (exists_ && (status_.st_uid != ::geteuid() || status_.st_gid != ::getegid())) {
    [[maybe_unused]] const int ignored = ::fchown(file.get(), status_.st_uid, status_.st_gid);
  }
  return ::fchmod(file.get(), mode) == 0;
}

bool FileTarget::rename(unsigned flags) const {
  if (flags == 0)
    return ::renameat(directory_fd_.get(), temporary_.c_str(), directory_fd_.get(), name_.c_str()) == 0;
  return ::syscall(SYS_renameat2, directory_fd_.get(), temporary_.c_str(), directory_fd_.get(), name_.c_str(),
                   flags) == 0;
}

void FileTarget::discard() {
  if (!temporary_.empty()) ::unlinkat(directory_fd_.get(), temporary_.c_str(), 0);
  temporary_.clear();
}

}  // namespace rexec::runner
