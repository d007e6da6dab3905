#include "mcp/timer_queue.h"

#include <utility>

namespace rexec::mcp {

std::uint64_t TimerQueue::at(SteadyTime time, Callback callback) {
  MutexLock lock(mutex_);
  if (stopping_) return 0;
  const auto id = next_id_++;
  timers_.emplace(std::pair(time, id), std::move(callback));
  times_.emplace(id, time);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  wake_.notify_one();
  return id;
}

void TimerQueue::cancel(std::uint64_t id) {
  Callback discarded;
  MutexLock lock(mutex_);
  const auto found = times_.find(id);
  if (found == times_.end()) return;
  const auto timer = timers_.find({found->second, id});
  discarded = std::move(timer->second);
  timers_.erase(timer);
  times_.erase(found);
}

void TimerQueue::stop() {
  std::thread thread;
  std::map<std::pair<SteadyTime, std::uint64_t>, Callback> discarded;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    thread.swap(thread_);
    discarded.swap(timers_);
    times_.clear();
    wake_.notify_one();
  }
  if (thread.joinable()) thread.join();
}

void TimerQueue::run() {
  for (;;) {
    Callback due;
    {
      MutexLock lock(mutex_);
      while (!stopping_) {
        if (timers_.empty()) {
          wake_.wait(lock);
          continue;
        }
        const auto first = timers_.begin();
        const auto [time, id] = first->first;
        if (time <= std::chrono::steady_clock::now()) {
          due = std::move(first->second);
          timers_.erase(first);
          times_.erase(id);
          break;
        }
        wake_.wait_until(lock, time);
      }
      if (stopping_) return;
    }
    due();
  }
}

}  // namespace rexec::mcp
