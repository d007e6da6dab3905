// All terminals of the sandbox, and the requests about them.
//
// Terminals that have ended are remembered, the last kMaxEndedTerminals of them. Every request is answered
// exactly once through Replies, now or later, unless its connection goes first. Numbers are never used twice.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "sandbox-client/runner/children.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/spawner.h"
#include "sandbox-client/runner/terminal.h"

namespace rexec::runner {

class TerminalTable final : private Terminal::Owner, private Children::Owner {
 public:
  /// A terminal's tag is its number and this; commands never get that far.
  static constexpr std::uint64_t kFirstTag = std::uint64_t{1} << 31;

  TerminalTable(Loop& loop, Replies& replies, Children& children, Spawner& spawner, OutputBudget& budget,
                InputDesk& desk, std::string home);
  ~TerminalTable() override;

  void open(RequestId request, OpenTerminal open);
  void wait(RequestId request, const WaitTerminal& wait);
  void write(RequestId request, WriteTerminal write);
  void answer(RequestId request, const AnswerTerminal& answer);
  void resize(RequestId request, const ResizeTerminal& resize);
  void close(RequestId request, const CloseTerminal& close);
  void list(RequestId request);
  void put_checkpoint(RequestId request, PutCheckpoint put);
  void get_checkpoint(RequestId request, const GetCheckpoint& get);

  /// True when `request` was waiting here; it is answered. With `kill` the terminal's tree is killed.
  bool cancel(RequestId request, bool kill);
  /// Kills what the request `open`, which has been answered, started; nothing once that has ended.
  void kill_opened_by(RequestId open);
  /// The connection is gone: its requests are dropped. What they started goes on.
  void drop_connection(std::uint64_t connection);
  /// The connection takes answers again.
  void resume_connection(std::uint64_t connection);

 private:
  void output_changed(Terminal& terminal) override { check(terminal); }
  void input_changed(Terminal& terminal) override { desk_.admit(terminal); }
  void child_ended(std::uint64_t tag, int wait_status, const rusage& usage) override;
  void tree_ended(std::uint64_t tag) override;
  void killed_for(std::uint64_t tag, const std::string& reason) override;

  Terminal* find(RequestId request, std::uint64_t number);
  void reply_report(RequestId request, const Terminal& terminal, std::uint64_t from, std::size_t max);
  bool is_ready(const Terminal& terminal, const TerminalWaiter& waiter) const;
  /// Answers the waiters whose time has come.
  void check(Terminal& terminal);
  /// Hangs up then, or earlier when that is due already.
  void cut_after(Terminal& terminal, std::uint64_t delay_ms);
  void kill(Terminal& terminal, const std::string& reason);
  void forget(std::uint64_t number);
  void drop_checkpoint(Terminal& terminal);

  Loop& loop_;
  Replies& replies_;
  Children& children_;
  Spawner& spawner_;
  OutputBudget& budget_;
  InputDesk& desk_;
  const std::string home_;
  std::map<std::uint64_t, std::unique_ptr<Terminal>> terminals_;
  std::unordered_map<std::string, std::uint64_t> by_nonce_;
  std::deque<std::uint64_t> ended_;  // oldest first
  std::uint64_t next_number_ = 1;
  std::size_t checkpoint_bytes_ = 0;
  std::uint64_t checkpoint_turns_ = 0;
};

}  // namespace rexec::runner
