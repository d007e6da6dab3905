#include "sandbox-client/terminal/checkpoint.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "sandbox-client/terminal/bytes.h"
#include "sandbox-client/terminal/row_codec.h"
#include "sandbox-client/terminal/width.h"

namespace rexec::terminal {
namespace {

constexpr std::string_view kMagic = "rxscreen";
// Changes with anything below, with row_codec, and with what width.h says: a row is only valid for one table.
constexpr std::uint16_t kFormatVersion = 1;
constexpr std::size_t kMaxVersionText = 16;

// A row in the form of row_codec: its head, and for each cell at most a style and a cluster.
constexpr std::size_t kMaxRowBytes = 32 + static_cast<std::size_t>(kMaxColumns) * (16 + kMaxClusterBytes);

Error invalid() {
  return {ErrorCode::invalid_argument, "not a checkpoint of a screen that this version can read"};
}

// Members in the order in which they are written; `Archive` writes or reads each.
template <class Archive, class Value>
void exchange_modes(Archive& archive, Value& modes) {
  archive.flag(modes.alternate_screen);
  archive.flag(modes.application_cursor_keys);
  archive.flag(modes.application_keypad);
  archive.flag(modes.autowrap);
  archive.flag(modes.insert);
  archive.flag(modes.newline);
  archive.flag(modes.origin);
  archive.flag(modes.reverse_video);
  archive.flag(modes.cursor_visible);
  archive.flag(modes.cursor_blinks);
  archive.flag(modes.column_switch);
  archive.flag(modes.bracketed_paste);
  archive.flag(modes.focus_events);
  archive.flag(modes.synchronized_output);
  archive.small(modes.mouse, MouseMode::any);
  archive.small(modes.mouse_encoding, MouseEncoding::urxvt);
  archive.small(modes.cursor_style, std::uint8_t{6});
}

template <class Archive, class Value>
void exchange_cursor(Archive& archive, Value& cursor) {
  archive.coordinate(cursor.row, archive.rows());
  archive.coordinate(cursor.column, archive.columns());
  archive.flag(cursor.pending_wrap);
}

template <class Archive, class Value>
void exchange_charsets(Archive& archive, Value& charsets) {
  for (auto& set : charsets.designated) archive.small(set, static_cast<Charset>(kLastCharset));
  archive.small(charsets.left, std::uint8_t{3});
  archive.small(charsets.single, std::uint8_t{3});
}

template <class Archive, class Value>
void exchange_state(Archive& archive, Value& state) {
  exchange_modes(archive, state.modes);
  exchange_cursor(archive, state.cursor);
  archive.style(state.style);
  exchange_charsets(archive, state.charsets);
  for (auto& saved : state.saved_cursors) {
    exchange_cursor(archive, saved.cursor);
    archive.style(saved.style);
    exchange_charsets(archive, saved.charsets);
    archive.flag(saved.origin);
  }
  archive.coordinate(state.top, archive.rows());
  archive.coordinate(state.bottom, archive.rows());
  archive.character(state.last_character);
  archive.flag(state.joiner);
  archive.title(state.title);
  archive.title(state.icon);
  archive.titles(state.title_stack);
  archive.titles(state.icon_stack);
}

class Saver {
 public:
  Saver(ByteWriter& writer, Size size) : writer_(writer), size_(size) {}

  int rows() const { return size_.rows; }
  int columns() const { return size_.columns; }
  void flag(bool value) { writer_.boolean(value); }
  template <class T>
  void small(T value, T) {
    writer_.u8(static_cast<std::uint8_t>(value));
  }
  void coordinate(int value, int) { writer_.u16(static_cast<std::uint16_t>(value)); }
  void character(char32_t value) { writer_.u32(value); }
  void style(const Style& style) {
    writer_.u32(style.foreground.value());
    writer_.u32(style.background.value());
    writer_.u16(style.attributes);
  }
  void title(const std::string& title) { writer_.string(title); }
  void titles(const std::vector<std::string>& titles) {
    writer_.u8(static_cast<std::uint8_t>(titles.size()));
    for (const std::string& one : titles) title(one);
  }

 private:
  ByteWriter& writer_;
  Size size_;
};

class Loader {
 public:
  Loader(ByteReader& reader, Size size) : reader_(reader), size_(size) {}

  int rows() const { return size_.rows; }
  int columns() const { return size_.columns; }
  void flag(bool& value) { value = reader_.boolean(); }
  template <class T>
  void small(T& value, T max) {
    value = static_cast<T>(reader_.u8_at_most(static_cast<std::uint8_t>(max)));
  }
  void coordinate(int& value, int end) {
    value = reader_.u16();
    if (value < end) return;
    value = 0;
    reader_.fail();
  }
  void character(char32_t& value) {
    value = reader_.u32();
    if (value == 0 || char_width(value) > 0) return;
    value = 0;
    reader_.fail();
  }
  void style(Style& style) {
    const std::uint32_t foreground = reader_.u32();
    const std::uint32_t background = reader_.u32();
    const std::uint16_t attributes = reader_.u16();
    style = {Color::from_value(foreground), Color::from_value(background),
             static_cast<std::uint16_t>(attributes & kAllAttributes)};
    if (style.foreground.value() != foreground || style.background.value() != background ||
        style.attributes != attributes || (attributes & kUnderlineMask) >> kUnderlineShift > kMaxUnderline)
      reader_.fail();
  }
  void title(std::string& title) {
    title = reader_.string(kMaxTitleBytes);
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; };
    if (!is_valid_utf8(title) || std::ranges::any_of(title, is_control)) reader_.fail();
  }
  void titles(std::vector<std::string>& titles) {
    titles.resize(reader_.u8_at_most(kMaxTitleStack));
    for (std::string& one : titles) title(one);
  }

 private:
  ByteReader& reader_;
  Size size_;
};

void save_grid(const Grid& grid, ByteWriter& writer) {
  for (int y = 0; y < grid.rows(); ++y) {
    std::string bytes;
    encode_row(grid.row(y), bytes);
    writer.string(bytes);
  }
}

void load_grid(Grid& grid, ByteReader& reader) {
  for (int y = 0; y < grid.rows() && reader.ok(); ++y)
    if (!decode_row(reader.string(kMaxRowBytes), grid.row(y))) reader.fail();
}

void load_scrollback(ByteReader& reader, State& state) {
  const std::uint64_t dropped = reader.u64();
  const std::uint32_t count = reader.at_most(kMaxScrollbackLines);
  if (dropped > UINT64_MAX / 2) reader.fail();
  state.scrollback.set_dropped(dropped);
  Row row(state.columns());
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::string_view line = reader.string(kMaxRowBytes);
    if (!decode_row(line, row)) return reader.fail();
    state.scrollback.push_encoded(std::string(line));
  }
}

// Whether the alternate screen exists; before it is used it has a size of its own.
bool has_alternate(const State& state) {
  return state.grids[1].columns() == state.columns() && state.grids[1].rows() == state.rows();
}

bool read_head(ByteReader& reader, Size& size) {
  const bool known = reader.raw(kMagic.size()) == kMagic && reader.u16() == kFormatVersion &&
                     reader.string(kMaxVersionText) == width_unicode_version();
  size = {reader.u16(), reader.u16()};
  return known && reader.ok() && size.columns >= 1 && size.columns <= kMaxColumns && size.rows >= 1 &&
         size.rows <= kMaxRows;
}

}  // namespace

std::string save_checkpoint(const State& state, const Parser& parser, bool with_scrollback) {
  ByteWriter writer;
  for (const char c : kMagic) writer.u8(static_cast<std::uint8_t>(c));
  writer.u16(kFormatVersion);
  writer.string(width_unicode_version());
  writer.u16(static_cast<std::uint16_t>(state.columns()));
  writer.u16(static_cast<std::uint16_t>(state.rows()));
  parser.save(writer);
  Saver saver(writer, {state.columns(), state.rows()});
  exchange_state(saver, state);
  for (int column = 0; column < state.columns(); ++column) writer.boolean(state.tabs.at(column));
  save_grid(state.grids[0], writer);
  writer.boolean(has_alternate(state));
  if (has_alternate(state)) save_grid(state.grids[1], writer);
  const Scrollback& scrollback = state.scrollback;
  writer.u64(with_scrollback ? scrollback.dropped() : scrollback.dropped() + scrollback.size());
  writer.u32(with_scrollback ? static_cast<std::uint32_t>(scrollback.size()) : 0);
  if (with_scrollback)
    for (std::size_t i = 0; i < scrollback.size(); ++i) writer.string(scrollback.line(i));
  return writer.take();
}

Result<Size> checkpoint_size(std::string_view bytes) {
  if (bytes.size() > kMaxCheckpointBytes) return invalid();
  ByteReader reader(bytes);
  Size size;
  if (!read_head(reader, size)) return invalid();
  return size;
}

Status load_checkpoint(std::string_view bytes, State& state, Parser& parser) {
  ByteReader reader(bytes);
  Size size;
  if (!read_head(reader, size)) return invalid();
  parser.load(reader);
  Loader loader(reader, size);
  exchange_state(loader, state);
  const bool one_row = size.rows == 1;
  if (one_row ? state.bottom != 0 : state.top >= state.bottom) reader.fail();
  if (state.charsets.single == 1) reader.fail();
  for (int column = 0; column < size.columns; ++column) state.tabs.set(column, reader.boolean());
  load_grid(state.grids[0], reader);
  const bool alternate = reader.boolean();
  if (state.modes.alternate_screen && !alternate) reader.fail();
  if (alternate) {
    state.grids[1] = Grid(size.columns, size.rows);
    load_grid(state.grids[1], reader);
  }
  load_scrollback(reader, state);
  if (!reader.ok() || !reader.at_end()) {
    state = State(size, {state.scrollback.max_lines(), state.scrollback.max_bytes()});
    return invalid();
  }
  return {};
}

}  // namespace rexec::terminal
