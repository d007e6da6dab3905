// What a call waits to see on a terminal: a regular expression on the text that a program writes after the
// input, the echo of that input aside.
//
// The echo is where the lines that were typed appear in the output, one after the other, blanks and line
// breaks aside (a line editor adds some where it wraps). What comes before the end of the last one does not
// count. As long as it has not appeared a match is only a candidate: a program may still be about to echo, or
// may never do so.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/terminal/plain_text.h"
#include "tools/support/arguments.h"

namespace re2 {
class RE2;
}

namespace rexec::tools {

/// The argument wait_for, ^ and $ standing for line ends too; null without it. Adds what is wrong with it.
std::shared_ptr<const re2::RE2> wait_pattern(const Arguments& arguments, Violations& violations);

class TerminalExpectation {
 public:
  static constexpr std::size_t kEchoWindow = 64 << 10;  // bytes of text in which the next line is looked for
  static constexpr std::size_t kMaxMatchBytes = 16 << 10;  // no longer match is found across two pieces
  static constexpr std::size_t kMaxShownMatch = 1000;      // characters of it that are told

  /// `typed`: the input, as typed; empty when no echo is to be expected.
  TerminalExpectation(std::shared_ptr<const re2::RE2> pattern, std::string_view typed);

  /// Output that follows the input, in order.
  void feed(std::string_view bytes);

  /// False: a match is only a candidate so far.
  bool echo_settled() const { return line_ == lines_.size() || given_up_; }
  /// The text that matches.
  const std::optional<std::string>& match() const { return match_; }

 private:
  void look_for_echo();
  void look_for_match();

  /// Begins to look for a line of the echo.
  void expect_line();

  const std::shared_ptr<const re2::RE2> pattern_;
  std::vector<std::string> lines_;     // of the input, without blanks
  std::size_t line_ = 0;               // the next one to appear
  std::size_t seen_ = 0;               // characters of it that have just appeared
  std::vector<std::size_t> restarts_;  // of Knuth, Morris and Pratt, of that line
  bool given_up_ = false;
  // Positions in all of the text.
  std::size_t echoed_ = 0;   // up to where the echo was looked for
  std::size_t begin_ = 0;    // of what counts
  std::size_t scanned_ = 0;  // up to where a match was looked for
  terminal::PlainText text_;
  std::optional<std::string> match_;
};

}  // namespace rexec::tools
