// Short words for tests of the screen model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/terminal/screen.h"

namespace rexec::test {

/// A screen of that size which was fed these bytes.
inline terminal::Screen screen_of(int columns, int rows, std::string_view bytes) {
  terminal::Screen screen({columns, rows});
  screen.feed(bytes);
  return screen;
}

/// The lines of a screen with "|" between them, without blank ones at the end.
inline std::string shown(const terminal::Screen& screen, bool colors = false) {
  std::string text = screen.text({.colors = colors, .join_wrapped = false});
  if (!text.empty()) text.pop_back();
  for (char& c : text)
    if (c == '\n') c = '|';
  return text;
}

inline std::string shown(int columns, int rows, std::string_view bytes) {
  return shown(screen_of(columns, rows, bytes));
}

/// "row;column", from 1.
inline std::string cursor_of(const terminal::Screen& screen) {
  return std::to_string(screen.cursor().row) + ';' + std::to_string(screen.cursor().column);
}

/// All replies in one, with "ESC" for the character.
inline std::string replies_of(terminal::Screen& screen) {
  std::string text;
  for (const terminal::Reply& reply : screen.take_replies())
    for (const char c : reply.bytes) text += c == '\x1B' ? std::string("ESC") : std::string(1, c);
  return text;
}

/// The whole scrollback with "|" between its lines.
inline std::string scrolled(const terminal::Screen& screen) {
  std::string text;
  for (const std::string& line : screen.scrollback(screen.scrollback_begin(), screen.scrollback_end())) {
    if (!text.empty()) text += '|';
    text += line;
  }
  return text;
}

}  // namespace rexec::test
