// A program on a pseudo-terminal: what it put out, what is typed to it, and how it ended.
//
// What the kernel does (pty(7), tty_ioctl(4)), and what follows from it here:
//   * A master whose slave nobody has open reads EIO, and would be ready for ever. So the runner keeps a
//   slave of
//     its own open, which makes the line last exactly as long as the program does, even when that closes all
//     its descriptors and opens /dev/tty again.
//   * When a session's leader ends, the kernel hangs up its terminal for everybody who has it open: nobody
//   can
//     write to it any more, and the master reads EIO behind the last byte. The output is complete then. A
//     leader that gave its terminal up does not cause that; kDrainGraceMs later the line is cut.
//   * Closing the master is a hangup as well, and gives the terminal back to the sandbox.
//   * A program that writes more than the terminal's buffer holds waits for the master to be read; it is read
//     whatever anybody wants of it. Typed bytes wait in the queue when the program does not read them; of a
//     line in cooked mode the kernel drops what is beyond 4095 bytes (termios(3)).
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "sandbox-client/runner/input_desk.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/output_window.h"
#include "sandbox-client/runner/pty.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/wire_terminal.h"

namespace rexec::runner {

/// A request that waits for something of a terminal.
struct TerminalWaiter {
  RequestId request;
  TerminalWait wait;
  TimerId timer;
  bool due = false;  // its time is up
};

class Terminal final : public InputSink, private Watcher {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void output_changed(Terminal& terminal) = 0;
    virtual void input_changed(Terminal& terminal) = 0;
  };

  Terminal(Loop& loop, OutputBudget& budget, Owner& owner, std::uint64_t number, pid_t pid, Pty pty,
           const TerminalSize& size);
  ~Terminal() override;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::uint64_t number() const { return number_; }
  std::uint64_t produced() const { return window_.produced(); }

  bool ended() const { return ended_; }
  /// The program has ended and its output is complete.
  bool settled() const { return ended_ && window_.ended(); }
  /// The program was reaped; reads what the line holds.
  void end(int wait_status);
  /// Cuts the line: nothing is read from it or written to it any more.
  void hang_up();

  /// False: the line is cut.
  bool resize(const TerminalSize& size);
  /// Types the answer to a query, unless that query or a later one was answered before. False: too much input
  /// waits.
  bool answer(std::uint64_t query_offset, std::string_view data);

  void push_input() override;
  bool input_closed() const override { return !master_.valid(); }

  TerminalReport report(std::uint64_t from, std::size_t max) const;
  TerminalEntry entry() const;

  // Kept here by the table.
  RequestId open;  // the latest request with its nonce
  std::string nonce;
  std::string command;  // for people
  std::string reason;   // why the runner ended it
  TimerId cut_timer;    // hangs up
  std::vector<TerminalWaiter> waiters;
  Checkpoint checkpoint;
  std::uint64_t checkpoint_turn = 0;

 private:
  void ready(std::uint32_t events) override;
  void fill(std::size_t budget);
  void watch_output(bool input_too);
  ProcessStatus status() const;
  std::uint64_t age_us() const;

  Loop& loop_;
  Owner& owner_;
  const std::uint64_t number_;
  const pid_t pid_;
  const std::uint64_t started_us_;
  const std::int64_t started_unix_ms_;
  std::uint64_t ended_us_ = 0;
  int wait_status_ = 0;
  bool ended_ = false;
  TerminalSize size_;
  Fd master_;
  Fd slave_;
  OutputWindow window_;
  bool waits_for_room_ = false;        // EPOLLOUT is watched
  std::uint64_t unanswered_from_ = 0;  // queries at or after this offset have no answer
};

}  // namespace rexec::runner
