// Ctrl-C and its like while a command runs: the first asks it to stop, the second ends the process.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

#include "base/fd.h"

namespace rexec::app {

/// Listens from construction to destruction, on a thread of its own. The signals that end a program are
/// blocked in all threads (transport::block_termination_signals). Where the system grants no descriptors or
/// no thread, nothing is listened to.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  /// Fires with the first signal.
  std::stop_token token() const { return stop_.get_token(); }
  /// The signal that came, or 0.
  int signal() const { return signal_; }

 private:
  void listen();

  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
  UniqueFd signals_;
  UniqueFd ended_;
  std::thread thread_;
};

}  // namespace rexec::app
