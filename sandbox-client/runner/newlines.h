// Counting '\n', the one thing that is done to every byte of output; compiled with -O3 for vector code.
#pragma once

#include <cstdint>
#include <string_view>

namespace rexec::runner {

std::uint64_t count_newlines(std::string_view bytes);

}  // namespace rexec::runner
