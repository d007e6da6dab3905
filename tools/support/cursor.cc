#include "tools/support/cursor.h"

#include <charconv>

namespace rexec::tools {
namespace {

constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 62;

}  // namespace

std::string Cursor::text() const {
  return std::to_string(offset[0]) + "." + std::to_string(offset[1]);
}

std::optional<Cursor> Cursor::parse(std::string_view text) {
  Cursor cursor;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < 2; ++i) {
    if (i == 1 && (at == end || *at++ != '.')) return std::nullopt;
    const auto parsed = std::from_chars(at, end, cursor.offset[i]);
    if (parsed.ec != std::errc() || cursor.offset[i] > kMaxOffset) return std::nullopt;
    at = parsed.ptr;
  }
  if (at != end) return std::nullopt;
  return cursor;
}

}  // namespace rexec::tools
