// Entries that exist in a directory of the host only while sandboxes use it, so that there is something to
// mount over: a sandbox must not be able to make a .envrc where there was none.
//
// They are empty directories, which git does not see, and, mostly inside .git, tiny files that mean to git
// what their absence means. All have the sticky bit, by which they are told from what people make. Removing
// them can lose nothing: only an empty directory or the very content is removed. Since the kernel takes away
// mounts whose mount point is removed elsewhere, that happens when no sandbox uses the directory any more:
// each holds a shared lock (flock(2)) on <state>/workspaces/<device>-<inode>, by a descriptor that its runner
// inherits. What a crash leaves is removed by the next server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

/// Those of one directory, for one sandbox. The destructor removes them unless another sandbox uses the
/// directory.
class Placeholders {
 public:
  enum class Kind { directory, empty_file, own_commondir };

  /// Takes the shared lock. `root` is the directory, `path` its real path.
  static Result<Placeholders> open(int root, const std::string& path, const std::string& state);
  Placeholders(Placeholders&&) noexcept = default;
  Placeholders& operator=(Placeholders&&) = delete;
  ~Placeholders();

  /// Makes `name` in `parent`, which is at `path` without `name`, unless it is there; true when it is there
  /// now, false when it cannot be made, as in a directory that nobody can write.
  bool ensure(int parent, std::string_view path, const char* name, Kind kind);
  /// For a sandbox's runner to inherit.
  int lock() const { return lock_.get(); }

 private:
  Placeholders(std::string file, UniqueFd lock) : file_(std::move(file)), lock_(std::move(lock)) {}

  std::string file_;
  UniqueFd lock_;
};

/// Removes what servers left that did not end in the ordinary way.
void remove_stale_placeholders(const std::string& state, const Op& op);

}  // namespace rexec::sandbox
