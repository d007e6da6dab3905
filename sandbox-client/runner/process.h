// One started command: its pipes, what came out of it, what is to go into it, and how it ended.
//
// It ends when its first process has been reaped, and settles when its output is complete as far as anybody
// will wait for it: both pipes at their end, or kDrainGraceMs later, since a child that it left behind may
// hold them for ever. What comes after that is still read and kept.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "sandbox-client/runner/input_desk.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/output_window.h"
#include "sandbox-client/runner/replies.h"
#include "sandbox-client/runner/spawner.h"

namespace rexec::runner {

/// A request that waits for something of a process.
struct Waiter {
  RequestId request;
  WaitSpec spec;
  TimerId timer;
  bool due = false;        // its time is up
  bool for_death = false;  // waits for the end of everything that the process started
};

class Process final : public InputSink {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void output_changed(Process& process) = 0;
    virtual void input_changed(Process& process) = 0;
  };

  Process(Loop& loop, OutputBudget& budget, Owner& owner, std::uint64_t number, Spawned spawned);
  ~Process() override;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::uint64_t number() const { return number_; }
  pid_t pid() const { return pid_; }
  const OutputWindow& window(Stream stream) const { return pipe(stream).window; }

  bool ended() const { return ended_; }
  bool settled() const { return settled_; }
  bool outputs_at_end() const;
  void settle() { settled_ = true; }
  /// The first process was reaped; reads what its pipes hold.
  void end(int wait_status, const rusage& usage);

  bool has_input() const { return has_input_; }
  void push_input() override;
  bool input_closed() const override { return !stdin_.fd.valid(); }

  Report report(const WaitSpec& spec) const;
  ProcessStatus status() const;
  std::uint64_t age_us() const;
  std::int64_t started_unix_ms() const { return started_unix_ms_; }
  std::uint64_t cpu_us() const;
  /// Read ends that somebody still holds the other end of; the process gives them up.
  std::vector<Fd> release_pipes();

  // Kept here by the process table.
  RequestId start;  // the latest request with its nonce
  std::string nonce;
  std::string command;  // for people
  std::uint64_t deadline_us = 0;
  bool timed_out = false;
  bool cancelled = false;
  int signal_sent = 0;
  std::string reason;
  TimerId timeout_timer;
  TimerId grace_timer;
  std::vector<Waiter> waiters;

 private:
  struct OutputPipe final : Watcher {
    OutputPipe(Process& owning, OutputBudget& budget) : process(owning), window(budget) {}
    void ready(std::uint32_t events) override;

    Process& process;
    Fd fd;
    OutputWindow window;
    int full_reads = 0;
  };
  struct InputPipe final : Watcher {
    explicit InputPipe(Process& owning) : process(owning) {}
    void ready(std::uint32_t events) override;

    Process& process;
    Fd fd;
    bool watched = false;
  };

  const OutputPipe& pipe(Stream stream) const { return stream == Stream::stdout_stream ? stdout_ : stderr_; }
  void fill(OutputPipe& pipe, std::size_t budget, bool to_the_end);
  void close_output(OutputPipe& pipe);
  void close_input();

  Loop& loop_;
  Owner& owner_;
  const std::uint64_t number_;
  const pid_t pid_;
  const std::uint64_t started_us_;
  const std::int64_t started_unix_ms_;
  std::uint64_t ended_us_ = 0;
  int wait_status_ = 0;
  rusage usage_{};
  bool ended_ = false;
  bool settled_ = false;
  bool has_input_ = false;
  InputPipe stdin_;
  OutputPipe stdout_;
  OutputPipe stderr_;
};

}  // namespace rexec::runner
