// The limits of a sandbox that only looking can enforce: memory where no control group could be made, and
// room on the disk, which belongs to all sandboxes together.
//
// Both are looked at from time to time, so a sandbox may be beyond a limit for as long as that takes. Memory
// is what the commands' processes have for themselves, with shared memory shared out among its users
// (/proc/PID/smaps_rollup, proc(5)); pages that no process has mapped, of a memfd or in pipes and sockets,
// are not seen. Beyond the limit the command that has most is killed with all that it started. Beyond the
// limit of the disk everything that runs is killed while the tree still grows, so that it can be made smaller
// by further commands, and files cannot be written through the runner. What was killed says why in its
// report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox-client/runner/children.h"
#include "sandbox-client/runner/disk_count.h"
#include "sandbox-client/runner/loop.h"

namespace rexec::runner {

/// Zero: no such limit.
struct WatchedLimits {
  std::uint64_t memory_mb = 0;
  std::uint64_t disk_mb = 0;
};

class LimitWatch final : private Job {
 public:
  static constexpr std::uint64_t kMemoryStepMs = 100;  // while commands run
  static constexpr std::uint64_t kDiskStepMs = 1000;   // likewise, or longer for a large tree:
  static constexpr std::uint64_t kDiskRest = 9;        // times as long as counting took
  static constexpr std::uint64_t kIdleFactor = 10;     // when none runs, what others left behind may go on
  static constexpr std::size_t kEntriesPerTurn = 256;

  /// `directory` is the tree whose size is limited.
  LimitWatch(Loop& loop, Children& children, WatchedLimits limits, std::string directory);
  ~LimitWatch();

  void start();
  /// A command has been started: it is not to wait for the next look of an idle sandbox.
  void command_started();
  /// Why nothing more may be written; empty when something may.
  std::string disk_refusal() const;

 private:
  void look_at_memory();
  void look_at_disk();
  void step() override;
  void counted(std::uint64_t bytes, bool kill);
  std::uint64_t patience_ms(std::uint64_t ms) const;

  Loop& loop_;
  Children& children_;
  const WatchedLimits limits_;
  const std::string directory_;
  TimerId memory_timer_;
  TimerId disk_timer_;
  std::optional<DiskCount> count_;  // under way
  std::uint64_t count_begun_us_ = 0;
  std::uint64_t disk_bytes_ = 0;  // at the last count
};

}  // namespace rexec::runner
