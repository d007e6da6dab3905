#include "tools/support/output_filter.h"

#include <algorithm>

#include "base/utf8.h"

namespace rexec::tools {
namespace {

using Kind = OutputUnit::Kind;

constexpr char kEscape = '\x1b';
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool between(char c, char low, char high) {
  return c >= low && c <= high;
}

bool is_plain_ascii(char c) {
  return between(c, ' ', '~') || c == '\t';
}

OutputUnit nothing(std::size_t size) {
  return {Kind::nothing, size, {}};
}

/// CSI: parameters, intermediates, a final byte (ECMA-48 section 5.4). Anything else ends it where it is.
OutputUnit control_sequence(std::string_view bytes, bool last) {
  std::size_t at = 2;
  while (at < bytes.size() && at < kMaxSequence && between(bytes[at], '0', '?')) ++at;
  while (at < bytes.size() && at < kMaxSequence && between(bytes[at], ' ', '/')) ++at;
  if (at == bytes.size() && !last) return {};
  if (at < bytes.size() && between(bytes[at], '@', '~')) ++at;
  return nothing(at);
}

/// OSC, DCS, SOS, PM, APC: up to BEL (OSC only), ST, CAN or SUB. An OSC does not go over a line end, so that
/// one that is never closed does not swallow the output behind it.
OutputUnit control_string(std::string_view bytes, bool last) {
  const bool osc = bytes[1] == ']';
  const std::size_t end = std::min(bytes.size(), kMaxSequence);
  for (std::size_t at = 2; at < end; ++at) {
    const char c = bytes[at];
    if ((osc && c == '\a') || c == '\x18' || c == '\x1a') return nothing(at + 1);
    if (osc && c == '\n') return nothing(at);
    if (c != kEscape) continue;
    if (at + 1 == bytes.size() && !last) return {};
    return nothing(at + 1 < bytes.size() && bytes[at + 1] == '\\' ? at + 2 : at);
  }
  if (end < kMaxSequence && !last) return {};
  return nothing(2);
}

OutputUnit escape(std::string_view bytes, bool last) {
  if (bytes.size() == 1) return last ? nothing(1) : OutputUnit{};
  switch (bytes[1]) {
    case '[':
      return control_sequence(bytes, last);
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      return control_string(bytes, last);
    default:
      break;
  }
  std::size_t at = 1;
  while (at < bytes.size() && at < kMaxSequence && between(bytes[at], ' ', '/')) ++at;
  if (at == bytes.size() && !last) return {};
  if (at < bytes.size() && between(bytes[at], '0', '~')) ++at;
  return nothing(at);
}

OutputUnit character(std::string_view bytes, bool raw, bool last) {
  // The longest sequence and one byte more decide about the first character.
  const std::string_view window = bytes.substr(0, 4);
  const std::size_t incomplete = utf8_incomplete_tail(window);
  if (incomplete == window.size()) {
    if (!last) return {};
    return {Kind::text, incomplete, kReplacement};
  }
  const auto lead = static_cast<unsigned char>(window[0]);
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (length > 1 && length <= window.size() && is_valid_utf8(window.substr(0, length))) {
    const bool c1_control = lead == 0xc2 && static_cast<unsigned char>(window[1]) < 0xa0;
    if (c1_control && !raw) return nothing(2);
    return {Kind::text, length, window.substr(0, length)};
  }
  std::size_t subpart = 1;
  for (std::size_t size = window.size() - 1; size > 1; --size) {
    if (utf8_incomplete_tail(window.substr(0, size)) == size) {
      subpart = size;
      break;
    }
  }
  return {Kind::text, subpart, kReplacement};
}

}  // namespace

OutputUnit next_unit(std::string_view bytes, bool raw, bool last) {
  const char c = bytes[0];
  if (static_cast<unsigned char>(c) >= 0x80) return character(bytes, raw, last);
  if (c == '\n') return {Kind::newline, 1, bytes.substr(0, 1)};
  if (!raw) {
    switch (c) {
      case kEscape:
        return escape(bytes, last);
      case '\r':
        return {Kind::carriage_return, 1, {}};
      case '\b':
        return {Kind::backspace, 1, {}};
      case '\a':
      case '\x0e':
      case '\x0f':
        return nothing(1);
      default:
        break;
    }
  }
  return {Kind::text, 1, bytes.substr(0, 1)};
}

std::size_t OutputText::append_ascii(std::string_view bytes, std::size_t max_chars) {
  const std::size_t most = std::min(bytes.size(), max_chars - std::min(chars_, max_chars));
  std::size_t length = 0;
  while (length < most && is_plain_ascii(bytes[length])) ++length;
  text_.append(bytes.substr(0, length));
  chars_ += length;
  return length;
}

void OutputText::restart_line() {
  restart_ = false;
  text_.resize(line_end_.text_size);
  chars_ = line_end_.chars;
}

void OutputText::take_back() {
  if (text_.size() == line_end_.text_size) return;
  std::size_t size = text_.size() - 1;
  while (size > line_end_.text_size && (static_cast<unsigned char>(text_[size]) & 0xc0) == 0x80) --size;
  text_.resize(size);
  --chars_;
}

std::size_t OutputText::append(std::string_view bytes, std::size_t max_chars, bool last) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::string_view rest = bytes.substr(at);
    const OutputUnit unit = next_unit(rest, raw_, last);
    if (unit.kind == Kind::incomplete) break;
    if (unit.kind == Kind::text && restart_) restart_line();
    const bool visible = unit.kind == Kind::text || unit.kind == Kind::newline;
    if (visible && chars_ >= max_chars) break;
    std::size_t size = unit.size;
    switch (unit.kind) {
      case Kind::text:
        if (is_plain_ascii(rest[0])) {
          size = append_ascii(rest, max_chars);
        } else {
          text_.append(unit.text);
          ++chars_;
        }
        break;
      case Kind::newline:
        restart_ = false;
        text_.push_back('\n');
        ++chars_;
        line_end_ = {taken_ + size, text_.size(), chars_};
        break;
      case Kind::carriage_return:
        restart_ = true;
        break;
      case Kind::backspace:
        take_back();
        break;
      default:
        break;
    }
    at += size;
    taken_ += size;
  }
  return at;
}

void OutputText::cut_to_line_end() {
  text_.resize(line_end_.text_size);
  chars_ = line_end_.chars;
  taken_ = line_end_.taken;
  restart_ = false;
}

}  // namespace rexec::tools
