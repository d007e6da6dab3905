// Output of a command as text for a model: valid UTF-8, without what only steers a terminal.
//
// Escape sequences (ECMA-48 CSI, OSC, DCS and the short ones), BEL, SO and SI go; invalid UTF-8 becomes
// U+FFFD. A carriage return inside a line starts the line again, as a terminal shows it, so that a progress
// bar costs one line; a backspace takes a character back; "\r\n" is a line end. Raw keeps all of this and
// repairs UTF-8 only.
//
// Everything is cut between units: a character, a sequence, a control. A unit that is not complete yet is
// left for the next piece, so pages that are read one after the other never show half of one.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace rexec::tools {

/// Longest sequence that is waited for; of a longer one only its introducer is dropped.
inline constexpr std::size_t kMaxSequence = 64 << 10;

struct OutputUnit {
  enum class Kind { text, nothing, newline, carriage_return, backspace, incomplete };
  Kind kind = Kind::incomplete;
  std::size_t size = 0;   // bytes it takes; 0 when incomplete
  std::string_view text;  // of Kind::text: one character
};

/// The unit that `bytes` (not empty) starts with. `last`: nothing follows, so nothing is incomplete.
OutputUnit next_unit(std::string_view bytes, bool raw, bool last);

/// Text built from consecutive pieces of output.
class OutputText {
 public:
  explicit OutputText(bool raw) : raw_(raw) {}

  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  /// Takes units from the start of `bytes` while the text has at most `max_chars` characters in all. Returns
  /// how many bytes were taken: fewer than all when the text is full or the last unit is incomplete.
  std::size_t append(std::string_view bytes, std::size_t max_chars, bool last);

  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }
  std::size_t chars() const { return chars_; }

  /// Right behind the last line end: bytes taken and characters there; zero when there was none.
  struct LineEnd {
    std::size_t taken = 0;
    std::size_t text_size = 0;
    std::size_t chars = 0;
  };
  const LineEnd& line_end() const { return line_end_; }
  void cut_to_line_end();

 private:
  std::size_t append_ascii(std::string_view bytes, std::size_t max_chars);
  void restart_line();
  void take_back();

  bool raw_;
  bool restart_ = false;  // a carriage return is pending: the next character starts the line again
  std::string text_;
  std::size_t chars_ = 0;
  std::size_t taken_ = 0;
  LineEnd line_end_;
};

}  // namespace rexec::tools
