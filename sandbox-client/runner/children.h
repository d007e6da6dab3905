// Everything that requests started: what leads each of it, whether that still lives, and how all of it ends.
//
// A child is the first process of a command or of a terminal. It leads a session and a process group, and it
// and all its descendants carry its tag (lineage.h). A child that has ended stays here until it is forgotten,
// since what it left behind may have to be found. The kernel reparents orphans of a pid namespace to pid 1,
// so everything that ends is reaped here.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox-client/runner/guard.h"
#include "sandbox-client/runner/lineage.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/tree_killer.h"

namespace rexec::runner {

class Children {
 public:
  static constexpr std::uint64_t kMaxKillDelayMs = 3600000;  // of a KILL that follows another signal

  /// Whoever started a child. May call everything here from its functions, but for reap().
  class Owner {
   public:
    virtual ~Owner() = default;
    /// The child was reaped.
    virtual void child_ended(std::uint64_t tag, int wait_status, const rusage& usage) = 0;
    /// Nothing is left of a tree that was to be killed or ended (or it does not die, and was left alone).
    virtual void tree_ended(std::uint64_t tag) = 0;
    /// The child, which lives, is killed because of `reason`.
    virtual void killed_for(std::uint64_t tag, const std::string& reason) = 0;
  };

  Children(Loop& loop, Guard& guard, Lineage& lineage);

  /// A process of Spawner with this tag, never used before. `end_signal` asks it to end.
  void started(std::uint64_t tag, pid_t pid, int end_signal, Owner& owner);
  /// For a child that has ended. A kill that is under way or due goes on.
  void forget(std::uint64_t tag);

  /// Collects all processes that have ended.
  void reap();
  /// Children that live.
  std::size_t running() const { return running_.size(); }

  /// All processes of the tree but zombies.
  void each(std::uint64_t tag, const std::function<void(const Descendant&)>& found);
  /// Kills the tree; also one that is forgotten, where there are tags.
  void kill_tree(std::uint64_t tag);
  /// With `also_leftovers` even when the child itself has ended by then. Of several for one child the
  /// earliest time counts, and `also_leftovers` of any.
  void kill_tree_after(std::uint64_t tag, std::uint64_t delay_ms, bool also_leftovers);
  /// Sends `number` to the whole tree, wakes what is stopped, and kills what is left after `grace_ms`. While
  /// ending() nothing is known to be left; tree_ended comes as soon as there is nothing.
  void end_tree(std::uint64_t tag, int number, std::uint64_t grace_ms);
  bool ending(std::uint64_t tag) const { return killer_.active(tag) || ends_.count(tag) != 0; }

  /// The sum of `size_of` over all processes of all trees.
  std::uint64_t total(const std::function<std::uint64_t(pid_t)>& size_of);
  /// Kills the tree whose processes are the largest together; a child that has ended may have left some.
  /// `reason` is what it is reported to have ended by.
  void kill_largest(const std::function<std::uint64_t(pid_t)>& size_of, const std::string& reason);
  /// Kills everything.
  void kill_running(const std::string& reason);
  /// Asks all children to end.
  void terminate_all();
  /// Kills everything and waits for it (about a second at most). For the end of the runner.
  void kill_all();

 private:
  struct Child {
    pid_t pid = 0;
    pid_t session = 0;  // 0 once the number may mean another process
    int end_signal = 0;
    bool alive = true;
    Owner* owner = nullptr;
  };
  struct PendingKill {
    TimerId timer;
    bool also_leftovers = false;
  };

  std::vector<pid_t> sessions() const;
  void kill_for(std::uint64_t tag, const std::string& reason);
  void dead(std::uint64_t tag);
  /// Those that end_tree was asked for and that have ended before their time was up.
  void look_at_ends();

  Loop& loop_;
  Guard& guard_;
  Lineage& lineage_;
  TreeKiller killer_;
  std::map<std::uint64_t, Child> children_;
  std::unordered_map<pid_t, std::uint64_t> running_;
  std::map<std::uint64_t, PendingKill> pending_kills_;
  std::set<std::uint64_t> ends_;
};

}  // namespace rexec::runner
