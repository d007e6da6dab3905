// UTF-8 (RFC 3629) at the byte level: checking, repairing and finding character boundaries. No locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rexec {

bool is_valid_utf8(std::string_view bytes);

/// `bytes` with every maximal ill-formed part replaced by U+FFFD (Unicode 15, section 3.9, "substitution of
/// maximal subparts"); valid input is returned unchanged.
std::string to_valid_utf8(std::string_view bytes);

/// Number of characters (code points); every byte that starts an ill-formed part counts as one.
std::size_t utf8_length(std::string_view bytes);

/// The longest prefix of `text` (the longest suffix) that has at most `max_chars` characters, cut at a
/// character boundary. `text` is valid UTF-8.
std::string_view utf8_prefix(std::string_view text, std::size_t max_chars);
std::string_view utf8_suffix(std::string_view text, std::size_t max_chars);

/// Length of an incomplete but so far valid sequence at the end of `bytes` (0 to 3): the bytes to hold back
/// when a stream is cut at an arbitrary place.
std::size_t utf8_incomplete_tail(std::string_view bytes);

/// Number of continuation bytes (0 to 3) at the start of `bytes`, i.e. of a character that began before.
std::size_t utf8_continuation_head(std::string_view bytes);

}  // namespace rexec
