// Searching bytes and counting lines, in linear time whatever is sought (std::string_view::find may take the
// product of both lengths).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace rexec::runner {

inline constexpr std::size_t kMaxPlaces = 10;  // that a message lists

/// Where `sought` (not empty) begins at or after `from`; npos when nowhere.
inline std::size_t find_bytes(std::string_view text, std::string_view sought, std::size_t from = 0) {
  if (from >= text.size()) return std::string_view::npos;
  const void* found = ::memmem(text.data() + from, text.size() - from, sought.data(), sought.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

inline std::size_t count_newlines(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// 1-based number of the line that the byte at `offset` belongs to.
inline std::size_t line_number(std::string_view text, std::size_t offset) {
  return count_newlines(text.substr(0, offset)) + 1;
}

/// Line numbers as a message lists them: "3, 7, 12".
inline std::string join_numbers(const auto& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

}  // namespace rexec::runner
