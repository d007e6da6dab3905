#include "tools/support/secret_patterns.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tools/support/pattern_search.h"

namespace rexec::tools {
namespace {

constexpr std::string_view kPemFrame = "-----";

std::string numbered(const char* format, unsigned number) {
  char text[16];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

/// UTF-16 units of the character that valid UTF-8 `text` starts with, as \u escapes; its length in bytes.
std::pair<std::string, std::size_t> unicode_escape(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  std::uint32_t point = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  if (point < 0x10000) return {numbered("\\u%04x", point), size};
  point -= 0x10000;
  return {numbered("\\u%04x", 0xD800 + (point >> 10)) + numbered("\\u%04x", 0xDC00 + (point & 0x3FFU)), size};
}

struct EscapeStyle {
  std::string_view marked;  // characters that get a backslash
  const char* control;      // printf format of other control characters
  bool unicode = false;     // \u for everything beyond ASCII
};

std::string escape(std::string_view value, const EscapeStyle& style) {
  std::string result;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view kNamed = "\b\f\n\r\t";
    constexpr std::string_view kLetters = "bfnrt";
    if (const std::size_t named = kNamed.find(c); named != std::string_view::npos) {
      result += '\\';
      result += kLetters[named];
    } else if (style.marked.find(c) != std::string_view::npos) {
      result += '\\';
      result += c;
    } else if (byte < ' ') {
      result += numbered(style.control, byte);
    } else if (style.unicode && byte >= 0x80) {
      const auto [escaped, size] = unicode_escape(value.substr(i));
      result += escaped;
      i += size - 1;
    } else {
      result += c;
    }
  }
  return result;
}

std::string replaced(std::string_view value, char from, std::string_view to) {
  std::string result;
  for (const char c : value) {
    if (c == from) {
      result += to;
    } else {
      result += c;
    }
  }
  return result;
}

std::string with_plain_line_ends(std::string_view value) {
  std::string result;
  for (std::size_t i = 0; i < value.size(); ++i)
    if (!value.substr(i).starts_with("\r\n")) result += value[i];
  return result;
}

/// As printf %q of bash does it.
std::string shell_escape(std::string_view value) {
  constexpr std::string_view kPlain = "@%+=:,./-_";
  std::string result;
  for (const char c : value) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       static_cast<unsigned char>(c) >= 0x80 || kPlain.find(c) != std::string_view::npos;
    if (!plain) result += '\\';
    result += c;
  }
  return result;
}

void add_base64(std::string_view value, std::vector<std::string>& patterns) {
  for (std::size_t before = 0; before < 3; ++before) {
    const std::string bytes = std::string(before, '\0') + std::string(value);
    const std::size_t first = (before * 8 + 5) / 6;
    const std::size_t end = bytes.size() * 8 / 6;
    for (const std::string& digits : {base64_encode(bytes), base64url_encode(bytes)}) {
      patterns.push_back(digits.substr(first, end - first));
    }
  }
}

void add_forms(std::string_view value, std::vector<std::string>& patterns) {
  patterns.emplace_back(value);
  patterns.push_back(escape(value, {"\"\\", "\\u%04x"}));
  patterns.push_back(escape(value, {"\"\\/", "\\u%04x"}));
  if (is_valid_utf8(value)) patterns.push_back(escape(value, {"\"\\", "\\u%04x", true}));
  patterns.push_back(escape(value, {"\\", "\\x%02x"}));
  patterns.push_back(escape(value, {"'\\", "\\x%02x"}));
  patterns.push_back(shell_escape(value));
  patterns.push_back(replaced(value, '\'', "'\\''"));
  patterns.push_back(replaced(value, ' ', "+"));
  add_base64(value, patterns);
}

}  // namespace

std::vector<std::string> secret_patterns(std::string_view value) {
  std::vector<std::string> patterns;
  add_forms(value, patterns);
  if (std::string lines = with_plain_line_ends(value); lines != value) patterns.push_back(std::move(lines));
  for (std::size_t at = value.find('\n') == value.npos ? value.size() : 0; at < value.size();) {
    const std::size_t end = std::min(value.find('\n', at), value.size());
    std::string_view line = value.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() >= kMinPatternBytes && !line.starts_with(kPemFrame)) add_forms(line, patterns);
    at = end + 1;
  }
  std::erase_if(patterns, [](const std::string& pattern) { return pattern.size() < kMinPatternBytes; });
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  return patterns;
}

}  // namespace rexec::tools
