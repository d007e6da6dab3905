// The signals that concern a command which has the person's terminal: its size changed, or the command is to
// end.
#pragma once

#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace rexec::app {

/// SIGWINCH, SIGINT, SIGTERM and SIGHUP as a descriptor. Made before any other thread, which inherits that
/// they are blocked; they stay so.
class TerminalSignals {
 public:
  static Result<TerminalSignals> make();

  /// Readable when signals wait.
  int fd() const { return signals_.get(); }

 private:
  explicit TerminalSignals(UniqueFd signals) : signals_(std::move(signals)) {}
  UniqueFd signals_;
};

/// Those that wait at such a descriptor, which does not block.
std::vector<int> take_signals(int fd);

}  // namespace rexec::app
