// All commands of the sandbox, and the requests about them.
//
// Commands that have ended are remembered, the last kMaxFinished of them. Every request is answered exactly
// once through Replies, now or later, unless its connection goes first. Numbers are never used twice.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox-client/runner/children.h"
#include "sandbox-client/runner/guard.h"
#include "sandbox-client/runner/input_desk.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/process.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/spawner.h"

namespace rexec::runner {

class ProcessTable final : private Process::Owner, private Children::Owner {
 public:
  static constexpr std::size_t kMaxDiscards = 256;  // pipes read for nobody; the oldest is closed
  static constexpr std::uint64_t kDeathPatienceMs =
      1000;  // a cancelled request is answered then at the latest

  ProcessTable(Loop& loop, Replies& replies, Guard& guard, Children& children, Spawner& spawner,
               OutputBudget& budget, InputDesk& desk, std::string home);
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

 private:
  class Discard;

  void output_changed(Process& process) override { check(process); }
  void input_changed(Process& process) override { desk_.admit(process); }
  // A command's tag is its number.
  void child_ended(std::uint64_t number, int wait_status, const rusage& usage) override;
  void tree_ended(std::uint64_t number) override;
  void killed_for(std::uint64_t number, const std::string& reason) override;

  Process* find(RequestId request, std::uint64_t number);
  bool validate(RequestId request, const Start& start);
  void add_waiter(Process& process, RequestId request, const WaitSpec& spec);
  bool is_ready(const Process& process, const Waiter& waiter) const;
  /// Answers the waiters whose time has come.
  void check(Process& process);
  void time_out(std::uint64_t number, std::uint64_t timeout_ms, std::uint64_t grace_ms);
  void finished(Process& process);
  void forget(std::uint64_t number);

  Loop& loop_;
  Replies& replies_;
  Guard& guard_;
  Children& children_;
  Spawner& spawner_;
  OutputBudget& budget_;
  InputDesk& desk_;
  const std::string home_;
  std::list<std::unique_ptr<Discard>> discards_;
  std::map<std::uint64_t, std::unique_ptr<Process>> processes_;
  std::unordered_map<std::string, std::uint64_t> by_nonce_;
  std::deque<std::uint64_t> finished_;  // oldest first
  std::size_t running_ = 0;
  std::uint64_t next_number_ = 1;
};

}  // namespace rexec::runner
