// Control sequences, except for modes and queries.
#include <algorithm>

#include "sandbox-client/terminal/emulator.h"
#include "sandbox-client/terminal/sgr.h"

namespace rexec::terminal {
namespace {

// A sequence's kind as one number: prefix, intermediate, final.
constexpr std::uint32_t kind(char prefix, char intermediate, char final) {
  return static_cast<std::uint32_t>(prefix) << 16U | static_cast<std::uint32_t>(intermediate) << 8U |
         static_cast<std::uint32_t>(final);
}

}  // namespace

void Emulator::control_sequence(const Sequence& sequence) {
  state_.joiner = false;
  if (sequence.intermediate_count > 1) return;
  const char intermediate = sequence.intermediate_count == 1 ? sequence.intermediates[0] : '\0';
  const std::uint32_t what = kind(sequence.prefix, intermediate, sequence.final);
  if (what == kind(0, 0, 'm')) {
    apply_sgr(sequence, state_.style);
    return;
  }
  if (sequence.has_sub) return;  // only SGR has sub-parameters
  switch (what) {
    case kind(0, 0, 'c'):
    case kind('>', 0, 'c'):
    case kind(0, 0, 'n'):
    case kind('?', 0, 'n'):
    case kind('>', 0, 'q'):
      return device_status(sequence);
    case kind(0, '$', 'p'):
    case kind('?', '$', 'p'):
      return report_mode(sequence);
    default:
      break;
  }
  changed();
  switch (what) {
    case kind('?', 0, 'h'):
    case kind(0, 0, 'h'):
      return set_modes(sequence, true);
    case kind('?', 0, 'l'):
    case kind(0, 0, 'l'):
      return set_modes(sequence, false);
    // DECSED and DECSEL spare protected cells, of which there are none.
    case kind('?', 0, 'J'):
      return erase_display(sequence.get(0, 0));
    case kind('?', 0, 'K'):
      return erase_line(sequence.get(0, 0));
    case kind(0, '!', 'p'):
      return soft_reset();
    case kind(0, ' ', 'q'):
      if (sequence.get(0, 0) <= 6) state_.modes.cursor_style = static_cast<std::uint8_t>(sequence.get(0, 0));
      return;
    default:
      if (sequence.prefix == 0 && intermediate == 0) plain_sequence(sequence);
  }
}

void Emulator::plain_sequence(const Sequence& sequence) {
  const int count = sequence.get(0, 1);
  const int what = sequence.get(0, 0);
  switch (sequence.final) {
    case '@':
      return insert_characters(count);
    case 'A':
      return move_vertically(-count);
    case 'B':
    case 'e':
      return move_vertically(count);
    case 'C':
    case 'a':
      return move_horizontally(count);
    case 'D':
      return move_horizontally(-count);
    case 'E':
      move_vertically(count);
      return set_column(0);
    case 'F':
      move_vertically(-count);
      return set_column(0);
    case 'G':
    case '`':
      return set_column(count - 1);
    case 'H':
    case 'f':
      return move_to(count - 1, sequence.get(1, 1) - 1);
    case 'I':
      return tab_forward(count);
    case 'J':
      return erase_display(what);
    case 'K':
      return erase_line(what);
    case 'L':
      return insert_lines(count);
    case 'M':
      return delete_lines(count);
    case 'P':
      return delete_characters(count);
    case 'S':
      return scroll_up(count);
    case 'T':
      if (sequence.count <= 1) scroll_down(count);  // with five parameters it is a matter of the mouse
      return;
    case 'X':
      return erase_characters(count);
    case 'Z':
      return tab_backward(count);
    case 'b':
      return repeat(count);
    case 'd':
      return set_row(count - 1);
    case 'g':
      return clear_tabs(what);
    case 'r':
      return set_scroll_region(count - 1, sequence.get(1, state_.rows()) - 1);
    case 's':
      return save_cursor();
    case 't':
      return window_operation(sequence);
    case 'u':
      return restore_cursor();
    default:
      return;
  }
}

void Emulator::move_to(int row, int column) {
  set_row(row);
  set_column(column);
}

void Emulator::set_row(int row) {
  const int first = state_.modes.origin ? state_.top : 0;
  const int last = state_.modes.origin ? state_.bottom : state_.rows() - 1;
  state_.cursor.row = std::clamp(first + row, first, last);
  state_.cursor.pending_wrap = false;
}

void Emulator::set_column(int column) {
  state_.cursor.column = std::clamp(column, 0, state_.columns() - 1);
  state_.cursor.pending_wrap = false;
}

// Margins stop the cursor only if it comes from within.
void Emulator::move_vertically(int rows) {
  Cursor& cursor = state_.cursor;
  const int first = cursor.row < state_.top ? 0 : state_.top;
  const int last = cursor.row > state_.bottom ? state_.rows() - 1 : state_.bottom;
  cursor.row = std::clamp(cursor.row + rows, first, last);
  cursor.pending_wrap = false;
}

void Emulator::move_horizontally(int columns) {
  set_column(state_.cursor.column + columns);
}

void Emulator::insert_lines(int count) {
  Cursor& cursor = state_.cursor;
  if (cursor.row < state_.top || cursor.row > state_.bottom) return;
  state_.grid().scroll_down(cursor.row, state_.bottom, count, blank());
  set_column(0);
}

void Emulator::delete_lines(int count) {
  Cursor& cursor = state_.cursor;
  if (cursor.row < state_.top || cursor.row > state_.bottom) return;
  state_.grid().scroll_up(cursor.row, state_.bottom, count, blank());
  set_column(0);
}

void Emulator::scroll_up(int count, bool continues) {
  count = std::min(count, state_.bottom - state_.top + 1);
  if (state_.top == 0 && !state_.modes.alternate_screen)
    for (int row = 0; row < count; ++row) state_.scrollback.push(state_.grid().row(row));
  state_.grid().scroll_up(state_.top, state_.bottom, count, blank(), continues);
}

void Emulator::scroll_down(int count) {
  state_.grid().scroll_down(state_.top, state_.bottom, count, blank());
}

void Emulator::insert_characters(int count) {
  cursor_row().insert(state_.cursor.column, count, blank());
  cursor_row().set_wrapped(false);
  state_.cursor.pending_wrap = false;
}

void Emulator::delete_characters(int count) {
  cursor_row().remove(state_.cursor.column, count, blank());
  cursor_row().set_wrapped(false);
  state_.cursor.pending_wrap = false;
}

void Emulator::erase_characters(int count) {
  const int first = state_.cursor.column;
  cursor_row().erase(first, std::min(first + count, state_.columns()), blank());
  state_.cursor.pending_wrap = false;
}

void Emulator::erase_display(int what) {
  Grid& grid = state_.grid();
  const int row = state_.cursor.row;
  switch (what) {
    case 0:
      for (int y = row + 1; y < grid.rows(); ++y) grid.row(y).clear(blank());
      return erase_line(0);
    case 1:
      for (int y = 0; y < row; ++y) grid.row(y).clear(blank());
      return erase_line(1);
    case 2:
      grid.clear(blank());
      state_.cursor.pending_wrap = false;
      return;
    case 3:
      return state_.scrollback.clear();
    default:
      return;
  }
}

void Emulator::erase_line(int what) {
  Row& row = cursor_row();
  Cursor& cursor = state_.cursor;
  if (what < 0 || what > 2) return;
  cursor.pending_wrap = false;
  if (what != 0) {
    const int end = what == 1 ? cursor.column + 1 : state_.columns();
    row.erase(0, end, blank());
    if (cursor.row > 0) state_.grid().row(cursor.row - 1).set_wrapped(false);
  }
  if (what == 0) row.erase(cursor.column, state_.columns(), blank());
  if (what != 1) row.set_wrapped(false);
}

void Emulator::set_scroll_region(int top, int bottom) {
  bottom = std::min(bottom, state_.rows() - 1);
  if (top >= bottom) return;
  state_.top = top;
  state_.bottom = bottom;
  move_to(0, 0);
}

void Emulator::clear_tabs(int what) {
  if (what == 0) state_.tabs.set(state_.cursor.column, false);
  if (what == 3) state_.tabs.clear();
}

}  // namespace rexec::terminal
