// Where reading a process goes on: one offset for each stream, as the opaque text that callers pass back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rexec::tools {

struct Cursor {
  std::array<std::uint64_t, 2> offset{};  // stdout, stderr

  /// "120.0"; what parse accepts, and nothing else: two decimal numbers.
  std::string text() const;
  static std::optional<Cursor> parse(std::string_view text);
};

}  // namespace rexec::tools
