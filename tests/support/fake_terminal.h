// A terminal that does what a test says, reported on and waited for as a runner does it.
//
// It outlives the runner's use. What waits is answered from whatever call makes it ready: put_out(), exit()
// and the like. `until` waits have no time of their own: a test ends them by end_waits(). Thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "tests/support/fake_sandbox.h"

namespace rexec::test {

class FakeTerminal {
 public:
  explicit FakeTerminal(std::uint64_t number = 1) : number_(number) {}

  /// What happens when something is typed; called without a lock, may put_out().
  std::function<void(FakeTerminal&, const std::string& bytes)> on_typed;

  void put_out(const std::string& bytes) {
    change([&](State& state) { state.output += bytes; });
  }
  void exit(int exit_code) {
    change([&](State& state) {
      state.status = sandbox::ProcessStatus::exited;
      state.exit_code = exit_code;
    });
  }
  void echo(bool on) {
    change([&](State& state) { state.echo_off = !on; });
  }
  /// Somebody else gives it a size.
  void resize(sandbox::TerminalSize size) {
    change([&](State& state) { state.size = size; });
  }
  /// Output before `offset` is lost.
  void lose(std::uint64_t offset) {
    change([&](State& state) { state.kept_from = offset; });
  }
  /// The sandbox is lost: whoever waits, now or later, is told so.
  void lose_sandbox() {
    change([&](State& state) { state.sandbox_lost = true; });
  }
  /// The time of all waits is up.
  void end_waits() {
    change([&](State& state) {
      for (Waiting& waiting : state.waiting) waiting.wait.until = sandbox::TerminalUntil::now;
    });
  }

  std::string typed() const {
    const MutexLock lock(mutex_);
    return state_.typed;
  }
  /// "offset bytes" of each answer that was typed.
  std::vector<std::string> answers() const {
    const MutexLock lock(mutex_);
    return state_.answers;
  }
  sandbox::TerminalSize size() const {
    const MutexLock lock(mutex_);
    return state_.size;
  }
  std::size_t waits() const {
    const MutexLock lock(mutex_);
    return state_.waiting.size();
  }

  /// Every request of the runner about a terminal is about this one.
  void serve(FakeRunner& runner) {
    runner.on_open_terminal = [this](const sandbox::TerminalSpec& spec, const Op& op, auto done) {
      change([&](State& state) { state.size = spec.size; });
      wait({0, sandbox::TerminalUntil::now, {}, spec.max}, op, std::move(done));
    };
    runner.on_wait_terminal = [this](std::uint64_t, const sandbox::TerminalWait& asked, const Op& op,
                                     auto done) { wait(asked, op, std::move(done)); };
    runner.on_write_terminal = [this](std::uint64_t, const std::string& bytes, const Op&, auto done) {
      type(bytes, std::move(done));
    };
    runner.on_answer_terminal = [this](std::uint64_t, std::uint64_t offset, const std::string& bytes,
                                       const Op&, auto done) {
      change([&](State& state) {
        if (offset < state.unanswered_from) return;
        state.unanswered_from = offset + 1;
        state.answers.push_back(std::to_string(offset) + " " + bytes);
      });
      done({});
    };
    runner.on_resize_terminal = [this](std::uint64_t, sandbox::TerminalSize size, const Op&, auto done) {
      change([&](State& state) { state.size = size; });
      done({});
    };
    runner.on_close_terminal = [this](std::uint64_t, Duration, const Op&, auto done) {
      change([&](State& state) {
        if (state.status != sandbox::ProcessStatus::running) return;
        state.status = sandbox::ProcessStatus::signaled;
        state.signal = 1;
        state.reason = "closed";
      });
      done({});
    };
    runner.on_put_checkpoint = [this](std::uint64_t, sandbox::TerminalCheckpoint checkpoint, const Op&,
                                      auto done) {
      change([&](State& state) {
        if (state.checkpoint.bytes.empty() || checkpoint.offset > state.checkpoint.offset)
          state.checkpoint = std::move(checkpoint);
      });
      done({});
    };
    runner.on_get_checkpoint = [this](std::uint64_t, const Op&, auto done) {
      sandbox::TerminalCheckpoint checkpoint;
      change([&](State& state) { checkpoint = state.checkpoint; });
      done(std::move(checkpoint));
    };
    runner.on_list_terminals = [this](const Op&, auto done) {
      sandbox::TerminalEntry entry;
      change([&](State& state) {
        entry.terminal = number_;
        entry.status = state.status;
        entry.size = state.size;
        entry.produced = state.output.size();
      });
      done(std::vector<sandbox::TerminalEntry>{entry});
    };
  }

 private:
  using Done = sandbox::Completion<sandbox::TerminalReport>;
  struct Waiting {
    sandbox::TerminalWait wait;
    Done done;
  };

  struct State {
    std::string output;
    std::string typed;
    std::vector<std::string> answers;
    std::uint64_t unanswered_from = 0;
    std::uint64_t kept_from = 0;
    sandbox::TerminalSize size;
    sandbox::ProcessStatus status = sandbox::ProcessStatus::running;
    int exit_code = 0;
    int signal = 0;
    std::string reason;
    bool echo_off = false;
    bool sandbox_lost = false;
    sandbox::TerminalCheckpoint checkpoint;
    std::vector<Waiting> waiting;
  };

  void wait(const sandbox::TerminalWait& asked, const Op& op, Done done) {
    if (op.stop.stop_requested()) return done(Error{ErrorCode::cancelled, "the call was given up"});
    change([&](State& state) { state.waiting.push_back({asked, std::move(done)}); });
  }

  void type(const std::string& bytes, const sandbox::Completion<sandbox::InputState>& done) {
    sandbox::InputState input;
    change([&](State& state) {
      input.closed = state.status != sandbox::ProcessStatus::running;
      state.typed += bytes;
      input.accepted = state.typed.size();
    });
    if (on_typed && !input.closed) on_typed(*this, bytes);
    done(input);
  }

  /// Changes something and answers what that makes ready, without the lock.
  template <class Change>
  void change(Change make) {
    std::vector<std::pair<Done, Result<sandbox::TerminalReport>>> answers;
    {
      const MutexLock lock(mutex_);
      make(state_);
      std::vector<Waiting>& waiting = state_.waiting;
      for (std::size_t i = 0; i < waiting.size();) {
        if (!ready(state_, waiting[i].wait)) {
          ++i;
          continue;
        }
        answers.emplace_back(std::move(waiting[i].done), report(state_, waiting[i].wait));
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    for (auto& [done, made] : answers) done(std::move(made));
  }

  static bool ready(const State& state, const sandbox::TerminalWait& wait) {
    if (state.sandbox_lost) return true;
    if (wait.until == sandbox::TerminalUntil::now || state.status != sandbox::ProcessStatus::running)
      return true;
    return wait.until == sandbox::TerminalUntil::output && state.output.size() > wait.from;
  }

  Result<sandbox::TerminalReport> report(const State& state, const sandbox::TerminalWait& wait) const {
    if (state.sandbox_lost) return Error{ErrorCode::data_loss, "the sandbox has ended"};
    sandbox::TerminalReport made;
    made.terminal = number_;
    made.pid = 100;
    made.status = state.status;
    made.exit_code = state.exit_code;
    made.signal = state.signal;
    made.reason = state.reason;
    made.size = state.size;
    made.echo_off = state.echo_off && state.status == sandbox::ProcessStatus::running;
    made.from = made.offset = wait.from;
    made.produced = state.output.size();
    made.end = state.status != sandbox::ProcessStatus::running;
    if (wait.from >= state.output.size()) return made;
    made.offset = std::min<std::uint64_t>(std::max(wait.from, state.kept_from), state.output.size());
    made.lost = made.offset - wait.from;
    made.data = state.output.substr(static_cast<std::size_t>(made.offset), wait.max);
    return made;
  }

  const std::uint64_t number_;
  mutable Mutex mutex_;
  State state_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::test
