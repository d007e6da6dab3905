// Numbers of bytes, for people.
#pragma once

#include <cstdint>
#include <string>

namespace rexec::app {

/// "1.5 MiB": one decimal, in the largest unit up to TiB of which there is at least one; "17 B" below that.
std::string size_text(std::uint64_t bytes);

}  // namespace rexec::app
