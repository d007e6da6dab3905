// Text whose lines tell their own numbers.
#pragma once

#include <string>

namespace rexec::test {

/// "line 1\n" and so on, `count` lines.
inline std::string numbered_lines(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

}  // namespace rexec::test
