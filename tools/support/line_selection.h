// Lines of output chosen by a regular expression, from the start, from the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/support/arguments.h"

namespace re2 {
class RE2;
}

namespace rexec::tools {

/// What to select: lines that match, of those the first, the last, or both ends. Empty: everything.
struct LineSelection {
  std::shared_ptr<const re2::RE2> grep;
  std::optional<std::size_t> head;
  std::optional<std::size_t> tail;

  bool active() const { return grep || head || tail; }
  /// From the arguments grep, head_lines and tail_lines; adds what is wrong with the expression.
  static LineSelection from(const Arguments& arguments, Violations& violations);
};

/// Applies a selection to a stream that comes in pieces. Lines are matched as text, without their end, after
/// the output filter. Memory is bounded by what is selected and by the longest line.
class LineSelector {
 public:
  LineSelector(const LineSelection& selection, bool raw) : selection_(selection), raw_(raw) {}

  void append(std::string_view bytes);
  /// Bytes are missing here: the line before them ends.
  void gap();
  /// Ends the last line. Returns how many bytes at the end, of a line that is not complete and was not
  /// selected, are to be read again; 0 when `stream_ended`.
  std::size_t finish(bool stream_ended);

  std::uint64_t selected() const { return kept_head_ + tail_.size(); }
  std::string take_text();

 private:
  bool line(std::string_view bytes, bool complete);  // whether it is selected

  LineSelection selection_;
  bool raw_;
  std::string partial_;
  std::string head_;
  std::uint64_t kept_head_ = 0;
  std::deque<std::string> tail_;
};

}  // namespace rexec::tools
