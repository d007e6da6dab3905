#include "sandbox-client/terminal/charset.h"

#include <cstddef>

namespace rexec::terminal {
namespace {

// From '_' to '~'.
constexpr std::array<char32_t, 32> kSpecialGraphics = {
    0x00A0, 0x25C6, 0x2592, 0x2409, 0x240C, 0x240D, 0x240A, 0x00B0, 0x00B1, 0x2424, 0x240B,
    0x2518, 0x2510, 0x250C, 0x2514, 0x253C, 0x23BA, 0x23BB, 0x2500, 0x23BC, 0x23BD, 0x251C,
    0x2524, 0x2534, 0x252C, 0x2502, 0x2264, 0x2265, 0x03C0, 0x2260, 0x00A3, 0x00B7};

}  // namespace

Charset charset_named(char final) {
  if (final == '0' || final == '2') return Charset::special_graphics;
  return final == 'A' ? Charset::british : Charset::ascii;
}

char32_t translate(Charset set, char32_t character) {
  if (set == Charset::british && character == '#') return 0x00A3;
  if (set == Charset::special_graphics && character >= '_' && character <= '~')
    return kSpecialGraphics[static_cast<std::size_t>(character - '_')];
  return character;
}

}  // namespace rexec::terminal
