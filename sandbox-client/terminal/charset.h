// Character sets G0 to G3 (ECMA-35, DEC STD 070): ASCII, DEC special graphics (line drawing) and the British
// one. Others that a program designates count as ASCII, which is what all of them are for letters and digits.
#pragma once

#include <array>
#include <cstdint>

namespace rexec::terminal {

enum class Charset : std::uint8_t { ascii, special_graphics, british };
inline constexpr std::uint8_t kLastCharset = 2;

struct Charsets {
  std::array<Charset, 4> designated = {Charset::ascii, Charset::ascii, Charset::ascii, Charset::ascii};
  std::uint8_t left = 0;    // which of them the bytes 0x20 to 0x7F mean
  std::uint8_t single = 0;  // 2 or 3 for the next character only, or 0 (SS2, SS3)

  bool is_plain() const { return single == 0 && designated[left] == Charset::ascii; }
  bool operator==(const Charsets&) const = default;
};

/// The set that the final byte of a designating sequence names.
Charset charset_named(char final);

/// What an ASCII character stands for in a set.
char32_t translate(Charset set, char32_t character);

}  // namespace rexec::terminal
