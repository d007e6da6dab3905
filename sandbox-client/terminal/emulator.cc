#include "sandbox-client/terminal/emulator.h"

#include <algorithm>
#include <utility>

namespace rexec::terminal {

void Emulator::execute(char control) {
  Cursor& cursor = state_.cursor;
  state_.joiner = false;
  switch (control) {
    case '\b':
      if (cursor.column > 0) --cursor.column;
      cursor.pending_wrap = false;
      break;
    case '\t':
      tab_forward(1);
      break;
    case '\n':
    case '\v':
    case '\f':
      index();
      if (state_.modes.newline) cursor.column = 0;
      break;
    case '\r':
      cursor.column = 0;
      cursor.pending_wrap = false;
      break;
    case '\x0E':  // SO
      state_.charsets.left = 1;
      break;
    case '\x0F':  // SI
      state_.charsets.left = 0;
      break;
    default:
      return;
  }
  changed();
}

void Emulator::escape(const Sequence& sequence) {
  state_.joiner = false;
  changed();
  if (sequence.intermediate_count > 0) return designate(sequence);
  switch (sequence.final) {
    case '7':
      return save_cursor();
    case '8':
      return restore_cursor();
    case '=':
      state_.modes.application_keypad = true;
      return;
    case '>':
      state_.modes.application_keypad = false;
      return;
    case 'D':
      return index();
    case 'E':
      return next_line();
    case 'H':
      return state_.tabs.set(state_.cursor.column, true);
    case 'M':
      return reverse_index();
    case 'N':
      state_.charsets.single = 2;
      return;
    case 'O':
      state_.charsets.single = 3;
      return;
    case 'c':
      return reset();
    case 'n':  // LS2
      state_.charsets.left = 2;
      return;
    case 'o':  // LS3
      state_.charsets.left = 3;
      return;
    default:
      return;
  }
}

// The first intermediate says for which of G0 to G3; '-', '.' and '/' are those for sets of 96 characters.
void Emulator::designate(const Sequence& sequence) {
  const char first = sequence.intermediates[0];
  if (first == '#') {
    if (sequence.final == '8' && sequence.intermediate_count == 1) align();
    return;
  }
  constexpr std::string_view kTargets = "()*+";
  constexpr std::string_view kLargeTargets = "-./";
  if (const std::size_t set = kTargets.find(first); set != std::string_view::npos) {
    const bool plain = sequence.intermediate_count == 1;
    state_.charsets.designated[set] = plain ? charset_named(sequence.final) : Charset::ascii;
  } else if (const std::size_t large = kLargeTargets.find(first); large != std::string_view::npos) {
    state_.charsets.designated[large + 1] = Charset::ascii;
  }
}

void Emulator::index(bool continues) {
  Cursor& cursor = state_.cursor;
  cursor.pending_wrap = false;
  if (cursor.row == state_.bottom) {
    scroll_up(1, continues);
  } else if (cursor.row + 1 < state_.rows()) {
    ++cursor.row;
  }
}

void Emulator::reverse_index() {
  Cursor& cursor = state_.cursor;
  cursor.pending_wrap = false;
  if (cursor.row == state_.top) {
    scroll_down(1);
  } else if (cursor.row > 0) {
    --cursor.row;
  }
}

void Emulator::next_line() {
  index();
  state_.cursor.column = 0;
}

// As in xterm, a wrap stays pending: at the last column there is nowhere to go.
void Emulator::tab_forward(int count) {
  count = std::min(count, state_.columns());
  for (int i = 0; i < count; ++i) state_.cursor.column = state_.tabs.next(state_.cursor.column);
}

void Emulator::tab_backward(int count) {
  count = std::min(count, state_.columns());
  for (int i = 0; i < count; ++i) state_.cursor.column = state_.tabs.previous(state_.cursor.column);
  state_.cursor.pending_wrap = false;
}

// DECALN: the screen full of E, for adjusting the picture tube.
void Emulator::align() {
  state_.grid().clear(Cell(U'E', false, {}));
  state_.style = {};
  state_.modes.origin = false;
  state_.top = 0;
  state_.bottom = state_.rows() - 1;
  state_.cursor = {};
}

void Emulator::save_cursor() {
  state_.saved() = {state_.cursor, state_.style, state_.charsets, state_.modes.origin};
}

void Emulator::restore_cursor() {
  const SavedCursor& saved = state_.saved();
  state_.cursor = saved.cursor;
  state_.style = saved.style;
  state_.charsets = saved.charsets;
  state_.modes.origin = saved.origin;
  if (saved.origin) state_.cursor.row = std::clamp(state_.cursor.row, state_.top, state_.bottom);
}

// RIS. The scrollback stays, as do titles.
void Emulator::reset() {
  show_alternate(false);
  clear_alternate();
  state_.modes = {};
  state_.style = {};
  state_.charsets = {};
  state_.saved_cursors = {};
  state_.tabs.reset(state_.columns());
  state_.top = 0;
  state_.bottom = state_.rows() - 1;
  state_.last_character = 0;
  state_.cursor = {};
  state_.grid().clear({});
}

// DECSTR, the list of DEC STD 070 as far as there is what it resets. The cursor stays where it is.
void Emulator::soft_reset() {
  Modes& modes = state_.modes;
  modes.cursor_visible = true;
  modes.cursor_style = 0;
  modes.insert = false;
  modes.origin = false;
  modes.autowrap = true;
  modes.application_cursor_keys = false;
  modes.application_keypad = false;
  state_.top = 0;
  state_.bottom = state_.rows() - 1;
  state_.charsets = {};
  state_.style = {};
  state_.saved() = {};
}

std::vector<Reply> Emulator::take_replies() {
  return std::exchange(replies_, {});
}

}  // namespace rexec::terminal
