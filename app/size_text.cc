#include "app/size_text.h"

#include <array>
#include <cmath>
#include <string_view>

namespace rexec::app {

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr std::array<std::string_view, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::string text = std::to_string(std::llround(value * 10));
  text.insert(text.size() - 1, ".");
  return text + " " + std::string(kUnits[unit]);
}

}  // namespace rexec::app
