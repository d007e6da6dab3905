#include "tools/support/durations.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace rexec::tools {

std::string describe(Duration duration) {
  const double seconds = std::max(0.0, std::chrono::duration<double>(duration).count());
  char text[32];
  if (seconds < 0.0995) {
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1e3);
  } else if (seconds < 9.95) {
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  } else if (seconds < 7200) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else {
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  }
  return text;
}

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string iso_time(std::int64_t unix_ms) {
  constexpr std::int64_t kYear9999 = 253'402'300'799'999;
  unix_ms = std::clamp<std::int64_t>(unix_ms, 0, kYear9999);
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(unix_ms % 1000));
  return text;
}

}  // namespace rexec::tools
