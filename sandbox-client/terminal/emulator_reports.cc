// Queries, and strings: titles, colours and what is asked by DCS.
//
// Nothing that a program wrote is part of a reply but numbers that were read as such: a reply reaches the
// program's input, where a shell may take it for a command. For the same reason titles are never reported.
#include <algorithm>

#include "base/utf8.h"
#include "sandbox-client/terminal/emulator.h"
#include "sandbox-client/terminal/sgr.h"
#include "sandbox-client/terminal/width.h"

namespace rexec::terminal {
namespace {

constexpr std::string_view kCsi = "\x1B[";
constexpr std::string_view kDcs = "\x1BP";
constexpr std::string_view kSt = "\x1B\\";

// A VT220 with colours, as which xterm lets itself be configured, since what a VT420 adds is not modelled.
constexpr std::string_view kPrimaryAttributes = "\x1B[?62;22c";
constexpr std::string_view kSecondaryAttributes = "\x1B[>1;390;0c";
constexpr std::string_view kVersionReport = "\x1BP>|XTerm(390)\x1B\\";

constexpr std::uint32_t kForeground = 0xFFFFFF;
constexpr std::uint32_t kBackground = 0x000000;

// xterm's first sixteen colours.
constexpr std::uint32_t kBasicColors[16] = {0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD,
                                            0x00CDCD, 0xE5E5E5, 0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00,
                                            0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF};

std::uint32_t palette_color(std::uint32_t index) {
  if (index < 16) return kBasicColors[index];
  if (index >= 232) return (8 + 10 * (index - 232)) * 0x010101U;
  const auto level = [](std::uint32_t step) { return step == 0 ? 0 : 55 + 40 * step; };
  const std::uint32_t cube = index - 16;
  return level(cube / 36) << 16U | level(cube / 6 % 6) << 8U | level(cube % 6);
}

std::string color_text(std::uint32_t color) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "rgb:";
  for (unsigned shift = 16;; shift -= 8) {
    const std::uint32_t byte = (color >> shift) & 0xFFU;
    for (int twice = 0; twice < 2; ++twice) {
      text += kDigits[byte >> 4U];
      text += kDigits[byte & 0xFU];
    }
    if (shift == 0) return text;
    text += '/';
  }
}

// Takes digits off the front; nothing or too many of them are no number.
bool take_number(std::string_view& text, std::uint32_t& number) {
  std::size_t length = 0;
  number = 0;
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') {
    if (length == 5) return false;
    number = number * 10 + static_cast<std::uint32_t>(text[length++] - '0');
  }
  text.remove_prefix(length);
  return length > 0;
}

std::string_view take_field(std::string_view& text) {
  const std::size_t end = text.find(';');
  const std::string_view field = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return field;
}

// OSC 4: pairs of an index and a colour, or a question mark for what it is.
std::string palette_report(std::string_view pairs, std::string_view end) {
  constexpr std::size_t kMaxAnswers = 16;
  std::string report;
  std::size_t answers = 0;
  while (!pairs.empty() && answers < kMaxAnswers) {
    std::string_view field = take_field(pairs);
    std::uint32_t index = 0;
    const bool valid = take_number(field, index) && field.empty() && index < 256;
    if (take_field(pairs) != "?" || !valid) continue;
    report += "\x1B]4;" + std::to_string(index) + ';' + color_text(palette_color(index)) + std::string(end);
    ++answers;
  }
  return report;
}

// OSC 10 to 12: a list for this and the following numbers.
std::string dynamic_color_report(std::uint32_t first, std::string_view colors, std::string_view end) {
  std::string report;
  for (std::uint32_t number = first; number <= 12 && !colors.empty(); ++number) {
    if (take_field(colors) != "?") continue;
    report += "\x1B]" + std::to_string(number) + ';' + color_text(number == 11 ? kBackground : kForeground) +
              std::string(end);
  }
  return report;
}

// Valid, printable and short.
std::string clean_title(std::string_view text) {
  const std::string valid = to_valid_utf8(text);
  std::string title;
  for (std::size_t at = 0; at < valid.size();) {
    const std::string_view character = utf8_prefix(std::string_view(valid).substr(at), 1);
    if (title.size() + character.size() > kMaxTitleBytes) break;
    const bool c1 =
        character.size() == 2 && character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
    if (!c1) title.append(character);
    at += character.size();
  }
  return title;
}

void push_bounded(std::vector<std::string>& stack, const std::string& title) {
  if (stack.size() == kMaxTitleStack) stack.erase(stack.begin());
  stack.push_back(title);
}

void pop_into(std::vector<std::string>& stack, std::string& title) {
  if (stack.empty()) return;
  title = std::move(stack.back());
  stack.pop_back();
}

}  // namespace

void Emulator::reply(std::uint64_t offset, std::string bytes) {
  if (bytes.empty() || replies_.size() == kMaxReplies) return;
  replies_.push_back({offset, std::move(bytes)});
}

void Emulator::device_status(const Sequence& sequence) {
  const int what = sequence.get(0, 0);
  const std::uint64_t offset = sequence.offset;
  if (sequence.final == 'c') {
    if (what == 0)
      reply(offset, std::string(sequence.prefix == '>' ? kSecondaryAttributes : kPrimaryAttributes));
    return;
  }
  if (sequence.final == 'q') {
    if (what == 0) reply(offset, std::string(kVersionReport));
    return;
  }
  const bool is_private = sequence.prefix == '?';
  const std::string begin = std::string(kCsi) + (is_private ? "?" : "");
  if (what == 6) {
    const int row = state_.cursor.row - (state_.modes.origin ? state_.top : 0) + 1;
    reply(offset, begin + std::to_string(row) + ';' + std::to_string(state_.cursor.column + 1) + 'R');
  } else if (what == 5 && !is_private) {
    reply(offset, begin + "0n");
  } else if (what == 15 && is_private) {
    reply(offset, begin + "13n");  // no printer
  } else if (what == 25 && is_private) {
    reply(offset, begin + "21n");  // user-defined keys are locked
  } else if (what == 26 && is_private) {
    reply(offset, begin + "27;1;0;0n");  // a North American keyboard
  }
}

void Emulator::report_mode(const Sequence& sequence) {
  const std::string prefix = sequence.prefix == '?' ? "?" : "";
  reply(sequence.offset, std::string(kCsi) + prefix + std::to_string(sequence.get(0, 0)) + ';' +
                             std::to_string(mode_report(sequence)) + "$y");
}

void Emulator::window_operation(const Sequence& sequence) {
  const auto report = [&](int code, int height, int width) {
    reply(sequence.offset, std::string(kCsi) + std::to_string(code) + ';' + std::to_string(height) + ';' +
                               std::to_string(width) + 't');
  };
  const int rows = state_.rows();
  const int columns = state_.columns();
  switch (sequence.get(0, 0)) {
    case 11:
      return reply(sequence.offset, std::string(kCsi) + "1t");  // not iconified
    case 13:
      return report(3, 0, 0);
    case 14:
      return report(4, rows * kCellPixelHeight, columns * kCellPixelWidth);
    case 15:
      return report(5, rows * kCellPixelHeight, columns * kCellPixelWidth);
    case 16:
      return report(6, kCellPixelHeight, kCellPixelWidth);
    case 18:
      return report(8, rows, columns);
    case 19:
      return report(9, rows, columns);
    case 22:
      return push_titles(sequence.get(1, 0));
    case 23:
      return pop_titles(sequence.get(1, 0));
    default:
      return;  // the window is nobody's to move, and its title is nobody's to read back
  }
}

// 0 is for both, 1 for the icon's, 2 for the window's.
void Emulator::push_titles(int what) {
  if (what == 0 || what == 1) push_bounded(state_.icon_stack, state_.icon);
  if (what == 0 || what == 2) push_bounded(state_.title_stack, state_.title);
}

void Emulator::pop_titles(int what) {
  if (what == 0 || what == 1) pop_into(state_.icon_stack, state_.icon);
  if (what == 0 || what == 2) pop_into(state_.title_stack, state_.title);
}

void Emulator::set_title(std::string_view text, bool icon, bool title) {
  const std::string clean = clean_title(text);
  if (icon) state_.icon = clean;
  if (title) state_.title = clean;
  changed();
}

// All others are ignored: colours are not changed, hyperlinks (8) not kept, and a clipboard (52) does not
// exist.
void Emulator::osc(std::uint64_t offset, std::string_view text, bool bell) {
  state_.joiner = false;
  std::uint32_t number = 0;
  if (!take_number(text, number)) return;
  if (!text.empty() && text[0] != ';') return;
  if (!text.empty()) text.remove_prefix(1);
  const std::string_view end = bell ? std::string_view("\a") : kSt;
  if (number <= 2) {
    set_title(text, number != 2, number != 1);
  } else if (number == 4) {
    reply(offset, palette_report(text, end));
  } else if (number >= 10 && number <= 12) {
    reply(offset, dynamic_color_report(number, text, end));
  }
}

void Emulator::dcs(const Sequence& sequence, std::string_view data) {
  state_.joiner = false;
  if (sequence.prefix != 0 || sequence.intermediate_count != 1 || sequence.final != 'q') return;
  if (sequence.intermediates[0] == '$') return report_setting(sequence.offset, data);
  // XTGETTCAP: no capability is told; programs have terminfo.
  if (sequence.intermediates[0] == '+') reply(sequence.offset, std::string(kDcs) + "0+r" + std::string(kSt));
}

// DECRQSS. 1 is for a setting that exists, as xterm has it; DEC's manuals have it the other way round.
void Emulator::report_setting(std::uint64_t offset, std::string_view setting) {
  std::string value;
  if (setting == "m") {
    value = sgr_parameters(state_.style);
  } else if (setting == "r") {
    value = std::to_string(state_.top + 1) + ';' + std::to_string(state_.bottom + 1);
  } else if (setting == " q") {
    value = std::to_string(state_.modes.cursor_style);
  } else if (setting == "\"p") {
    value = "62;1";
  } else if (setting == "\"q") {
    value = "0";
  } else {
    return reply(offset, std::string(kDcs) + "0$r" + std::string(kSt));
  }
  reply(offset, std::string(kDcs) + "1$r" + value + std::string(setting) + std::string(kSt));
}

}  // namespace rexec::terminal
