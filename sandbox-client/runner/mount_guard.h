// Watches the mounts that keep a sandbox from writing some files of the host's directories, and says when one
// of them is gone (mount_table.h), so that the sandbox can be ended before it writes what is there instead.
//
// The kernel tells of every mount that comes or goes (/proc/PID/mountinfo, proc(5)), but not of a mount point
// that is renamed outside of the sandbox and takes its mount along; so the directories around mount points
// are watched too (inotify(7)), and where that cannot be, the mounts are looked at every 0.1 s. In between a
// command has as long as this takes, in the order of a millisecond, to write the file.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/mount_table.h"

namespace rexec::runner {

class MountGuard final : private Watcher {
 public:
  static constexpr std::size_t kMaxMountInfo = 16 << 20;
  static constexpr std::uint64_t kLookMs = 100;  // where directories cannot be watched

  /// `over` is called with the reason, once, from start() or from the loop.
  MountGuard(Loop& loop, std::function<void(const std::string& why)> over)
      : loop_(loop), over_(std::move(over)) {}
  ~MountGuard() override;
  MountGuard(const MountGuard&) = delete;
  MountGuard& operator=(const MountGuard&) = delete;

  /// `wanted` as MountTable::begin() takes it.
  void start(std::string_view wanted);

 private:
  void ready(std::uint32_t events) override;  // of both: the mounts never say EPOLLIN, the names only that
  bool watch_directories();
  bool named();
  bool read_mounts(std::string& text) const;
  std::string changed() const;
  void look();
  void look_again_later();
  void end(const std::string& why);

  Loop& loop_;
  const std::function<void(const std::string&)> over_;
  MountTable table_;
  Fd mounts_;
  Fd names_;                                   // inotify
  std::set<std::pair<int, std::string>> own_;  // watch and name of mount points
  TimerId timer_;
  bool ended_ = false;
};

}  // namespace rexec::runner
