// Time and cancellation as values. Every blocking call takes an Op; nothing takes a raw time-out.
#pragma once

#include <chrono>
#include <stop_token>

namespace rexec {

using SteadyTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// Source of monotonic time, so that tests decide what time it is. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;
  /// Milliseconds since the Unix epoch, for time stamps that people and models see.
  virtual std::int64_t unix_ms() const = 0;
};

/// The machine's clock. Never destroyed.
const Clock& system_clock();

/// A point in time after which waiting is pointless; may be infinite.
class Deadline {
 public:
  static Deadline infinite() { return Deadline(SteadyTime::max()); }
  static Deadline at(SteadyTime time) { return Deadline(time); }
  static Deadline after(Duration duration) { return Deadline(std::chrono::steady_clock::now() + duration); }

  bool is_infinite() const { return time_ == SteadyTime::max(); }
  bool passed() const { return !is_infinite() && std::chrono::steady_clock::now() >= time_; }
  SteadyTime time() const { return time_; }
  /// Time left, never negative; Duration::max() when infinite.
  Duration left() const;
  /// Time left for poll(2) and epoll_wait(2): rounded up, -1 when infinite, clipped to INT_MAX.
  int poll_ms() const;
  Deadline sooner(Deadline other) const { return time_ <= other.time_ ? *this : other; }

 private:
  explicit Deadline(SteadyTime time) : time_(time) {}
  SteadyTime time_;
};

/// What travels with every call that may block or take long. The stop token fires on cancellation by the
/// caller, on its deadline, and on shutdown; a default Op never stops.
struct Op {
  std::stop_token stop;
  Deadline deadline = Deadline::infinite();
};

}  // namespace rexec
