// Waiting in tests: for a condition with a limit, never for a length of time.
#pragma once

#include <poll.h>

#include <chrono>

namespace rexec::test {

inline constexpr std::chrono::milliseconds kEventuallyLimit{10'000};

/// True as soon as `condition()` is; false when it still is not after `limit`. The condition is asked on the
/// calling thread, at once and then every few milliseconds, and once more after the limit.
template <class Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = kEventuallyLimit) {
  constexpr int kStepMs = 5;
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    ::poll(nullptr, 0, kStepMs);
  }
  return true;
}

}  // namespace rexec::test
