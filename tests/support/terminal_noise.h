// Random bytes that look like a program's output, for properties of the screen model.
#pragma once

#include <random>
#include <string>
#include <string_view>

namespace rexec::test {

inline std::string terminal_noise(std::mt19937& random, int length) {
  static constexpr std::string_view kParts[] = {"a",
                                                "text ",
                                                "\xC3\xA9",
                                                "\xE6\xBC\xA2",
                                                "\xF0\x9F\x98\x80",
                                                "\xCC\x81",
                                                "\xE2\x80\x8D",
                                                "\r",
                                                "\n",
                                                "\r\n",
                                                "\t",
                                                "\b",
                                                "\x0E",
                                                "\x0F",
                                                "\x1B[",
                                                "\x1B]",
                                                "\x1BP",
                                                "\x1B\\",
                                                "\a",
                                                "\x18",
                                                "\x1B"
                                                "7",
                                                "\x1B"
                                                "8",
                                                "\x1B"
                                                "D",
                                                "\x1BM",
                                                "\x1B"
                                                "E",
                                                "\x1BH",
                                                "\x1B"
                                                "c",
                                                "\x1B#8",
                                                "\x1B(0",
                                                "\x1B(B",
                                                "\x1B)0",
                                                "\x1BN",
                                                "?",
                                                ";",
                                                ":",
                                                "0",
                                                "1",
                                                "2",
                                                "3",
                                                "7",
                                                "25",
                                                "38",
                                                "48",
                                                "65535",
                                                "m",
                                                "H",
                                                "J",
                                                "K",
                                                "L",
                                                "M",
                                                "P",
                                                "@",
                                                "X",
                                                "S",
                                                "T",
                                                "r",
                                                "h",
                                                "l",
                                                "b",
                                                "A",
                                                "B",
                                                "C",
                                                "D",
                                                "d",
                                                "G",
                                                "n",
                                                "c",
                                                "\x1B[2;4r",
                                                "\x1B[?6h",
                                                "\x1B[?1049h",
                                                "\x1B[?1049l",
                                                "\x1B[?47h",
                                                "\x1B[?7l",
                                                "\x1B[4h",
                                                "\x1B[38:2::1:2:3m",
                                                "\x1B[31;4:3m",
                                                "\x1B[m",
                                                "\x1B[6n",
                                                "\x1B]2;title\a",
                                                "\x1B[22t",
                                                "\x1B[23t",
                                                "\x80",
                                                "\xFF",
                                                "\xE2\x82",
                                                "\x1BP$qm\x1B\\",
                                                "\x1B[5;5H",
                                                "\x1B[2J",
                                                "\x1B[44m",
                                                "\x1B[99C"};
  std::uniform_int_distribution<std::size_t> part(0, std::size(kParts) - 1);
  std::string noise;
  for (int i = 0; i < length; ++i) noise += kParts[part(random)];
  return noise;
}

}  // namespace rexec::test
