#include "base/deadline.h"

#include <climits>

namespace rexec {
namespace {

class SystemClock final : public Clock {
 public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  std::int64_t unix_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

Duration Deadline::left() const {
  if (is_infinite()) return Duration::max();
  const auto left = time_ - std::chrono::steady_clock::now();
  return left > Duration::zero() ? std::chrono::duration_cast<Duration>(left) : Duration::zero();
}

int Deadline::poll_ms() const {
  if (is_infinite()) return -1;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
  return ms > INT_MAX ? INT_MAX : static_cast<int>(ms);
}

}  // namespace rexec
