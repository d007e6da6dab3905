// Where local sandboxes keep what is on disk: <state>/sandboxes/<id>/{lock,home,socket} (sandbox_socket.h),
// of a persistent sandbox also record.json (record_file.h) and alive (kept_process.h), of any other
// visit.json (visitors.h).
//
// A sandbox's directory belongs to the server that holds its lock (flock(2)); the kernel lets go of it
// however that server ends, so a directory whose lock is free is left over and may be removed by any server,
// unless there is a record: then it is a persistent sandbox, and whoever wants to change it takes the lock
// for as long as that lasts.
//
// For a server that runs as root all directories down to <id> belong to root with mode 0711, and only `home`
// belongs to the sandbox's user: bwrap, which runs as that user, can pass through to the home that it is told
// and can neither see nor exchange the others. Otherwise everything is 0700 and the user's own.
//
// <state> itself has to belong to root or to the server's user, not to be writable by others, and not to lie
// below a directory that sandboxes are shown (/usr, /opt and the rest of system_view.h); anything else is
// failed_precondition.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

/// The directory of one sandbox, locked for as long as this object lives.
class SandboxDirectory {
 public:
  SandboxDirectory(std::string id, std::string home, UniqueFd parent, UniqueFd lock)
      : id_(std::move(id)), home_(std::move(home)), parent_(std::move(parent)), lock_(std::move(lock)) {}

  const std::string& id() const { return id_; }
  const std::string& home() const { return home_; }
  /// Removes home and directory. Nobody must be using them. What remains after an error is left over: it is
  /// removed by the next prune once this object is gone.
  Status remove(const Op& op);

 private:
  std::string id_;
  std::string home_;
  UniqueFd parent_;
  UniqueFd lock_;
};

/// Waits for an exclusive flock(2).
Status lock_file(int fd, const Op& op);

/// An existing directory, by a descriptor.
struct OpenedDirectory {
  UniqueFd directory;
  UniqueFd lock;  // held, when it was asked for
};

class StateDirectory {
 public:
  static constexpr std::size_t kMaxListed = 65536;

  /// `owner`: whom homes are made for, when that is another user than the server's. Creates nothing.
  StateDirectory(std::string path, std::optional<uid_t> owner) : path_(std::move(path)), owner_(owner) {}

  const std::string& path() const { return path_; }
  std::string home_of(const std::string& id) const { return path_ + "/sandboxes/" + id + "/home"; }
  /// A new directory with an id nobody had, made with all its parents. Any thread.
  Result<std::unique_ptr<SandboxDirectory>> make(const Op& op) const;
  /// Removes the directories that nobody holds and that have no record, with what still runs there; returns
  /// their ids. Any thread; several servers may do it at once. A dry run only tells.
  Result<std::vector<std::string>> prune(const Op& op, bool dry_run = false) const;

  /// The ids that have directories, at most kMaxListed; empty when there is no state directory.
  Result<std::vector<std::string>> ids() const;
  /// not_found when there is none, or when it is gone by the time that the lock is ours.
  Result<OpenedDirectory> open(const std::string& id, bool locked, const Op& op) const;
  /// Held while a directory is made or looked for, and while a name is given: across all servers.
  Result<UniqueFd> lock_all(const Op& op) const;
  /// Removes a directory that the caller has locked, its record first.
  Status remove(const std::string& id, const Op& op) const;
  /// Whether make() could work, found without creating anything.
  Status check() const;

 private:
  Result<UniqueFd> open_sandboxes() const;

  std::string path_;
  std::optional<uid_t> owner_;
};

}  // namespace rexec::sandbox
