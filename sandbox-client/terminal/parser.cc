#include "sandbox-client/terminal/parser.h"

#include <cstring>

namespace rexec::terminal {
namespace {

constexpr char kEsc = 0x1B;
constexpr char kCan = 0x18;
constexpr char kSub = 0x1A;
constexpr char kBel = 0x07;
constexpr char kDel = 0x7F;
constexpr char32_t kReplacement = 0xFFFD;

// Eight bytes at once: whether all are from 0x20 to 0x7E. A borrow or carry in one byte can only disturb
// those above it, and then that byte decides already.
bool eight_printable(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  const std::uint64_t below = word - kOnes * 0x20;
  const std::uint64_t above = word + kOnes;
  return ((word | below | above) & (kOnes * 0x80)) == 0;
}

bool is_printable(char c) {
  return c >= 0x20 && c < 0x7F;
}

std::size_t printable_run(std::string_view bytes) {
  std::size_t length = 0;
  while (bytes.size() - length >= 8 && eight_printable(bytes.data() + length)) length += 8;
  while (length < bytes.size() && is_printable(bytes[length])) ++length;
  return length;
}

bool in_range(char c, char first, char last) {
  return first <= c && c <= last;
}

}  // namespace

void Parser::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t taken = 1;
    if (state_ == State::ground && missing_bytes_ == 0) {
      taken = ground(bytes);
    } else {
      byte(bytes[0]);
    }
    offset_ += taken;
    bytes.remove_prefix(taken);
  }
}

// Takes what can be taken of plain text, and at least one byte.
std::size_t Parser::ground(std::string_view bytes) {
  if (const std::size_t run = printable_run(bytes); run > 0) {
    actions_.print_ascii(bytes.substr(0, run));
    return run;
  }
  byte(bytes[0]);
  return 1;
}

void Parser::byte(char c) {
  if (missing_bytes_ > 0) {
    const auto part = static_cast<unsigned char>(c);
    if (part >= low_ && part <= high_) return utf8_byte(part);
    missing_bytes_ = 0;
    actions_.print(kReplacement);
  }
  if (state_ == State::string) return string_byte(c);
  if (c == kEsc) return enter_escape();
  if (c == kCan || c == kSub) {
    state_ = State::ground;
    return;
  }
  switch (state_) {
    case State::ground:
      if (static_cast<unsigned char>(c) >= 0x80) return utf8_begin(static_cast<unsigned char>(c));
      if (is_printable(c)) return actions_.print_ascii(std::string_view(&c, 1));
      if (c != kDel) actions_.execute(c);
      return;
    case State::string_escape:
      if (c == '\\') return end_string(false);
      enter_escape();
      sequence_.offset = offset_ - 1;
      return escape_byte(c);
    case State::escape:
    case State::escape_intermediate:
      return escape_byte(c);
    case State::csi_entry:
    case State::csi_parameter:
    case State::csi_intermediate:
    case State::csi_ignore:
      return csi_byte(c);
    case State::dcs_entry:
    case State::dcs_parameter:
    case State::dcs_intermediate:
      return dcs_byte(c);
    case State::string:
      return;
  }
}

void Parser::utf8_begin(unsigned char c) {
  low_ = 0x80;
  high_ = 0xBF;
  if (c >= 0xC2 && c <= 0xDF) {
    missing_bytes_ = 1;
    character_ = c & 0x1FU;
  } else if (c >= 0xE0 && c <= 0xEF) {
    missing_bytes_ = 2;
    character_ = c & 0x0FU;
    if (c == 0xE0) low_ = 0xA0;
    if (c == 0xED) high_ = 0x9F;
  } else if (c >= 0xF0 && c <= 0xF4) {
    missing_bytes_ = 3;
    character_ = c & 0x07U;
    if (c == 0xF0) low_ = 0x90;
    if (c == 0xF4) high_ = 0x8F;
  } else {
    actions_.print(kReplacement);
  }
}

void Parser::utf8_byte(unsigned char c) {
  character_ = character_ << 6U | (c & 0x3FU);
  low_ = 0x80;
  high_ = 0xBF;
  if (--missing_bytes_ == 0) actions_.print(character_);
}

void Parser::enter_escape() {
  sequence_ = Sequence();
  sequence_.offset = offset_;
  state_ = State::escape;
}

// Controls are executed in the middle of a sequence. Bytes from 0x80 on, and DEL, are ignored there.
bool Parser::control_within_sequence(char c) {
  if (c == kDel || static_cast<unsigned char>(c) >= 0x80) return true;
  if (c >= 0x20) return false;
  actions_.execute(c);
  return true;
}

void Parser::collect(char c) {
  if (sequence_.intermediate_count == kMaxIntermediates) {
    sequence_.invalid = true;
  } else {
    sequence_.intermediates[sequence_.intermediate_count++] = c;
  }
}

void Parser::escape_byte(char c) {
  if (control_within_sequence(c)) return;
  if (in_range(c, 0x20, 0x2F)) {
    collect(c);
    state_ = State::escape_intermediate;
    return;
  }
  const bool plain = state_ == State::escape;
  state_ = State::ground;
  if (plain) {
    switch (c) {
      case '[':
        state_ = State::csi_entry;
        return;
      case ']':
        return begin_string(StringKind::osc);
      case 'P':
        state_ = State::dcs_entry;
        return;
      case 'X':
      case '^':
      case '_':
      case 'k':  // the title of a window of screen and tmux: text that must not be shown
        return begin_string(StringKind::ignored);
      default:
        break;
    }
  }
  sequence_.final = c;
  if (!sequence_.invalid) actions_.escape(sequence_);
}

void Parser::parameter(char c) {
  if (c == ';' || c == ':') {
    if (sequence_.count == 0) sequence_.count = 1;
    if (c == ':') sequence_.has_sub = true;
    if (sequence_.count <= kMaxParameters) ++sequence_.count;
    if (sequence_.count <= kMaxParameters) sequence_.parameters[sequence_.count - 1U].sub = c == ':';
    return;
  }
  if (sequence_.count == 0) sequence_.count = 1;
  if (sequence_.count > kMaxParameters) return;
  Sequence::Parameter& last = sequence_.parameters[sequence_.count - 1U];
  const unsigned value = last.value * 10U + static_cast<unsigned>(c - '0');
  last.value = static_cast<std::uint16_t>(value < kMaxParameterValue ? value : kMaxParameterValue);
  last.missing = false;
}

void Parser::csi_byte(char c) {
  if (control_within_sequence(c)) return;
  if (c >= 0x40) {
    const bool ignored = state_ == State::csi_ignore || sequence_.invalid;
    state_ = State::ground;
    if (ignored) return;
    sequence_.final = c;
    if (sequence_.count > kMaxParameters) sequence_.count = kMaxParameters;
    actions_.control_sequence(sequence_);
    return;
  }
  if (state_ == State::csi_ignore) return;
  if (in_range(c, 0x20, 0x2F)) {
    collect(c);
    state_ = State::csi_intermediate;
  } else if (state_ == State::csi_intermediate || (c >= 0x3C && state_ == State::csi_parameter)) {
    state_ = State::csi_ignore;
  } else if (c >= 0x3C) {
    sequence_.prefix = c;
    state_ = State::csi_parameter;
  } else {
    parameter(c);
    state_ = State::csi_parameter;
  }
}

void Parser::dcs_byte(char c) {
  if (c < 0x20 || c == kDel) return;  // and bytes from 0x80 on, where char is signed
  if (static_cast<unsigned char>(c) >= 0x80) return;
  if (c >= 0x40) {
    sequence_.final = c;
    if (sequence_.count > kMaxParameters) sequence_.count = kMaxParameters;
    return begin_string(sequence_.invalid ? StringKind::ignored : StringKind::dcs);
  }
  if (in_range(c, 0x20, 0x2F)) {
    collect(c);
    state_ = State::dcs_intermediate;
  } else if (state_ == State::dcs_intermediate || c == ':' || (c >= 0x3C && state_ == State::dcs_parameter)) {
    begin_string(StringKind::ignored);
  } else if (c >= 0x3C) {
    sequence_.prefix = c;
    state_ = State::dcs_parameter;
  } else {
    parameter(c);
    state_ = State::dcs_parameter;
  }
}

void Parser::begin_string(StringKind kind) {
  state_ = State::string;
  string_kind_ = kind;
  string_too_long_ = false;
  string_.clear();
}

void Parser::string_byte(char c) {
  if (c == kEsc) {
    state_ = State::string_escape;
  } else if (c == kCan || c == kSub) {
    state_ = State::ground;
  } else if (c == kBel && string_kind_ == StringKind::osc) {
    end_string(true);
  } else if (string_kind_ != StringKind::ignored && static_cast<unsigned char>(c) >= 0x20 && c != kDel) {
    if (string_.size() == kMaxStringBytes) {
      string_too_long_ = true;
    } else {
      string_.push_back(c);
    }
  }
}

void Parser::end_string(bool bell) {
  state_ = State::ground;
  if (string_too_long_) return;
  if (string_kind_ == StringKind::osc) actions_.osc(sequence_.offset, string_, bell);
  if (string_kind_ == StringKind::dcs) actions_.dcs(sequence_, string_);
}

void Parser::save(ByteWriter& writer) const {
  writer.u64(offset_);
  writer.u8(static_cast<std::uint8_t>(state_));
  writer.u8(missing_bytes_);
  if (missing_bytes_ > 0) {
    writer.u32(character_);
    writer.u8(low_);
    writer.u8(high_);
  }
  if (state_ == State::ground) return;
  writer.u64(sequence_.offset);
  writer.u8(static_cast<std::uint8_t>(sequence_.prefix));
  writer.u8(sequence_.intermediate_count);
  for (std::size_t i = 0; i < sequence_.intermediate_count; ++i)
    writer.u8(static_cast<std::uint8_t>(sequence_.intermediates[i]));
  writer.boolean(sequence_.invalid);
  writer.boolean(sequence_.has_sub);
  writer.u8(static_cast<std::uint8_t>(sequence_.final));
  writer.u8(sequence_.count);
  for (std::size_t i = 0; i < sequence_.count && i < kMaxParameters; ++i) {
    const Sequence::Parameter& parameter = sequence_.parameters[i];
    writer.u16(parameter.value);
    writer.boolean(parameter.missing);
    writer.boolean(parameter.sub);
  }
  if (state_ != State::string && state_ != State::string_escape) return;
  writer.u8(static_cast<std::uint8_t>(string_kind_));
  writer.boolean(string_too_long_);
  writer.string(string_);
}

void Parser::load(ByteReader& reader) {
  offset_ = reader.u64();
  state_ = static_cast<State>(reader.u8_at_most(static_cast<std::uint8_t>(State::string_escape)));
  missing_bytes_ = reader.u8_at_most(3);
  if (missing_bytes_ > 0) {
    character_ = reader.at_most(0xFFFF);
    low_ = reader.u8();
    high_ = reader.u8();
    const bool first =
        missing_bytes_ == 3 ? character_ <= 4 : character_ <= 0x110FFFU >> (6U * missing_bytes_);
    if (low_ < 0x80 || high_ > 0xBF || low_ > high_ || !first || state_ != State::ground) reader.fail();
  }
  sequence_ = Sequence();
  if (state_ == State::ground) return;
  sequence_.offset = reader.u64();
  sequence_.prefix = static_cast<char>(reader.u8_at_most(0x3F));
  sequence_.intermediate_count = reader.u8_at_most(kMaxIntermediates);
  for (std::size_t i = 0; i < sequence_.intermediate_count; ++i)
    sequence_.intermediates[i] = static_cast<char>(reader.u8_at_most(0x2F));
  sequence_.invalid = reader.boolean();
  sequence_.has_sub = reader.boolean();
  sequence_.final = static_cast<char>(reader.u8_at_most(0x7E));
  sequence_.count = reader.u8_at_most(kMaxParameters + 1);
  for (std::size_t i = 0; i < sequence_.count && i < kMaxParameters; ++i) {
    Sequence::Parameter& parameter = sequence_.parameters[i];
    parameter.value = reader.u16();
    parameter.missing = reader.boolean();
    parameter.sub = reader.boolean();
  }
  if (sequence_.offset > offset_) reader.fail();
  if (state_ != State::string && state_ != State::string_escape) return;
  string_kind_ = static_cast<StringKind>(reader.u8_at_most(static_cast<std::uint8_t>(StringKind::ignored)));
  string_too_long_ = reader.boolean();
  string_ = reader.string(kMaxStringBytes);
  if (string_kind_ == StringKind::none) reader.fail();
}

}  // namespace rexec::terminal
