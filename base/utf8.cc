#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace rexec {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Part {
  std::size_t length = 1;
  bool valid = false;
  bool incomplete = false;  // well-formed as far as it goes, then the input ends
};

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

bool is_continuation(std::uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

// The well-formed sequence or the maximal ill-formed subpart at `at` (Unicode 15, table 3-7).
Part part_at(std::string_view bytes, std::size_t at) {
  const std::uint8_t lead = byte_at(bytes, at);
  if (lead < 0x80) return {1, true, false};
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i == bytes.size()) return {i, false, true};
    const std::uint8_t byte = byte_at(bytes, at + i);
    if (byte < low || byte > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, false};
}

bool eight_ascii(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & 0x8080808080808080U) == 0;
}

// Length of the run of ASCII at `at`, or of most of it.
std::size_t ascii_run(std::string_view bytes, std::size_t at) {
  const std::size_t start = at;
  while (bytes.size() - at >= 8 && eight_ascii(bytes.data() + at)) at += 8;
  return at - start;
}

// Offset of the first ill-formed part at or after `at`, or the size.
std::size_t first_invalid(std::string_view bytes, std::size_t at) {
  while (at < bytes.size()) {
    at += ascii_run(bytes, at);
    if (at == bytes.size()) break;
    const Part part = part_at(bytes, at);
    if (!part.valid) return at;
    at += part.length;
  }
  return at;
}

}  // namespace

bool is_valid_utf8(std::string_view bytes) {
  return first_invalid(bytes, 0) == bytes.size();
}

std::string to_valid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t end = first_invalid(bytes, at);
    text.append(bytes.substr(at, end - at));
    at = end;
    if (at < bytes.size()) {
      text.append(kReplacement);
      at += part_at(bytes, at).length;
    }
  }
  return text;
}

std::size_t utf8_length(std::string_view bytes) {
  std::size_t count = 0;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t run = ascii_run(bytes, at);
    count += run;
    at += run;
    if (at == bytes.size()) break;
    at += part_at(bytes, at).length;
    ++count;
  }
  return count;
}

std::string_view utf8_prefix(std::string_view text, std::size_t max_chars) {
  if (max_chars >= text.size()) return text;
  std::size_t at = 0;
  while (at < text.size() && max_chars > 0) {
    if (max_chars >= 8 && text.size() - at >= 8 && eight_ascii(text.data() + at)) {
      at += 8;
      max_chars -= 8;
    } else {
      at += part_at(text, at).length;
      --max_chars;
    }
  }
  return text.substr(0, at);
}

std::string_view utf8_suffix(std::string_view text, std::size_t max_chars) {
  if (max_chars >= text.size()) return text;
  std::size_t at = text.size();
  while (at > 0 && max_chars > 0) {
    if (max_chars >= 8 && at >= 8 && eight_ascii(text.data() + at - 8)) {
      at -= 8;
      max_chars -= 8;
    } else {
      --at;
      while (at > 0 && is_continuation(byte_at(text, at))) --at;
      --max_chars;
    }
  }
  return text.substr(at);
}

std::size_t utf8_incomplete_tail(std::string_view bytes) {
  for (std::size_t length = bytes.size() < 3 ? bytes.size() : 3; length > 0; --length) {
    const Part part = part_at(bytes, bytes.size() - length);
    if (part.incomplete && part.length == length) return length;
  }
  return 0;
}

std::size_t utf8_continuation_head(std::string_view bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && count < 3 && is_continuation(byte_at(bytes, count))) ++count;
  return count;
}

}  // namespace rexec
