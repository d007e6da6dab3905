// Modes: what sets, resets and reports them.
#include "sandbox-client/terminal/emulator.h"

namespace rexec::terminal {
namespace {

struct Flag {
  int number;
  bool Modes::*flag;
};

// Private modes that only have to be remembered.
constexpr Flag kPrivateFlags[] = {
    {1, &Modes::application_cursor_keys}, {5, &Modes::reverse_video},   {7, &Modes::autowrap},
    {12, &Modes::cursor_blinks},          {25, &Modes::cursor_visible}, {40, &Modes::column_switch},
    {66, &Modes::application_keypad},     {1004, &Modes::focus_events}, {2004, &Modes::bracketed_paste},
    {2026, &Modes::synchronized_output},
};

constexpr int kOrigin = 6;
constexpr int kColumns132 = 3;
constexpr int kAlternate = 47;
constexpr int kAlternateCleared = 1047;
constexpr int kCursorSaved = 1048;
constexpr int kAlternateWithCursor = 1049;

MouseMode mouse_mode(int number) {
  switch (number) {
    case 9:
      return MouseMode::x10;
    case 1000:
      return MouseMode::normal;
    case 1001:
      return MouseMode::highlight;
    case 1002:
      return MouseMode::button;
    case 1003:
      return MouseMode::any;
    default:
      return MouseMode::off;
  }
}

MouseEncoding mouse_encoding(int number) {
  switch (number) {
    case 1005:
      return MouseEncoding::utf8;
    case 1006:
      return MouseEncoding::sgr;
    case 1015:
      return MouseEncoding::urxvt;
    default:
      return MouseEncoding::standard;
  }
}

// What DECRPM says.
constexpr int kNotRecognised = 0;
constexpr int kSet = 1;
constexpr int kReset = 2;

int reported(bool on) {
  return on ? kSet : kReset;
}

}  // namespace

void Emulator::set_modes(const Sequence& sequence, bool on) {
  for (std::size_t i = 0; i < sequence.count; ++i) {
    const int number = sequence.parameters[i].value;
    if (sequence.prefix == '?') {
      set_private_mode(number, on);
    } else {
      set_ansi_mode(number, on);
    }
  }
}

void Emulator::set_ansi_mode(int number, bool on) {
  if (number == 4) state_.modes.insert = on;
  if (number == 20) state_.modes.newline = on;
}

void Emulator::set_private_mode(int number, bool on) {
  for (const Flag& flag : kPrivateFlags) {
    if (flag.number != number) continue;
    state_.modes.*flag.flag = on;
    return;
  }
  if (mouse_mode(number) != MouseMode::off) return set_mouse(mouse_mode(number), on);
  if (mouse_encoding(number) != MouseEncoding::standard)
    return set_mouse_encoding(mouse_encoding(number), on);
  switch (number) {
    case kColumns132:
      return switch_columns();
    case kOrigin:
      state_.modes.origin = on;
      return move_to(0, 0);
    case kAlternate:
      return show_alternate(on);
    case kAlternateCleared:
      if (!on && state_.modes.alternate_screen) clear_alternate();
      return show_alternate(on);
    case kCursorSaved:
      return on ? save_cursor() : restore_cursor();
    case kAlternateWithCursor:
      if (on) save_cursor();
      show_alternate(on);
      if (on) {
        state_.grid().clear(blank());
      } else {
        restore_cursor();
      }
      return;
    default:
      return;
  }
}

// Any of the modes switches any other off, as in xterm.
void Emulator::set_mouse(MouseMode mode, bool on) {
  state_.modes.mouse = on ? mode : MouseMode::off;
}

void Emulator::set_mouse_encoding(MouseEncoding encoding, bool on) {
  if (on) {
    state_.modes.mouse_encoding = encoding;
  } else if (state_.modes.mouse_encoding == encoding) {
    state_.modes.mouse_encoding = MouseEncoding::standard;
  }
}

// DECCOLM: the number of columns is not the program's to choose; the rest of it happens if mode 40 allows it.
void Emulator::switch_columns() {
  if (!state_.modes.column_switch) return;
  state_.top = 0;
  state_.bottom = state_.rows() - 1;
  state_.grid().clear(blank());
  move_to(0, 0);
}

// The cursor is where it was; so is what the alternate screen showed before.
void Emulator::show_alternate(bool on) {
  Grid& alternate = state_.grids[1];
  if (on && (alternate.columns() != state_.columns() || alternate.rows() != state_.rows()))
    alternate = Grid(state_.columns(), state_.rows());
  state_.modes.alternate_screen = on;
}

void Emulator::clear_alternate() {
  state_.grids[1].clear(blank());
}

int Emulator::mode_report(const Sequence& sequence) const {
  const Modes& modes = state_.modes;
  const int number = sequence.get(0, 0);
  if (sequence.prefix != '?') {
    if (number == 4) return reported(modes.insert);
    return number == 20 ? reported(modes.newline) : kNotRecognised;
  }
  for (const Flag& flag : kPrivateFlags)
    if (flag.number == number) return reported(modes.*flag.flag);
  if (const MouseMode mode = mouse_mode(number); mode != MouseMode::off) return reported(modes.mouse == mode);
  if (const MouseEncoding encoding = mouse_encoding(number); encoding != MouseEncoding::standard)
    return reported(modes.mouse_encoding == encoding);
  switch (number) {
    case kColumns132:
      return kReset;
    case kOrigin:
      return reported(modes.origin);
    case kAlternate:
    case kAlternateCleared:
    case kAlternateWithCursor:
      return reported(modes.alternate_screen);
    default:
      return kNotRecognised;
  }
}

}  // namespace rexec::terminal
