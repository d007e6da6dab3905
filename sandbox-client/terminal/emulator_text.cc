// Characters: where they go and how lines wrap.
#include <algorithm>

#include "sandbox-client/terminal/emulator.h"
#include "sandbox-client/terminal/width.h"

namespace rexec::terminal {
namespace {

constexpr char32_t kZeroWidthJoiner = 0x200D;

}  // namespace

void Emulator::print_ascii(std::string_view run) {
  changed();
  state_.joiner = false;
  if (state_.charsets.is_plain() && !state_.modes.insert) {
    write_ascii(run);
    state_.last_character = static_cast<unsigned char>(run.back());
    return;
  }
  for (const char c : run) {
    Charsets& charsets = state_.charsets;
    const std::uint8_t set = charsets.single != 0 ? charsets.single : charsets.left;
    charsets.single = 0;
    const char32_t character = translate(charsets.designated[set], static_cast<unsigned char>(c));
    write(character, 1);
    state_.last_character = character;
  }
}

void Emulator::write_ascii(std::string_view run) {
  Cursor& cursor = state_.cursor;
  const int columns = state_.columns();
  while (!run.empty()) {
    begin_character(1);
    const auto room = static_cast<std::size_t>(columns - cursor.column);
    const std::size_t count = std::min(room, run.size());
    cursor_row().put_ascii(cursor.column, run.substr(0, count), state_.style);
    advance(static_cast<int>(count));
    run.remove_prefix(count);
    // Without autowrap all the rest lands in the last column, one over the other.
    if (!state_.modes.autowrap && run.size() > 1) run.remove_prefix(run.size() - 1);
  }
}

void Emulator::print(char32_t character) {
  const int width = char_width(character);
  if (width < 0) return;
  changed();
  if (character == kZeroWidthJoiner) {
    state_.joiner = true;
  } else if (state_.joiner) {
    state_.joiner = false;
    combine(kZeroWidthJoiner);
    combine(character);
  } else if (width == 0) {
    combine(character);
  } else {
    state_.charsets.single = 0;
    write(character, width);
    state_.last_character = character;
  }
}

// To the character before the cursor in its row, as tmux does; xterm would look for the one that was written
// last.
void Emulator::combine(char32_t character) {
  const Cursor& cursor = state_.cursor;
  int column = cursor.pending_wrap ? cursor.column : cursor.column - 1;
  if (column < 0) return;
  Row& row = cursor_row();
  if (row.at(column).is_continuation()) --column;
  row.combine(column, character);
}

void Emulator::write(char32_t character, int width) {
  if (width > state_.columns()) return;
  // Without autowrap, a wide character that does not fit is not shown.
  if (!state_.modes.autowrap && state_.cursor.column + width > state_.columns()) return;
  begin_character(width);
  const Cursor& cursor = state_.cursor;
  if (state_.modes.insert) cursor_row().insert(cursor.column, width, blank());
  cursor_row().put(cursor.column, character, width == 2, state_.style);
  advance(width);
}

// Makes room: the wrap that is pending, or that a wide character needs in the last column.
void Emulator::begin_character(int width) {
  Cursor& cursor = state_.cursor;
  const bool wrap = cursor.pending_wrap || cursor.column + width > state_.columns();
  cursor.pending_wrap = false;
  if (wrap && state_.modes.autowrap) wrap_line();
}

void Emulator::advance(int width) {
  Cursor& cursor = state_.cursor;
  cursor.column += width;
  if (cursor.column < state_.columns()) return;
  cursor.column = state_.columns() - 1;
  cursor.pending_wrap = true;
}

void Emulator::wrap_line() {
  const int row = state_.cursor.row;
  const bool moves = row == state_.bottom || row + 1 < state_.rows();
  if (moves) cursor_row().set_wrapped(true);
  index(true);
  state_.cursor.column = 0;
}

// At most a row of it. xterm has no such bound, but nobody needs more: programs compress runs within a line.
void Emulator::repeat(int count) {
  const char32_t character = state_.last_character;
  if (character == 0) return;
  const int width = std::max(1, char_width(character));
  count = std::min(count, state_.columns());
  for (int i = 0; i < count; ++i) write(character, width);
}

}  // namespace rexec::terminal
