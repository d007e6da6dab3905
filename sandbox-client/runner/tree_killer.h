// Ends everything that a command started: sends KILL to all processes with its tag, again and again until a
// look at all processes finds none, so that what is forked meanwhile does not escape (a process that has been
// sent KILL cannot fork any more).
#pragma once

#include <functional>
#include <map>
#include <unordered_set>

#include "sandbox-client/runner/guard.h"
#include "sandbox-client/runner/lineage.h"
#include "sandbox-client/runner/loop.h"

namespace rexec::runner {

class TreeKiller {
 public:
  static constexpr int kMaxSweeps = 8;                    // in one turn of the loop
  static constexpr std::uint64_t kPatienceUs = 30000000;  // then a process that does not die is left alone

  /// `dead(number)` is called when nothing is left of a command, from the loop or from kill.
  TreeKiller(Loop& loop, Guard& guard, Lineage& lineage, std::function<void(std::uint64_t)> dead);

  /// `session` is the pid of the command's first process; 0 when that number may mean another one.
  void kill(std::uint64_t number, pid_t session);
  bool active(std::uint64_t number) const { return kills_.count(number) != 0; }
  /// A process was reaped: looks again at once.
  void poke();

 private:
  struct Kill {
    pid_t session = 0;
    std::uint64_t begun_us = 0;
    std::uint64_t attempts = 0;
    std::unordered_set<pid_t> seen;
  };

  bool sweep(std::uint64_t number, Kill& kill);
  void sweep_all();

  Loop& loop_;
  Guard& guard_;
  Lineage& lineage_;
  std::function<void(std::uint64_t)> dead_;
  std::map<std::uint64_t, Kill> kills_;
  TimerId timer_;
};

}  // namespace rexec::runner
