// Shows a screen on a person's own terminal: the bytes that draw it there.
//
// What a program wrote never reaches that terminal, only what the screen made of it: printable text, colours
// and attributes, positions, and the few modes named below, all in sequences of ours. So no program can set a
// clipboard or a title there, ask the terminal anything, or leave it in a state that end() does not undo.
// The sequences are those that xterm documents (ctlseqs) and that terminals in use agree on.
//
// There is no I/O and no clock in it. One thread at a time uses a Painter.
#pragma once

#include <string>
#include <vector>

#include "sandbox-client/terminal/screen.h"

namespace rexec::terminal {

struct PainterOptions {
  /// Whether the person's keyboard and mouse are to speak as the program asked for: cursor keys and keypad,
  /// bracketed paste, focus events, mouse. Highlight tracking (1001), in which a terminal waits for the
  /// program's answers, becomes normal tracking.
  bool input_modes = true;
};

class Painter {
 public:
  /// `size` of the person's terminal, brought within the bounds of a Screen's. A larger screen is cropped
  /// around its cursor, and around a smaller one is nothing.
  explicit Painter(Size size, const PainterOptions& options = {});

  /// To be written first: the alternate screen, in a known state.
  std::string begin();
  /// What changes the picture of the last call, or that of begin(), into one of this screen; empty when they
  /// are equal. Wrapped in synchronized output (mode 2026), so that nobody sees it half drawn.
  std::string paint(const Screen& screen);
  /// The terminal has another size now; the next paint() draws everything.
  void resize(Size size);
  /// To be written last: everything as it was before begin(), with the cursor visible.
  std::string end();

 private:
  struct Line {
    std::string text;
    bool full = false;  // up to the last column

    bool operator==(const Line&) const = default;
  };

  void look_at(const Screen& screen);
  Line draw(const Row& row) const;
  Modes mirrored(const Modes& modes) const;

  const PainterOptions options_;
  Size size_;
  // What the terminal shows.
  std::vector<Line> lines_;
  Modes modes_;
  CursorPosition cursor_;
  bool fresh_ = true;  // nothing of it is known
  // The part of the screen that is shown: its first row and column.
  int top_ = 0;
  int left_ = 0;
};

}  // namespace rexec::terminal
