// Lengths and points of time as texts.
#pragma once

#include <cstdint>
#include <string>

#include "base/deadline.h"

namespace rexec::tools {

/// "3 ms", "1.2 s", "45 s", "3.5 h": short, rounded, never negative.
std::string describe(Duration duration);
std::int64_t milliseconds(Duration duration);
/// ISO 8601 in UTC with milliseconds: "2023-11-14T22:13:20.000Z".
std::string iso_time(std::int64_t unix_ms);

}  // namespace rexec::tools
