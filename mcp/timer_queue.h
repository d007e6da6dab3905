// Deadlines of waits that hold no thread: one thread for all of them, started with the first.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <thread>

#include "base/deadline.h"
#include "base/thread_annotations.h"

namespace rexec::mcp {

class TimerQueue {
 public:
  using Callback = std::function<void()>;

  TimerQueue() = default;
  ~TimerQueue() { stop(); }
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  /// Runs `callback` on the timer thread at `time`; it must not block. Dropped after stop().
  std::uint64_t at(SteadyTime time, Callback callback);
  /// The callback does not run after this, unless it is running already.
  void cancel(std::uint64_t id);
  /// Joins the thread; pending callbacks are dropped. Idempotent; not to be called from a callback.
  void stop();

 private:
  void run();

  Mutex mutex_;
  CondVar wake_;
  std::map<std::pair<SteadyTime, std::uint64_t>, Callback> timers_ REXEC_GUARDED_BY(mutex_);
  std::map<std::uint64_t, SteadyTime> times_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t next_id_ REXEC_GUARDED_BY(mutex_) = 1;
  bool stopping_ REXEC_GUARDED_BY(mutex_) = false;
  std::thread thread_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::mcp
