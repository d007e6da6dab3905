// What a call waits to see on a terminal: a regular expression on the text that a program writes after the
// input, the echo of that input aside.
//
// The echo is the first place in the output where the last line that was typed appears, blanks and line
// breaks aside (a line editor adds some where it wraps). What comes before its end does not count. As long as
// it has not appeared a match is only a candidate: a program may still be about to echo, or may never do so.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

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
  static constexpr std::size_t kEchoWindow = 16 << 10;     // bytes of text in which the echo is looked for
  static constexpr std::size_t kMaxMatchBytes = 16 << 10;  // no longer match is found across two pieces
  static constexpr std::size_t kMaxShownMatch = 1000;      // characters of it that are told

  /// `typed`: the input, as typed; empty when no echo is to be expected.
  TerminalExpectation(std::shared_ptr<const re2::RE2> pattern, std::string_view typed);

  /// Output that follows the input, in order.
  void feed(std::string_view bytes);

  /// False: a match is only a candidate so far.
  bool echo_settled() const { return echo_.empty() || settled_; }
  /// The text that matches.
  const std::optional<std::string>& match() const { return match_; }

 private:
  void look_for_echo();
  void look_for_match();

  const std::shared_ptr<const re2::RE2> pattern_;
  std::string echo_;  // without blanks and line breaks; empty: none
  bool settled_ = false;
  std::size_t begin_ = 0;    // of what counts, in all of the text
  std::size_t scanned_ = 0;  // in all of the text
  terminal::PlainText text_;
  std::optional<std::string> match_;
};

}  // namespace rexec::tools
