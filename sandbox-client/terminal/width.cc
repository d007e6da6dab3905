#include "sandbox-client/terminal/width.h"

#include <algorithm>
#include <iterator>

namespace rexec::terminal {
namespace {

bool contains(std::span<const WidthRange> ranges, char32_t character) {
  const auto behind = [](char32_t value, const WidthRange& range) { return value < range.first; };
  const auto found = std::upper_bound(ranges.begin(), ranges.end(), character, behind);
  return found != ranges.begin() && character <= std::prev(found)->last;
}

}  // namespace

int char_width(char32_t character) {
  if (character < 0x20 || (character >= 0x7F && character < 0xA0)) return -1;
  if (character < 0x300) return 1;
  if (character == 0x2028 || character == 0x2029) return -1;
  if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) return -1;
  if (contains(zero_width_ranges(), character)) return 0;
  return contains(wide_ranges(), character) ? 2 : 1;
}

}  // namespace rexec::terminal
