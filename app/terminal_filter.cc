#include "app/terminal_filter.h"

#include <cstddef>

namespace rexec::app {
namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\x07';
constexpr char kC1Lead = '\xc2';  // U+0080 to U+009F are 0xC2 0x80 to 0xC2 0x9F
// Final bytes of CSI sequences (ECMA-48, section 5.4) that move, erase or colour.
constexpr std::string_view kHarmless = "ABCDEFGHJKLMPXdfm@`";

bool is_kept_control(char c) {
  return c == '\n' || c == '\t' || c == '\r' || c == '\b';
}

bool is_between(char c, char first, char last) {
  return c >= first && c <= last;
}

class Filter {
 public:
  explicit Filter(std::string_view text) : text_(text) { kept_.reserve(text.size()); }

  std::string run() {
    while (!at_end()) {
      const char c = text_[position_];
      if (c == kEscape) {
        ++position_;
        escape();
      } else if (const char control = c1(); control != 0) {
        position_ += 2;
        introduce(control);
      } else {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte >= 0x20 && byte != 0x7f) || is_kept_control(c)) kept_ += c;
        ++position_;
      }
    }
    return std::move(kept_);
  }

 private:
  bool at_end() const { return position_ >= text_.size(); }

  /// The character after ESC that the C1 control here stands for; 0 when there is none here.
  char c1() const {
    if (text_[position_] != kC1Lead || position_ + 1 >= text_.size()) return 0;
    const auto second = static_cast<unsigned char>(text_[position_ + 1]);
    return second <= 0x9f ? static_cast<char>(second - 0x40) : '\0';
  }

  /// ESC, intermediates 0x20 to 0x2f, one final byte (ECMA-35, section 13.2).
  void escape() {
    const std::size_t begin = position_;
    while (!at_end() && is_between(text_[position_], 0x20, 0x2f)) ++position_;
    if (at_end() || !is_between(text_[position_], 0x30, 0x7e)) return;
    const char final = text_[position_++];
    if (position_ - begin == 1) introduce(final);
  }

  void introduce(char final) {
    switch (final) {
      case '[':
        control_sequence();
        break;
      case ']':  // OSC
      case 'P':  // DCS
      case 'X':  // SOS
      case '^':  // PM
      case '_':  // APC
        control_string();
        break;
      default:
        break;
    }
  }

  void control_sequence() {
    const std::size_t begin = position_;
    bool plain = true;  // no private parameters and no intermediates
    while (!at_end() && is_between(text_[position_], 0x20, 0x3f)) {
      const char c = text_[position_++];
      plain = plain && (is_between(c, '0', '9') || c == ';' || c == ':');
    }
    if (at_end() || !is_between(text_[position_], 0x40, 0x7e)) return;
    const char final = text_[position_++];
    if (!plain || kHarmless.find(final) == kHarmless.npos) return;
    kept_ += kEscape;
    kept_ += '[';
    kept_ += text_.substr(begin, position_ - begin);
  }

  /// Up to and with BEL or ST. A terminal would wait for one for ever, so without it the rest is dropped.
  void control_string() {
    while (!at_end()) {
      const char c = text_[position_];
      if (c1() == '\\') {
        position_ += 2;
        return;
      }
      ++position_;
      if (c == kBell) return;
      if (c == kEscape) {  // ST, or another sequence, which ends the string
        escape();
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::string kept_;
};

}  // namespace

std::string filter_for_terminal(std::string_view text) {
  return Filter(text).run();
}

}  // namespace rexec::app
