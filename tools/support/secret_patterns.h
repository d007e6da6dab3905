// The forms in which programs commonly print a value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rexec::tools {

/// Byte strings, each of at least 8 bytes, that give `value` away: as it is; escaped as in JSON (RFC 8259,
/// also with "\/" and with \u for what is not ASCII), in C-like literals and by shells; with + for spaces; in
/// base64 (RFC 4648, both alphabets) at each of the three positions, as far as the value alone decides the
/// digits; with "\n" for "\r\n". Of a value of several lines also each line, except the frame of a PEM file.
/// Without percent-encoding, which is undone before the search.
std::vector<std::string> secret_patterns(std::string_view value);

}  // namespace rexec::tools
