#include "sandbox-client/local/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/random.h"

namespace rexec::sandbox {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
constexpr int kMaxRounds = 100;  // over directories that are being filled while they are emptied

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

// An entry whose directory lacks permissions: chmod through a descriptor, which cannot follow a link.
void open_up(int parent, const char* name) {
  const UniqueFd handle(openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!handle.valid()) return;
  const std::string path = "/proc/self/fd/" + std::to_string(handle.get());
  chmod(path.c_str(), S_IRWXU);
}

Result<DirectoryStream> open_directory(int parent, const char* name) {
  UniqueFd fd(openat(parent, name, kDirectory));
  struct stat status {};
  if (fd.valid() && fstat(fd.get(), &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU)
    fchmod(fd.get(), S_IRWXU);
  if (!fd.valid() && errno == EACCES) {
    open_up(parent, name);
    fd.reset(openat(parent, name, kDirectory));
  }
  if (!fd.valid()) return errno_error(std::string("opening ") + name, errno);
  DirectoryStream directory(fdopendir(fd.get()));
  if (!directory) return errno_error(std::string("reading ") + name, errno);
  fd.release();
  return directory;
}

bool is_dots(const char* name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

class Remover {
 public:
  Remover(DIR* top, dev_t device, const Op& op) : top_(top), device_(device), op_(op) {}

  /// True when the top is empty, false when another round may help.
  Result<bool> round() {
    bool empty = true;
    rewinddir(top_);
    while (true) {
      errno = 0;
      const dirent* entry = readdir(top_);
      if (entry == nullptr) {
        if (errno != 0) return errno_error("reading a directory", errno);
        return empty;
      }
      if (is_dots(entry->d_name)) continue;
      empty = false;
      RETURN_IF_ERROR(remove(entry->d_name));
    }
  }

 private:
  int top() const { return dirfd(top_); }

  Status check() const {
    if (op_.stop.stop_requested()) return Error{ErrorCode::cancelled, "removing files was given up"};
    if (op_.deadline.passed()) return Error{ErrorCode::deadline_exceeded, "removing files took too long"};
    return {};
  }

  static bool gone(int result) { return result == 0 || errno == ENOENT; }

  // unlink(2) of a directory: EISDIR on Linux, EPERM by POSIX.
  static bool may_be_directory() { return errno == EISDIR || errno == EPERM; }

  // rename(2) of a directory to a name that something has; the next round tries another name.
  static bool is_taken() {
    return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR || errno == EISDIR;
  }

  Status remove(const char* name) {
    RETURN_IF_ERROR(check());
    if (gone(unlinkat(top(), name, 0))) return {};
    if (!may_be_directory()) return errno_error(std::string("removing ") + name, errno);
    if (gone(unlinkat(top(), name, AT_REMOVEDIR))) return {};
    return empty_out(name);
  }

  Status empty_out(const char* name) {
    auto opened = open_directory(top(), name);
    if (!opened) return opened.error().code == ErrorCode::not_found ? Status() : opened.error();
    DIR* directory = opened->get();
    struct stat status {};
    if (fstat(dirfd(directory), &status) != 0) return errno_error(std::string("reading ") + name, errno);
    if (status.st_dev != device_)
      return Error{ErrorCode::failed_precondition, std::string(name) + " is on another file system"};
    while (true) {
      errno = 0;
      const dirent* entry = readdir(directory);
      if (entry == nullptr) break;
      if (is_dots(entry->d_name)) continue;
      RETURN_IF_ERROR(check());
      RETURN_IF_ERROR(take(dirfd(directory), entry->d_name));
    }
    if (gone(unlinkat(top(), name, AT_REMOVEDIR)) || errno == ENOTEMPTY || errno == EEXIST) return {};
    return errno_error(std::string("removing ") + name, errno);
  }

  Status take(int directory, const char* name) {
    if (gone(unlinkat(directory, name, 0))) return {};
    if (!may_be_directory()) return errno_error(std::string("removing ") + name, errno);
    if (gone(unlinkat(directory, name, AT_REMOVEDIR))) return {};
    // A directory can be moved only by who may write to it, as its ".." changes.
    open_up(directory, name);
    const std::string moved = prefix_ + std::to_string(++moved_);
    if (gone(renameat(directory, name, top(), moved.c_str())) || is_taken()) return {};
    return errno_error(std::string("moving ") + name, errno);
  }

  DIR* top_;
  dev_t device_;
  const Op& op_;
  const std::string prefix_ = ".rexec-removed-" + random_hex(8) + "-";  // not to be guessed
  std::uint64_t moved_ = 0;
};

}  // namespace

Status remove_tree(int parent, const std::string& name, const Op& op) {
  auto top = open_directory(parent, name.c_str());
  if (!top) return top.error().code == ErrorCode::not_found ? Status() : top.error();
  struct stat status {};
  if (fstat(dirfd(top->get()), &status) != 0) return errno_error("reading " + name, errno);
  Remover remover(top->get(), status.st_dev, op);
  for (int round = 0; round < kMaxRounds;) {
    ASSIGN_OR_RETURN(const bool empty, remover.round());
    if (empty) {
      if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
      if (errno != ENOTEMPTY && errno != EEXIST) return errno_error("removing " + name, errno);
      ++round;
    }
  }
  return Error{ErrorCode::unavailable, "removing " + name + ": files keep appearing in it"};
}

}  // namespace rexec::sandbox
