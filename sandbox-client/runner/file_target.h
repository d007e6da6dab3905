// A file that is to be made or replaced by name: where it really is, and a temporary file beside it that
// takes its place when it is whole.
//
// The temporary file is made with O_EXCL and O_NOFOLLOW under a random name, and is removed with this object
// unless it took the place. Symbolic links at the end of the path are followed by hand, so that the name that
// is replaced is that of the file itself.
#pragma once

#include <sys/stat.h>

#include <string>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/replies.h"

namespace rexec::runner {

class FileTarget {
 public:
  FileTarget() = default;
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;
  ~FileTarget() { discard(); }

  /// Finds the file, or where it would be; makes missing directories when asked to. False with `failure`.
  bool resolve(std::string path, bool create_parents, Failure& failure);

  bool exists() const { return exists_; }
  /// As resolve() or refresh() found it.
  const struct stat& status() const { return status_; }
  /// Absolute, with links followed.
  std::string path() const;
  const std::string& directory() const { return directory_; }
  /// access(2) for the effective user.
  bool writable() const;

  /// openat(2) of the name itself: a link there is an error.
  Fd open(int flags, mode_t mode = 0) const;
  /// fstatat(2) of the name itself.
  bool look(struct stat& status) const;
  void set_status(const struct stat& status) { status_ = status; }

  /// The temporary file, open for writing; invalid with errno.
  Fd open_temporary();
  /// What has the temporary name, for reading; invalid with errno.
  Fd reopen_temporary() const;
  /// fstatat(2) of what has the temporary name.
  bool look_at_temporary(struct stat& status) const;
  /// Gives `file` the owner of the file to replace, if that is possible, and `mode`. False with errno.
  bool inherit(const Fd& file, mode_t mode) const;
  /// renameat2(2) of the temporary name onto the name; file systems without the flags answer EINVAL.
  bool rename(unsigned flags) const;
  /// The temporary name is gone, or belongs to what may go.
  void renamed() { temporary_.clear(); }
  /// Removes what has the temporary name.
  void discard();

  static constexpr unsigned kNoReplace = 1;  // RENAME_NOREPLACE
  static constexpr unsigned kExchange = 2;   // RENAME_EXCHANGE

 private:
  bool open_parent(const std::string& path, bool create, Failure& failure);

  std::string directory_;
  std::string name_;
  Fd directory_fd_;
  bool exists_ = false;
  struct stat status_ {};
  std::string temporary_;  // its name while it exists
};

}  // namespace rexec::runner
