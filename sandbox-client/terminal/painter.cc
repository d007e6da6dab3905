#include "sandbox-client/terminal/painter.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sandbox-client/terminal/row.h"
#include "sandbox-client/terminal/sgr.h"

namespace rexec::terminal {
namespace {

// Modes that could be in the way are put as they are after a reset; what is drawn at the right edge does not
// wrap, also where the person's terminal finds a character wider than we do.
constexpr std::string_view kEnter = "\x1B[?1049h\x1B[r\x1B[?6l\x1B[4l\x1B[?7l\x1B(B\x0F";
constexpr std::string_view kLeave = "\x1B[m\x1B[?7h\x1B[?1049l";
constexpr std::string_view kClear = "\x1B[m\x1B[2J";
constexpr std::string_view kEraseRight = "\x1B[K";
constexpr std::string_view kUnfinished = "\x1B[?2026h";
constexpr std::string_view kFinished = "\x1B[?2026l";
constexpr std::string_view kUnprintable = "\xEF\xBF\xBD";

struct PaintedFlag {
  bool Modes::*flag;
  std::string_view set;
  std::string_view reset;
};

constexpr PaintedFlag kInputFlags[] = {
    {&Modes::application_cursor_keys, "\x1B[?1h", "\x1B[?1l"},
    {&Modes::application_keypad, "\x1B=", "\x1B>"},
    {&Modes::focus_events, "\x1B[?1004h", "\x1B[?1004l"},
    {&Modes::bracketed_paste, "\x1B[?2004h", "\x1B[?2004l"},
};
constexpr PaintedFlag kLookFlags[] = {
    {&Modes::reverse_video, "\x1B[?5h", "\x1B[?5l"},
    {&Modes::cursor_visible, "\x1B[?25h", "\x1B[?25l"},
};

std::string_view mouse_number(MouseMode mode) {
  switch (mode) {
    case MouseMode::off:
      return {};
    case MouseMode::x10:
      return "9";
    case MouseMode::normal:
    case MouseMode::highlight:
      return "1000";
    case MouseMode::button:
      return "1002";
    case MouseMode::any:
      return "1003";
  }
  return {};
}

std::string_view encoding_number(MouseEncoding encoding) {
  switch (encoding) {
    case MouseEncoding::standard:
      return {};
    case MouseEncoding::utf8:
      return "1005";
    case MouseEncoding::sgr:
      return "1006";
    case MouseEncoding::urxvt:
      return "1015";
  }
  return {};
}

void change_number(std::string& out, std::string_view from, std::string_view to) {
  if (from == to) return;
  if (!from.empty()) out.append("\x1B[?").append(from).append("l");
  if (!to.empty()) out.append("\x1B[?").append(to).append("h");
}

void change_modes(std::string& out, const Modes& from, const Modes& to) {
  const auto change_flag = [&](const PaintedFlag& mode) {
    if (from.*mode.flag != to.*mode.flag) out.append(to.*mode.flag ? mode.set : mode.reset);
  };
  std::ranges::for_each(kInputFlags, change_flag);
  std::ranges::for_each(kLookFlags, change_flag);
  change_number(out, mouse_number(from.mouse), mouse_number(to.mouse));
  change_number(out, encoding_number(from.mouse_encoding), encoding_number(to.mouse_encoding));
  if (from.cursor_style != to.cursor_style) out += "\x1B[" + std::to_string(to.cursor_style) + " q";
}

void move_cursor(std::string& out, CursorPosition to) {
  out += "\x1B[" + std::to_string(to.row) + ';' + std::to_string(to.column) + 'H';
}

/// The cell's text. A screen holds no control characters, but one that was restored is somebody else's word.
void append_printable(std::string& out, const Row& row, const Cell& cell) {
  const std::size_t begin = out.size();
  row.append_text(cell, out);
  for (std::size_t i = begin; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    const bool c1 = byte == 0xC2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xA0;
    if (byte >= 0x20 && byte != 0x7F && !c1) continue;
    out.resize(begin);
    out += kUnprintable;
    return;
  }
}

/// The first of `shown` positions out of `all` so that `wanted` is among them, as near to `first` as can be.
int follow(int first, int wanted, int shown, int all) {
  first = std::clamp(first, wanted - shown + 1, wanted);
  return std::clamp(first, 0, std::max(0, all - shown));
}

}  // namespace

Painter::Painter(Size size, const PainterOptions& options) : options_(options) {
  resize(size);
}

void Painter::resize(Size size) {
  size_ = {std::clamp(size.columns, 1, kMaxColumns), std::clamp(size.rows, 1, kMaxRows)};
  fresh_ = true;
}

std::string Painter::begin() {
  fresh_ = true;
  return std::string(kEnter);
}

std::string Painter::end() {
  std::string out;
  change_modes(out, modes_, Modes());
  modes_ = Modes();
  fresh_ = true;
  return out.append(kLeave);
}

Modes Painter::mirrored(const Modes& modes) const {
  Modes kept;
  for (const PaintedFlag& mode : kLookFlags) kept.*mode.flag = modes.*mode.flag;
  kept.cursor_style = modes.cursor_style;
  if (!options_.input_modes) return kept;
  for (const PaintedFlag& mode : kInputFlags) kept.*mode.flag = modes.*mode.flag;
  kept.mouse = modes.mouse == MouseMode::highlight ? MouseMode::normal : modes.mouse;
  kept.mouse_encoding = modes.mouse_encoding;
  return kept;
}

void Painter::look_at(const Screen& screen) {
  const CursorPosition cursor = screen.cursor();
  const Size all = screen.size();
  top_ = follow(top_, cursor.row - 1, size_.rows, all.rows);
  left_ = follow(left_, cursor.column - 1, size_.columns, all.columns);
}

// Terminals disagree about the widths of wide characters and clusters, so that the position is said behind
// each of them. It also keeps what follows a joiner from being joined.
Painter::Line Painter::draw(const Row& row) const {
  const int end = std::min(row.columns(), left_ + size_.columns);
  int last = row.fill() == Cell() ? std::min(end, row.kept()) : end;
  while (last > left_ && row.at(last - 1) == Cell()) --last;

  Line line;
  Style style;
  bool doubtful = false;
  for (int column = left_; column < last; ++column) {
    const Cell& cell = row.at(column);
    const bool begun_outside = cell.is_continuation() && column == left_;
    const bool ends_outside = cell.is_wide() && column + 1 == left_ + size_.columns;
    if (cell.is_continuation() && !begun_outside) continue;
    if (std::exchange(doubtful, cell.is_wide() || cell.is_cluster()))
      line.text += "\x1B[" + std::to_string(column - left_ + 1) + 'G';
    append_sgr(line.text, std::exchange(style, cell.style), cell.style);
    if (begun_outside || ends_outside) {
      line.text += ' ';
    } else {
      append_printable(line.text, row, cell);
    }
  }
  append_sgr(line.text, style, Style());
  line.full = last == left_ + size_.columns;
  return line;
}

std::string Painter::paint(const Screen& screen) {
  look_at(screen);
  std::string out;
  const Modes modes = mirrored(screen.modes());
  change_modes(out, modes_, modes);
  modes_ = modes;
  if (fresh_) {
    out += kClear;
    lines_.assign(static_cast<std::size_t>(size_.rows), {});
  }
  for (int y = 0; y < size_.rows; ++y) {
    Line line = top_ + y < screen.size().rows ? draw(screen.row(top_ + y)) : Line();
    Line& shown = lines_[static_cast<std::size_t>(y)];
    if (line == shown) continue;
    move_cursor(out, {y + 1, 1});
    out += line.text;
    if (!line.full) out += kEraseRight;
    shown = std::move(line);
  }
  const CursorPosition cursor{screen.cursor().row - top_, screen.cursor().column - left_};
  if (out.empty() && cursor == cursor_ && !fresh_) return {};
  move_cursor(out, cursor);
  cursor_ = cursor;
  fresh_ = false;
  return std::string(kUnfinished).append(out).append(kFinished);
}

}  // namespace rexec::terminal
