// The mounts that protect files of the host from a sandbox, and whether they are all still there.
//
// The kernel takes a mount away when its mount point is removed, or replaced by a rename, in another mount
// namespace, and lets it move along when the mount point is renamed there (mount_namespaces(7)). So what a
// person does to their files outside can leave the sandbox with a writable file in the place of a read-only
// one. Text in, text out; mount_guard.h does the looking.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rexec::runner {

/// A line of /proc/PID/mountinfo (proc(5)).
struct MountLine {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::string device;
  std::string point;  // with spaces, tabs, line breaks and backslashes as \ooo, as the kernel writes it
  bool read_only = false;
};

/// Lines that are no mounts are left out.
std::vector<MountLine> parse_mounts(std::string_view mountinfo);

/// A mount point as a path.
std::string plain_path(std::string_view point);

class MountTable {
 public:
  /// `wanted` says what has to be mounted: for each mount "r" (read-only) or "w" and its path, ended by NUL.
  /// Guarded are these and all mounts below them, as they are in `mountinfo`. Returns what is wrong already.
  std::string begin(std::string_view wanted, std::string_view mountinfo);

  /// What has become of the guarded mounts: empty while they are as they were, otherwise a sentence for
  /// people, in printable ASCII and at most 400 bytes.
  std::string change(std::string_view mountinfo) const;

  const std::vector<MountLine>& guarded() const { return guarded_; }

 private:
  std::vector<MountLine> guarded_;
  std::map<std::uint64_t, MountLine> first_;  // all that there were, by id
};

}  // namespace rexec::runner
