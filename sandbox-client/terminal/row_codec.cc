#include "sandbox-client/terminal/row_codec.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"
#include "sandbox-client/terminal/bytes.h"
#include "sandbox-client/terminal/limits.h"
#include "sandbox-client/terminal/width.h"

namespace rexec::terminal {
namespace {

// First byte of a row.
constexpr std::uint8_t kWrapped = 1;
constexpr std::uint8_t kFillGlyph = 2;  // the fill shows a character, which follows the fill's style
constexpr std::uint8_t kFillStyle = 4;
constexpr std::uint8_t kAllFlags = 7;

// Bytes between the cells, which are UTF-8 otherwise. A style holds for all that follows it.
constexpr char kStyle = 1;
constexpr char kBlanks = 2;   // and a u16: how many
constexpr char kCluster = 3;  // and a u8: how many bytes of UTF-8

void append_integer(std::string& bytes, std::uint32_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
}

void append_style(std::string& bytes, const Style& style) {
  append_integer(bytes, style.foreground.value(), 4);
  append_integer(bytes, style.background.value(), 4);
  append_integer(bytes, style.attributes, 2);
}

Style read_style(ByteReader& reader) {
  Style style;
  const std::uint32_t foreground = reader.u32();
  const std::uint32_t background = reader.u32();
  style.foreground = Color::from_value(foreground);
  style.background = Color::from_value(background);
  style.attributes = reader.u16();
  const bool valid = style.foreground.value() == foreground && style.background.value() == background &&
                     (style.attributes & ~kAllAttributes) == 0 &&
                     (style.attributes & kUnderlineMask) >> kUnderlineShift <= kMaxUnderline;
  if (!valid) reader.fail();
  return style;
}

int utf8_size(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

// The first character of well-formed text.
char32_t first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  switch (utf8_size(text[0])) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
    case 3:
      return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    default:
      return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
             (byte(3) & 0x3FU);
  }
}

class Decoder {
 public:
  Decoder(std::string_view bytes, Row& row) : reader_(bytes), row_(row) {}

  bool decode() {
    const std::uint8_t flags = reader_.u8_at_most(kAllFlags);
    Cell fill;
    if ((flags & kFillGlyph) != 0) {
      const std::uint8_t glyph = reader_.u8();
      if (glyph <= ' ' || glyph >= 0x7F) reader_.fail();
      fill = Cell(glyph, false, {});
    }
    if ((flags & kFillStyle) != 0) fill.style = read_style(reader_);
    row_.clear(fill);
    row_.set_wrapped((flags & kWrapped) != 0);
    const int kept = reader_.u16();
    while (reader_.ok() && !reader_.at_end()) read_item();
    return reader_.ok() && column_ == kept && kept <= row_.columns();
  }

 private:
  void read_item() {
    const char first = reader_.raw(1)[0];
    if (first == kStyle) {
      style_ = read_style(reader_);
    } else if (first == kBlanks) {
      const int count = reader_.u16();
      if (count == 0 || count > row_.columns() - column_) return reader_.fail();
      row_.keep_blanks(column_, count, style_);
      column_ += count;
    } else if (first == kCluster) {
      read_text(reader_.raw(reader_.u8_at_most(kMaxClusterBytes)), true);
    } else {
      std::string text(1, first);
      text.append(reader_.raw(static_cast<std::size_t>(utf8_size(first) - 1)));
      read_text(text, false);
    }
  }

  void read_text(std::string_view text, bool cluster) {
    if (!reader_.ok() || text.empty() || !is_valid_utf8(text)) return reader_.fail();
    const char32_t character = first_character(text);
    const int width = char_width(character);
    if (width < 1 || width > row_.columns() - column_) return reader_.fail();
    if (cluster) {
      if (!is_cluster(text)) return reader_.fail();
      row_.put_cluster(column_, text, width == 2, style_);
    } else {
      row_.put(column_, character, width == 2, style_);
    }
    column_ += width;
  }

  // More than one character, none of which would break the text out of its line.
  static bool is_cluster(std::string_view text) {
    std::size_t characters = 0;
    for (std::size_t at = 0; at < text.size(); at += static_cast<std::size_t>(utf8_size(text[at]))) {
      if (char_width(first_character(text.substr(at))) < 0) return false;
      ++characters;
    }
    return characters > 1;
  }

  ByteReader reader_;
  Row& row_;
  Style style_;
  int column_ = 0;
};

}  // namespace

namespace {

// How many cells from `column` on are ASCII characters of that style.
int plain_run(const Row& row, int column, const Style& style) {
  const int first = column;
  while (column < row.kept() && row.at(column).is_ascii() && row.at(column).style == style) ++column;
  return column - first;
}

void append_plain(const Row& row, int column, int count, std::string& bytes) {
  const std::size_t size = bytes.size();
  bytes.resize(size + static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    bytes[size + static_cast<std::size_t>(i)] = static_cast<char>(row.at(column + i).character());
}

}  // namespace

void encode_row(const Row& row, std::string& bytes) {
  const Cell& fill = row.fill();
  std::uint8_t flags = row.wrapped() ? kWrapped : 0;
  if (!fill.is_blank()) flags |= kFillGlyph;
  if (fill.style != Style()) flags |= kFillStyle;
  bytes.push_back(static_cast<char>(flags));
  if (!fill.is_blank()) bytes.push_back(static_cast<char>(fill.character()));
  if (fill.style != Style()) append_style(bytes, fill.style);
  append_integer(bytes, static_cast<std::uint32_t>(row.kept()), 2);
  Style style;
  for (int column = 0; column < row.kept(); ++column) {
    const Cell& cell = row.at(column);
    if (cell.is_continuation()) continue;
    if (cell.style != style) {
      style = cell.style;
      bytes.push_back(kStyle);
      append_style(bytes, style);
    }
    if (cell.is_blank()) {
      const int first = column;
      while (column + 1 < row.kept() && row.at(column + 1) == cell) ++column;
      bytes.push_back(kBlanks);
      append_integer(bytes, static_cast<std::uint32_t>(column + 1 - first), 2);
    } else if (cell.is_cluster()) {
      const std::string_view text = row.cluster_text(cell);
      bytes.push_back(kCluster);
      bytes.push_back(static_cast<char>(text.size()));
      bytes.append(text);
    } else if (cell.is_ascii()) {
      const int count = plain_run(row, column, style);
      append_plain(row, column, count, bytes);
      column += count - 1;
    } else {
      append_utf8(bytes, cell.character());
    }
  }
}

bool encoded_row_wraps(std::string_view bytes) {
  return !bytes.empty() && (static_cast<std::uint8_t>(bytes[0]) & kWrapped) != 0;
}

bool decode_row(std::string_view bytes, Row& row) {
  return Decoder(bytes, row).decode();
}

}  // namespace rexec::terminal
