#include "sandbox-client/runner/newlines.h"

#include <cstddef>

namespace rexec::runner {

std::uint64_t count_newlines(std::string_view bytes) {
  constexpr std::size_t kLanes = 64;
  constexpr std::size_t kRounds = 255;  // what an 8-bit counter holds
  const char* data = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t total = 0;
  while (left >= kLanes) {
    const std::size_t rounds = left / kLanes < kRounds ? left / kLanes : kRounds;
    unsigned char lanes[kLanes] = {};
    for (std::size_t round = 0; round < rounds; ++round, data += kLanes)
      for (std::size_t i = 0; i < kLanes; ++i)
        lanes[i] = static_cast<unsigned char>(lanes[i] + (data[i] == '\n' ? 1 : 0));
    for (const unsigned char lane : lanes) total += lane;
    left -= rounds * kLanes;
  }
  for (std::size_t i = 0; i < left; ++i) total += data[i] == '\n' ? 1 : 0;
  return total;
}

}  // namespace rexec::runner
