// The text in a stream of terminal output, for those who search it: characters and line breaks, no sequences.
//
// A screen tells what is visible in the end; this tells what was written, in its order. A carriage return
// without a line feed and a jump of the cursor are line breaks, a move within the line is a blank, and a
// backspace takes back a character of the line.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace rexec::terminal {

class PlainText {
 public:
  /// Of the text at least this much is kept, from its end, and at most twice that.
  static constexpr std::size_t kKeptBytes = 128 << 10;

  PlainText();
  ~PlainText();
  PlainText(PlainText&&) noexcept;
  PlainText& operator=(PlainText&&) noexcept;

  /// Bytes that the program wrote, in order; the pieces may be cut anywhere. Returns how much of all the
  /// text, from its beginning, is as it was: a backspace takes back what was there before.
  std::size_t feed(std::string_view bytes);
  /// UTF-8.
  const std::string& text() const;
  /// Bytes of text that came before text().
  std::size_t dropped() const;

 private:
  class Collector;
  std::unique_ptr<Collector> collector_;
};

}  // namespace rexec::terminal
