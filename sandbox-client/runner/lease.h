// How long a runner that outlives its clients goes on.
//
// Two bounds, each may be absent: a time without use, and a point in time. Use is any request but hello, ping
// and cancel, a request that is not answered yet, and a command or a terminal's program that runs; a
// connection alone is none, or a server that nobody talks to would keep its sandboxes for ever. The point in
// time is wall-clock time, since it is what people were told and must mean the same to every server; it ends
// what still runs.
#pragma once

#include <cstdint>
#include <functional>

#include "sandbox-client/runner/loop.h"

namespace rexec::runner {

class Lease {
 public:
  /// Between looks at the wall clock, which may be set, and goes on while the machine sleeps.
  static constexpr std::uint64_t kMaxStepMs = 60000;

  /// `in_use` tells whether something runs or is being asked; `over` is called once.
  Lease(Loop& loop, std::function<bool()> in_use, std::function<void()> over)
      : loop_(loop), in_use_(std::move(in_use)), over_(std::move(over)) {}
  ~Lease() { loop_.cancel(timer_); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  /// Zero: no such bound. Counts as use.
  void set(std::uint64_t idle_ms, std::int64_t expires_unix_ms);
  void used() { last_use_us_ = monotonic_us(); }

 private:
  void look();

  Loop& loop_;
  const std::function<bool()> in_use_;
  const std::function<void()> over_;
  std::uint64_t idle_ms_ = 0;
  std::int64_t expires_unix_ms_ = 0;
  std::uint64_t last_use_us_ = 0;
  TimerId timer_;
};

}  // namespace rexec::runner
