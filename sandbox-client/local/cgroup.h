// Control groups that bound a sandbox's memory and processor time, where this process may make some.
//
// Version 2 (cgroups(7)): a group beside our own, below the nearest directory above it that we may write and
// that hands the controllers down. Nothing is changed in groups that are there, and ours is not used itself:
// a group with processes in it cannot hand controllers down. Version 1: a group below our own in each
// controller's hierarchy. Both may be found on one machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "sandbox-client/backend.h"

namespace rexec::sandbox {

/// Where groups can be made. An empty path: nowhere.
struct CgroupSite {
  struct Controller {
    std::string directory;
    bool unified = false;  // version 2
  };
  Controller memory;
  Controller cpu;
};

/// From mountinfo, cgroup and the files they lead to. `root` is "" but in tests. Changes nothing.
CgroupSite find_cgroup_site(const std::string& root = {});

struct CgroupLimits {
  std::optional<std::uint64_t> memory_mb;
  std::optional<double> cpus;
};

/// The groups of one sandbox. Destroying it removes them, when every process in them has ended.
class Cgroup {
 public:
  /// Makes what `limits` needs and `site` has, and puts `init` and all that it will start into it. What
  /// cannot be had is left out of limits().
  static std::unique_ptr<Cgroup> make(const CgroupSite& site, const std::string& id,
                                      const CgroupLimits& limits, pid_t init);
  /// The groups of a sandbox that another server made, or this one earlier: only what killed_by_memory()
  /// needs, from now on. They stay when this is destroyed. Null: its memory is not limited by a group.
  static std::unique_ptr<Cgroup> find(const CgroupSite& site, const std::string& id);
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  /// "memory_mb" and "cpus", each with what enforces it or "not enforced". The kernel has accepted what is
  /// said to be enforced.
  const std::vector<Limit>& limits() const { return limits_; }
  /// Whether `process`, which ended by SIGKILL, is one that the memory limit had killed. The kernel counts
  /// those but does not name them: the first that is asked about after the count has risen is taken for it,
  /// and stays so. Thread-safe.
  bool killed_by_memory(std::uint64_t process);
  /// The limit that killed_by_memory() is about; 0 when there is none.
  std::uint64_t memory_mb() const { return memory_mb_; }

 private:
  Cgroup() = default;
  bool enter(const CgroupSite::Controller& place, const std::string& id,
             const std::vector<std::pair<std::string, std::string>>& values, pid_t init);

  std::vector<std::string> made_;
  std::uint64_t memory_mb_ = 0;
  std::string kills_file_;  // has the kernel's count; empty: memory is not limited
  Mutex mutex_;
  std::uint64_t kills_ REXEC_GUARDED_BY(mutex_) = 0;  // accounted for
  std::set<std::uint64_t> killed_ REXEC_GUARDED_BY(mutex_);
  std::vector<Limit> limits_;
};

/// The number of processes that a memory limit had killed, from memory.events or memory.oom_control.
std::uint64_t count_memory_kills(std::string_view text);

/// Removes groups without processes that servers left which did not end in the ordinary way.
void remove_stale_cgroups(const CgroupSite& site);

}  // namespace rexec::sandbox
