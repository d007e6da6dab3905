// The state that every copy has: what was counted, and why it ends before its time.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "sandbox-client/op_watch.h"
#include "sandbox-client/transfer/places.h"
#include "sandbox-client/transfer/transfer.h"

namespace rexec::sandbox {

class Tally {
 public:
  Tally(TransferObserver& observer, const Op& op) : observer_(observer), op_(op) {}

  bool ended() const { return end_.has_value(); }
  /// True when nothing more is to be begun; looks at the Op.
  bool over() {
    if (!end_) end_ = already_over(op_);
    return ended();
  }
  Status result() const { return end_ ? Status(*end_) : Status(); }

  void add(std::uint64_t TransferCounts::*what, std::uint64_t number = 1) {
    counts_.*what += number;
    observer_.progress(counts_);
  }
  /// One thing that was not copied, or the end of the copy.
  void fail(Error error) {
    if (ends_copy(error.code)) return end(std::move(error));
    add(&TransferCounts::errors);
    observer_.problem(error.message, false);
  }
  void skip(std::string_view path) {
    add(&TransferCounts::skipped);
    observer_.problem(in_quotes(path) + " is no file, directory or symbolic link", true);
  }
  void end(Error error) {
    if (!end_) end_ = std::move(error);
  }

 private:
  TransferObserver& observer_;
  const Op& op_;
  TransferCounts counts_;
  std::optional<Error> end_;
};

}  // namespace rexec::sandbox
