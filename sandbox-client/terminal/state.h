// Everything that a screen remembers, besides the parser's half-read sequence. Plain data: emulator.h changes
// it, render.h shows it, reflow.h fits it to another size, checkpoint.h writes it down.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "sandbox-client/terminal/charset.h"
#include "sandbox-client/terminal/grid.h"
#include "sandbox-client/terminal/screen.h"
#include "sandbox-client/terminal/scrollback.h"
#include "sandbox-client/terminal/tab_stops.h"

namespace rexec::terminal {

struct Cursor {
  int row = 0;
  int column = 0;
  /// The last column was written: the next character goes to the next line (DEC STD 070, "last column flag").
  bool pending_wrap = false;

  bool operator==(const Cursor&) const = default;
};

/// What DECSC saves.
struct SavedCursor {
  Cursor cursor;
  Style style;
  Charsets charsets;
  bool origin = false;
};

struct State {
  State(Size size, const Options& options)
      : grids{Grid(size.columns, size.rows), Grid(1, 1)},
        scrollback(options.scrollback_lines, options.scrollback_bytes),
        tabs(size.columns),
        bottom(size.rows - 1) {}

  Grid& grid() { return grids[modes.alternate_screen ? 1 : 0]; }
  const Grid& grid() const { return grids[modes.alternate_screen ? 1 : 0]; }
  SavedCursor& saved() { return saved_cursors[modes.alternate_screen ? 1 : 0]; }
  int columns() const { return grids[0].columns(); }
  int rows() const { return grids[0].rows(); }

  /// Primary and alternate; the latter is 1 by 1 until it is first used.
  std::array<Grid, 2> grids;
  Scrollback scrollback;
  Modes modes;
  Cursor cursor;
  Style style;
  Charsets charsets;
  std::array<SavedCursor, 2> saved_cursors;
  TabStops tabs;
  /// The scroll region, both inclusive.
  int top = 0;
  int bottom;
  char32_t last_character = 0;  // for REP; 0 before there is any
  bool joiner = false;          // the last character was a zero-width joiner
  std::string title;
  std::string icon;
  std::vector<std::string> title_stack;
  std::vector<std::string> icon_stack;
};

}  // namespace rexec::terminal
