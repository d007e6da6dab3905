// What a person would see: the screen of an xterm-compatible terminal, rebuilt from the bytes that a program
// wrote.
//
// It follows ECMA-48, DEC STD 070 and xterm's ctlseqs, and xterm itself where those are silent; tmux's
// capture-pane is the oracle of its tests. There is no I/O, no clock and no thread in it: the same bytes give
// the same screen, in whatever pieces they come. One thread at a time uses a Screen.
//
// The bytes may be hostile. None of them make it crash, hang or grow beyond limits.h. It only ever answers
// with what take_replies() documents; nothing that a program writes is sent back to it, nor does it reach a
// clipboard.
//
// Not modelled, and ignored: left and right margins, rectangular areas, protected cells, double-size lines,
// graphics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox-client/terminal/limits.h"

namespace rexec::terminal {

class Row;

struct Size {
  int columns = 80;
  int rows = 24;

  bool operator==(const Size&) const = default;
};

struct Options {
  std::size_t scrollback_lines = kDefaultScrollbackLines;
  std::size_t scrollback_bytes = kDefaultScrollbackBytes;
};

enum class MouseMode : std::uint8_t { off, x10, normal, highlight, button, any };  // 9, 1000 to 1003
enum class MouseEncoding : std::uint8_t { standard, utf8, sgr, urxvt };            // 1005, 1006, 1015

struct Modes {
  bool alternate_screen = false;
  bool application_cursor_keys = false;  // DECCKM
  bool application_keypad = false;       // DECKPAM
  bool autowrap = true;                  // DECAWM
  bool insert = false;                   // IRM
  bool newline = false;                  // LNM
  bool origin = false;                   // DECOM
  bool reverse_video = false;            // DECSCNM
  bool cursor_visible = true;            // DECTCEM
  bool cursor_blinks = false;
  bool column_switch = false;  // mode 40: DECCOLM clears the screen
  bool bracketed_paste = false;
  bool focus_events = false;
  bool synchronized_output =
      false;  // 2026: what is shown is not finished; whether to wait is the reader's choice
  MouseMode mouse = MouseMode::off;
  MouseEncoding mouse_encoding = MouseEncoding::standard;
  std::uint8_t cursor_style = 0;  // DECSCUSR, 0 to 6

  bool operator==(const Modes&) const = default;
};

/// The answer to one query. Of several who follow the same stream only one may send it.
struct Reply {
  std::uint64_t offset = 0;  // in the stream, of the query's first byte
  std::string bytes;
};

struct CursorPosition {
  int row = 1;  // from 1, as in the terminal's own sequences
  int column = 1;

  bool operator==(const CursorPosition&) const = default;
};

struct TextOptions {
  bool colors =
      false;  // keep colours and attributes, as few SGR sequences as possible; every line begins without
  bool join_wrapped = false;  // one line for what a program wrote as one line
};

class Screen {
 public:
  /// A size is brought within [1, kMaxColumns] x [1, kMaxRows], bounds of the scrollback within those of
  /// limits.h.
  explicit Screen(Size size, const Options& options = {});
  ~Screen();
  Screen(Screen&&) noexcept;
  Screen& operator=(Screen&&) noexcept;

  /// Bytes that the program wrote, in order; the pieces may be cut anywhere.
  void feed(std::string_view bytes);
  /// How many bytes were fed so far, or what set_offset said and all since.
  std::uint64_t offset() const;
  /// For a stream that is joined in the middle. Not between the pieces of a sequence.
  void set_offset(std::uint64_t offset);

  /// What was on the primary screen and in the scrollback is wrapped anew for the width; the alternate screen
  /// is cut or padded, since its program draws it again. The scroll region becomes the whole screen.
  void resize(Size size);

  /// Answers to queries (DA, DSR, DECRQM, DECRQSS, XTVERSION, XTGETTCAP, sizes, colours) since the last call,
  /// in order. At most kMaxReplies are kept until then, and further queries are not answered.
  std::vector<Reply> take_replies();

  /// Differs from an earlier value if anything that this class tells may have changed in between.
  std::uint64_t generation() const;

  Size size() const;
  CursorPosition cursor() const;
  const Modes& modes() const;
  const std::string& title() const;
  const std::string& icon() const;

  /// A row on the screen, from 0 to size().rows - 1; valid until the next call that is not const.
  const Row& row(int row) const;
  /// The lines on the screen, all of them: size().rows of them unless joined.
  std::vector<std::string> lines(const TextOptions& options = {}) const;
  /// The same as one text: lines end with a newline, and blank ones at the end are left out.
  std::string text(const TextOptions& options = {}) const;

  /// Lines that left the top of the primary screen. Line numbers count from the first one that ever did, so
  /// they stay true while old lines are dropped; a resize or a clear starts them anew.
  std::uint64_t scrollback_begin() const;
  std::uint64_t scrollback_end() const;
  /// Lines [first, last) of it, as far as they are there.
  std::vector<std::string> scrollback(std::uint64_t first, std::uint64_t last,
                                      const TextOptions& options = {}) const;

  /// The whole state as bytes, opaque and with a version: a Screen that restores them and is fed the stream
  /// from offset() on is equal to this one. Unfetched replies are not part of it.
  std::string save(bool with_scrollback = true) const;
  /// From bytes that may be anything: an error (invalid_argument) for all that save() of this version cannot
  /// have written. The bounds of the scrollback are those given here.
  static Result<Screen> restore(std::string_view bytes, const Options& options = {});

 private:
  class Impl;
  explicit Screen(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rexec::terminal
