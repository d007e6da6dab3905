#include "sandbox-client/terminal/width.h"

#include <algorithm>

namespace rexec::terminal {
namespace {

bool contains(const WidthRange* ranges, std::size_t count, char32_t character) {
  const WidthRange* end = ranges + count;
  const WidthRange* found = std::upper_bound(
      ranges, end, character, [](char32_t value, const WidthRange& range) { return value < range.first; });
  return found != ranges && character <= (found - 1)->last;
}

}  // namespace

int char_width(char32_t character) {
  if (character < 0x20 || (character >= 0x7F && character < 0xA0)) return -1;
  if (character < 0x300) return 1;
  if (character == 0x2028 || character == 0x2029) return -1;
  if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) return -1;
  if (contains(kZeroWidthRanges, kZeroWidthRangeCount, character)) return 0;
  return contains(kWideRanges, kWideRangeCount, character) ? 2 : 1;
}

}  // namespace rexec::terminal
