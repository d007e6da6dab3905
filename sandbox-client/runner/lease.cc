#include "sandbox-client/runner/lease.h"

#include <algorithm>

namespace rexec::runner {

void Lease::set(std::uint64_t idle_ms, std::int64_t expires_unix_ms) {
  idle_ms_ = idle_ms;
  expires_unix_ms_ = expires_unix_ms;
  used();
  loop_.cancel(timer_);
  look();
}

// Use moves the end of the lease later, which the timer finds out.
void Lease::look() {
  timer_ = {};
  std::uint64_t step_ms = kMaxStepMs;
  if (expires_unix_ms_ != 0) {
    const std::int64_t left = expires_unix_ms_ - unix_ms();
    if (left <= 0) return over_();
    step_ms = std::min(step_ms, static_cast<std::uint64_t>(left));
  }
  if (idle_ms_ != 0) {
    const std::uint64_t unused_ms = in_use_() ? 0 : (monotonic_us() - last_use_us_) / 1000;
    if (unused_ms >= idle_ms_) return over_();
    step_ms = std::min(step_ms, idle_ms_ - unused_ms);
  }
  if (expires_unix_ms_ != 0 || idle_ms_ != 0) timer_ = loop_.after_ms(step_ms, [this] { look(); });
}

}  // namespace rexec::runner
