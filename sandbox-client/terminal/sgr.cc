#include "sandbox-client/terminal/sgr.h"

#include <optional>

namespace rexec::terminal {
namespace {

struct Attribute {
  std::uint16_t bit;
  int on;
};

constexpr Attribute kAttributes[] = {{kBold, 1},    {kDim, 2},    {kItalic, 3}, {kBlink, 5},
                                     {kReverse, 7}, {kHidden, 8}, {kStrike, 9}, {kOverline, 53}};

void set_underline(Style& style, int kind) {
  style.attributes =
      static_cast<std::uint16_t>((style.attributes & ~kUnderlineMask) | kind << kUnderlineShift);
}

void set(Style& style, std::uint16_t bits, bool on) {
  style.attributes = static_cast<std::uint16_t>(on ? style.attributes | bits : style.attributes & ~bits);
}

// One parameter and what belongs to it.
class Reader {
 public:
  Reader(const Sequence& sequence, Style& style) : sequence_(sequence), style_(style) {}

  void read() {
    if (sequence_.count == 0) style_ = {};
    while (at_ < sequence_.count) {
      std::size_t end = at_ + 1;
      while (end < sequence_.count && sequence_.parameters[end].sub) ++end;
      if (end > at_ + 1) {
        read_group(end);
      } else {
        read_single();
      }
    }
  }

 private:
  int value(std::size_t index) const {
    return index < sequence_.count ? sequence_.parameters[index].value : 0;
  }

  // "4:3", "38:5:n", "38:2::r:g:b" and, as many write it, "38:2:r:g:b".
  void read_group(std::size_t end) {
    const std::size_t first = at_;
    at_ = end;
    const int code = value(first);
    const int kind = value(first + 1);
    const std::size_t count = end - first;
    if (code == 4 && count == 2 && kind <= kMaxUnderline) return set_underline(style_, kind);
    if (kind == 5 && count >= 3) return set_color(code, palette(first + 2));
    const std::size_t red = first + (count == 5 ? 2 : 3);
    if (kind == 2 && count >= 5) set_color(code, mixed(red));
  }

  void read_single() {
    const int code = value(at_++);
    if (code == 38 || code == 48 || code == 58) {
      const int kind = value(at_);
      if (kind == 5) {
        set_color(code, palette(at_ + 1));
        at_ += 2;
      } else if (kind == 2) {
        set_color(code, mixed(at_ + 1));
        at_ += 4;
      } else {
        ++at_;
      }
      return;
    }
    apply(code);
  }

  std::optional<Color> palette(std::size_t index) const {
    if (index >= sequence_.count || value(index) > 255) return std::nullopt;
    return Color::indexed(static_cast<std::uint32_t>(value(index)));
  }

  std::optional<Color> mixed(std::size_t first) const {
    if (first + 2 >= sequence_.count) return std::nullopt;
    std::uint32_t mixed = 0;
    for (std::size_t i = first; i < first + 3; ++i) {
      if (value(i) > 255) return std::nullopt;
      mixed = mixed << 8U | static_cast<std::uint32_t>(value(i));
    }
    return Color::rgb(mixed);
  }

  // 58, the colour of the underline, is read and not kept.
  void set_color(int code, std::optional<Color> color) {
    if (!color) return;
    if (code == 38) style_.foreground = *color;
    if (code == 48) style_.background = *color;
  }

  void apply(int code) {
    if (code >= 30 && code <= 37) {
      style_.foreground = Color::indexed(static_cast<std::uint32_t>(code - 30));
    } else if (code >= 40 && code <= 47) {
      style_.background = Color::indexed(static_cast<std::uint32_t>(code - 40));
    } else if (code >= 90 && code <= 97) {
      style_.foreground = Color::indexed(static_cast<std::uint32_t>(code - 90 + 8));
    } else if (code >= 100 && code <= 107) {
      style_.background = Color::indexed(static_cast<std::uint32_t>(code - 100 + 8));
    } else {
      apply_attribute(code);
    }
  }

  void apply_attribute(int code) {
    switch (code) {
      case 0:
        style_ = {};
        return;
      case 4:
        return set_underline(style_, 1);
      case 6:
        return set(style_, kBlink, true);
      case 21:
        return set_underline(style_, 2);
      case 22:
        return set(style_, kBold | kDim, false);
      case 23:
        return set(style_, kItalic, false);
      case 24:
        return set_underline(style_, 0);
      case 25:
        return set(style_, kBlink, false);
      case 27:
        return set(style_, kReverse, false);
      case 28:
        return set(style_, kHidden, false);
      case 29:
        return set(style_, kStrike, false);
      case 39:
        style_.foreground = {};
        return;
      case 49:
        style_.background = {};
        return;
      case 55:
        return set(style_, kOverline, false);
      default:
        for (const Attribute& attribute : kAttributes)
          if (attribute.on == code) set(style_, attribute.bit, true);
    }
  }

  const Sequence& sequence_;
  Style& style_;
  std::size_t at_ = 0;
};

void append(std::string& parameters, const std::string& parameter) {
  if (!parameters.empty()) parameters += ';';
  parameters += parameter;
}

void append_color(std::string& parameters, Color color, int base) {
  if (color.is_default()) {
    append(parameters, std::to_string(base + 9));
  } else if (color.is_indexed() && color.index() < 8) {
    append(parameters, std::to_string(base + static_cast<int>(color.index())));
  } else if (color.is_indexed() && color.index() < 16) {
    append(parameters, std::to_string(base + 60 + static_cast<int>(color.index()) - 8));
  } else if (color.is_indexed()) {
    append(parameters, std::to_string(base + 8) + ";5;" + std::to_string(color.index()));
  } else {
    append(parameters, std::to_string(base + 8) + ";2;" + std::to_string(color.red()) + ';' +
                           std::to_string(color.green()) + ';' + std::to_string(color.blue()));
  }
}

// Parameters that lead from one style to another by adding only.
std::string added(const Style& from, const Style& to) {
  std::string parameters;
  for (const Attribute& attribute : kAttributes)
    if ((to.attributes & ~from.attributes & attribute.bit) != 0)
      append(parameters, std::to_string(attribute.on));
  const int underline = (to.attributes & kUnderlineMask) >> kUnderlineShift;
  if (underline != (from.attributes & kUnderlineMask) >> kUnderlineShift)
    append(parameters, underline == 1 ? "4" : "4:" + std::to_string(underline));
  if (to.foreground != from.foreground) append_color(parameters, to.foreground, 30);
  if (to.background != from.background) append_color(parameters, to.background, 40);
  return parameters;
}

}  // namespace

void apply_sgr(const Sequence& sequence, Style& style) {
  Reader(sequence, style).read();
}

std::string sgr_parameters(const Style& style) {
  const std::string parameters = added({}, style);
  return parameters.empty() ? "0" : "0;" + parameters;
}

void append_sgr(std::string& text, const Style& from, const Style& to) {
  if (from == to) return;
  text += "\x1B[";
  const bool had_underline = (from.attributes & kUnderlineMask) != 0;
  const bool has_underline = (to.attributes & kUnderlineMask) != 0;
  const std::uint16_t bits = kAllAttributes & ~kUnderlineMask;
  if (to == Style()) {
    text += '0';
  } else if ((from.attributes & ~to.attributes & bits) != 0 || (had_underline && !has_underline)) {
    text += sgr_parameters(to);
  } else {
    text += added(from, to);
  }
  text += 'm';
}

}  // namespace rexec::terminal
