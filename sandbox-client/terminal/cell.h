// One position of the screen: what is shown there and how it looks.
#pragma once

#include <cstdint>

namespace rexec::terminal {

/// A colour: the default one, one of the palette's 256, or 24 bits of red, green and blue.
class Color {
 public:
  constexpr Color() = default;
  static constexpr Color indexed(std::uint32_t index) { return Color(kIndexed | (index & 0xFFU)); }
  static constexpr Color rgb(std::uint32_t value) { return Color(kRgb | (value & 0xFFFFFFU)); }
  /// From value(); invalid bits make it the default colour.
  static constexpr Color from_value(std::uint32_t value) {
    if ((value & kKind) == kRgb) return rgb(value);
    if ((value & kKind) == kIndexed) return indexed(value);
    return {};
  }

  constexpr bool is_default() const { return value_ == 0; }
  constexpr bool is_indexed() const { return (value_ & kKind) == kIndexed; }
  constexpr std::uint32_t index() const { return value_ & 0xFFU; }
  constexpr std::uint32_t red() const { return (value_ >> 16U) & 0xFFU; }
  constexpr std::uint32_t green() const { return (value_ >> 8U) & 0xFFU; }
  constexpr std::uint32_t blue() const { return value_ & 0xFFU; }
  constexpr std::uint32_t value() const { return value_; }
  constexpr bool operator==(const Color&) const = default;

 private:
  static constexpr std::uint32_t kIndexed = 0x01000000;
  static constexpr std::uint32_t kRgb = 0x02000000;
  static constexpr std::uint32_t kKind = 0xFF000000;
  explicit constexpr Color(std::uint32_t value) : value_(value) {}
  std::uint32_t value_ = 0;
};

// Bits of Style::attributes. The style of an underline is a number in three of them.
inline constexpr std::uint16_t kBold = 1U << 0U;
inline constexpr std::uint16_t kDim = 1U << 1U;
inline constexpr std::uint16_t kItalic = 1U << 2U;
inline constexpr std::uint16_t kBlink = 1U << 3U;
inline constexpr std::uint16_t kReverse = 1U << 4U;
inline constexpr std::uint16_t kHidden = 1U << 5U;
inline constexpr std::uint16_t kStrike = 1U << 6U;
inline constexpr std::uint16_t kOverline = 1U << 7U;
inline constexpr std::uint16_t kUnderlineShift =
    8;  // 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed
inline constexpr std::uint16_t kUnderlineMask = 7U << kUnderlineShift;
inline constexpr std::uint16_t kMaxUnderline = 5;
inline constexpr std::uint16_t kAllAttributes = 0x7FF;

struct Style {
  Color foreground;
  Color background;
  std::uint16_t attributes = 0;

  bool operator==(const Style&) const = default;
};

/// The content of a cell is a character, a cluster of characters that its row keeps, or the right half of the
/// wide character to its left. A cell in which nothing was written since it was erased is blank.
class Cell {
 public:
  constexpr Cell() = default;
  constexpr Cell(char32_t character, bool wide, const Style& look)
      : style(look), content_(static_cast<std::uint32_t>(character) | (wide ? kWide : 0U)) {}
  static constexpr Cell blank(Color background) { return Cell(0, false, {{}, background, 0}); }
  static constexpr Cell continuation(const Style& look) {
    Cell cell(0, false, look);
    cell.content_ = kContinuation;
    return cell;
  }

  constexpr bool is_blank() const { return content_ == 0; }
  constexpr bool is_wide() const { return (content_ & kWide) != 0; }
  constexpr bool is_continuation() const { return content_ == kContinuation; }
  constexpr bool is_ascii() const { return content_ - 1 < 0x7F; }
  constexpr bool is_cluster() const { return (content_ & kCluster) != 0; }
  constexpr char32_t character() const { return content_ & kValue; }
  constexpr std::uint32_t cluster() const { return content_ & kValue; }
  constexpr void set_cluster(std::uint32_t index) {
    content_ = (content_ & kWide) | kCluster | (index & kValue);
  }
  constexpr bool operator==(const Cell&) const = default;

  Style style;

 private:
  static constexpr std::uint32_t kCluster = 1U << 31U;
  static constexpr std::uint32_t kWide = 1U << 30U;
  static constexpr std::uint32_t kContinuation = 1U << 29U;
  static constexpr std::uint32_t kValue = 0xFFFFFF;
  std::uint32_t content_ = 0;
};

static_assert(sizeof(Cell) == 16);

}  // namespace rexec::terminal
