// What a copy shows on standard error: each problem on a line, on a terminal how far it is, and a summary at
// its end.
#pragma once

#include "app/commands.h"
#include "base/deadline.h"
#include "sandbox-client/transfer/transfer.h"

namespace rexec::app {

/// Used by one thread. Problems are printed also when it is quiet; control characters in them, which names of
/// files may have, are not.
class CopyProgress final : public sandbox::TransferObserver {
 public:
  static constexpr std::chrono::milliseconds kRedraw{100};  // at most so often

  CopyProgress(Streams& streams, bool quiet, const Clock& clock);

  void progress(const sandbox::TransferCounts& counts) override;
  void problem(const std::string& message, bool skipped) override;
  /// The summary, in the place of the line that was rewritten.
  void finish();

  const sandbox::TransferCounts& counts() const { return counts_; }

 private:
  void clear_line();

  Streams& streams_;
  const bool quiet_;
  const Clock& clock_;
  const SteadyTime begun_;
  SteadyTime drawn_;
  bool line_shown_ = false;
  sandbox::TransferCounts counts_;
};

/// "rexec-mcp: <message>" on one line, with nothing in it that a terminal would obey.
void print_problem(std::ostream& out, const std::string& message);

}  // namespace rexec::app
