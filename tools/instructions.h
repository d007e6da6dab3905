// What a client tells its model about this server before the first call.
#pragma once

#include <cstddef>
#include <string>

#include "tools/services.h"

namespace rexec::tools {

inline constexpr std::size_t kMaxInstructions = 2048;  // bytes; clients cut what is longer

/// Under kMaxInstructions for every configuration.
std::string instructions(const Services& services);

}  // namespace rexec::tools
