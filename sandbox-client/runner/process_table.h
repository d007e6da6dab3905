// All commands of the sandbox, and the requests about them.
//
// Commands that have ended are remembered, the last kMaxFinished of them. Every request is answered exactly
// once through Replies, now or later, unless its connection goes first. Numbers are never used twice.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox-client/runner/guard.h"
#include "sandbox-client/runner/lineage.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/process.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/spawner.h"
#include "sandbox-client/runner/tree_killer.h"

namespace rexec::runner {

class ProcessTable final : private Process::Owner {
 public:
  static constexpr std::size_t kMaxHeldInput = 16;  // write_input requests of a process that wait for room
  static constexpr std::size_t kMaxHeldBytes = 64 << 20;     // of all processes
  static constexpr std::size_t kMaxDiscards = 256;           // pipes read for nobody; the oldest is closed
  static constexpr std::uint64_t kMaxKillDelayMs = 3600000;  // of a KILL that follows another signal
  static constexpr std::uint64_t kDeathPatienceMs =
      1000;  // a cancelled request is answered then at the latest

  ProcessTable(Loop& loop, Replies& replies, Guard& guard, Lineage& lineage, Spawner& spawner,
               std::string home);
  ~ProcessTable() override;

  void start(RequestId request, Start start);
  void wait(RequestId request, const Wait& wait);
  void read_output(RequestId request, const ReadOutput& read);
  void write_input(RequestId request, WriteInput input);
  void signal(RequestId request, const Signal& signal);
  void list(RequestId request, bool all);

  /// True when `request` was waiting here; it is answered.
  bool cancel(RequestId request, bool kill);
  /// Kills what the start request `start`, which has been answered, started, with its descendants; nothing
  /// once that has ended.
  void kill_started_by(RequestId start);
  /// The connection is gone: its requests are dropped. What they started goes on.
  void drop_connection(std::uint64_t connection);
  /// The connection takes answers again.
  void resume_connection(std::uint64_t connection);

  /// The sum of `size_of` over all processes of all commands.
  std::uint64_t total(const std::function<std::uint64_t(pid_t)>& size_of);
  /// Kills the command whose processes are the largest together, with all of them; a command that has ended
  /// may have left some. `reason` is what it is reported to have ended by.
  void kill_largest(const std::function<std::uint64_t(pid_t)>& size_of, const std::string& reason);
  /// Kills everything that commands started.
  void kill_running(const std::string& reason);

  /// Collects all children that have ended.
  void reap();

  std::size_t running() const { return running_.size(); }
  void terminate_all();
  /// Kills every process that was started here, with its descendants, and waits for them (about a second at
  /// most). For the end of the runner.
  void kill_all();

 private:
  class Discard;
  struct PendingKill {
    TimerId timer;
    bool also_leftovers = false;
  };

  void output_changed(Process& process) override { check(process); }
  void input_changed(Process& process) override { admit_input(process); }

  Process* find(RequestId request, std::uint64_t number);
  bool validate(RequestId request, const Start& start);
  void add_waiter(Process& process, RequestId request, const WaitSpec& spec);
  bool is_ready(const Process& process, const Waiter& waiter) const;
  /// Answers the waiters whose time has come.
  void check(Process& process);
  void admit_input(Process& process);
  /// True when the request has been answered.
  bool offer_input(Process& process, RequestId request, const WriteInput& input);
  void time_out(std::uint64_t number, std::uint64_t timeout_ms, std::uint64_t grace_ms);
  void kill_tree(std::uint64_t number);
  void kill_for(std::uint64_t number, const std::string& reason);
  std::vector<pid_t> sessions() const;
  /// With `also_leftovers` even when the command itself has ended by then. Of several for one process the
  /// earliest time counts, and `also_leftovers` of any.
  void kill_tree_after(std::uint64_t number, std::uint64_t delay_ms, bool also_leftovers);
  void finished(Process& process);
  void forget(std::uint64_t number);

  Loop& loop_;
  Replies& replies_;
  Guard& guard_;
  Lineage& lineage_;
  Spawner& spawner_;
  const std::string home_;
  OutputBudget budget_{kOutputBudget};
  TreeKiller killer_;
  std::list<std::unique_ptr<Discard>> discards_;
  std::map<std::uint64_t, std::unique_ptr<Process>> processes_;
  std::unordered_map<pid_t, Process*> running_;
  std::unordered_map<std::string, std::uint64_t> by_nonce_;
  std::deque<std::uint64_t> finished_;  // oldest first
  std::map<std::uint64_t, PendingKill> pending_kills_;
  std::uint64_t next_number_ = 1;
  std::size_t held_bytes_ = 0;
};

}  // namespace rexec::runner
