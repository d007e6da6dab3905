// The difference of two texts in unified format (POSIX diff -u), with "\ No newline at end of file" where it
// applies. Texts are bytes; lines end with '\n'. Pure: no I/O, no state.
//
// The shortest script is looked for (E. W. Myers, "An O(ND) difference algorithm and its variations", 1986,
// the variation in linear space) with a bound on the work; where the bound is hit, what is left is said to be
// replaced as a whole: longer than needed, and still right.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rexec::runner {

struct DiffLimits {
  std::size_t context = 3;        // unchanged lines around a change
  std::size_t work = 4 << 20;     // comparisons
  std::size_t lines = 256 << 10;  // of both texts between the first and the last change; else one replacement
  std::size_t text_bytes = 1 << 20;  // of the result
};

struct UnifiedDiff {
  std::string text;  // empty when the texts are equal
  bool cut = false;  // text would have been longer; it ends with a whole line
};

/// `path` is absolute; it stands behind a and b, as git has it, so `patch -p1 -d /` takes the result.
UnifiedDiff unified_diff(std::string_view before, std::string_view after, std::string_view path,
                         const DiffLimits& limits = {});

}  // namespace rexec::runner
