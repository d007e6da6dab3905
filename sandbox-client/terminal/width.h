// How many columns a character takes.
//
// The data are generated from the Unicode character database by scripts/generate-width-table. The rules are
// those of glibc's wcwidth in a UTF-8 locale, which tmux and most programs in a sandbox measure with: what
// counts is that a program and its terminal agree. East Asian Wide and Fullwidth take two columns (and
// hexagrams and circled numbers on black squares, although they are Neutral); marks, format characters and
// medial and final Hangul jamo none.
#pragma once

#include <span>
#include <string_view>

namespace rexec::terminal {

/// 2, 1, 0 for a character that combines with the one before, and -1 for one that is not to be shown at all:
/// controls, and the line and paragraph separators.
int char_width(char32_t character);

/// The generated table: sorted ranges of what is not one column wide.
struct WidthRange {
  char32_t first;
  char32_t last;
};
std::span<const WidthRange> wide_ranges();
std::span<const WidthRange> zero_width_ranges();
/// The version of Unicode that the table was made of.
std::string_view width_unicode_version();

}  // namespace rexec::terminal
