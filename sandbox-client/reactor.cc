#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/thread_annotations.h"
#include "sandbox-client/channel.h"

namespace rexec::sandbox {
namespace {

constexpr int kEventsAtOnce = 64;

class EpollReactor final : public Reactor {
 public:
  EpollReactor()
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = key(wake_fd_.get(), 0);
    if (!epoll_.valid() || !wake_fd_.valid() ||
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd_.get(), &event) != 0) {
      log(LogLevel::error, "reactor", "no descriptors left for the I/O thread");
      std::abort();
    }
  }

  ~EpollReactor() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
      wake();
    }
    assert(!on_thread());
    if (thread_.joinable()) thread_.join();
  }

  void post(Task task) override {
    const MutexLock lock(mutex_);
    ensure_running();
    tasks_.push_back(std::move(task));
    wake();
  }

  TimerId at(SteadyTime when, Task task) override {
    const MutexLock lock(mutex_);
    ensure_running();
    const TimerId id = ++last_timer_;
    timers_.emplace(id, std::move(task));
    heap_.push_back({when, id});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
    if (polling_ && when < sleeping_until_) wake();
    return id;
  }

  bool cancel(TimerId id) override {
    Task dropped;
    const MutexLock lock(mutex_);
    const auto found = timers_.find(id);
    if (found == timers_.end()) return false;
    dropped = std::move(found->second);
    timers_.erase(found);
    // Entries of cancelled timers stay until their time comes: so the earliest one rarely changes, and a new
    // timer rarely has to wake the thread.
    if (heap_.size() > 2 * timers_.size() + kSlack) {
      std::erase_if(heap_,
                    [this](const Due& due) REXEC_REQUIRES(mutex_) { return timers_.count(due.id) == 0; });
      std::make_heap(heap_.begin(), heap_.end(), Later{});
    }
    return true;
  }

  void watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) override {
    assert(on_thread());
    const std::uint32_t generation = ++last_generation_;
    epoll_event event{};
    event.events = events;
    event.data.u64 = key(fd, generation);
    watches_[fd] = Watch{generation, std::make_shared<std::function<void(std::uint32_t)>>(std::move(ready))};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
      post([this, fd, generation] { dispatch(key(fd, generation), EPOLLERR | EPOLLHUP); });
  }

  void modify(int fd, std::uint32_t events) override {
    assert(on_thread());
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    epoll_event event{};
    event.events = events;
    event.data.u64 = key(fd, found->second.generation);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
  }

  void unwatch(int fd) override {
    assert(on_thread());
    if (watches_.erase(fd) != 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }

  bool on_thread() const override { return thread_id_.load() == std::this_thread::get_id(); }

 private:
  struct Watch {
    std::uint32_t generation = 0;
    std::shared_ptr<std::function<void(std::uint32_t)>> ready;
  };
  struct Due {
    SteadyTime when;
    TimerId id;
  };
  struct Later {
    bool operator()(const Due& a, const Due& b) const {
      return a.when != b.when ? a.when > b.when : a.id > b.id;
    }
  };
  static constexpr std::size_t kSlack = 64;

  // A descriptor number is used again at once, so an event is matched by number and generation.
  static std::uint64_t key(int fd, std::uint32_t generation) {
    return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
  }

  void ensure_running() REXEC_REQUIRES(mutex_) {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }

  void wake() REXEC_REQUIRES(mutex_) {
    if (!polling_ || wake_pending_) return;
    wake_pending_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_fd_.get(), &one, sizeof one);
  }

  void run() {
    thread_id_.store(std::this_thread::get_id());
    std::array<epoll_event, kEventsAtOnce> events{};
    for (;;) {
      run_tasks();
      run_timers();
      int timeout_ms = 0;
      std::unordered_map<TimerId, Task> dropped;
      {
        const MutexLock lock(mutex_);
        if (stopping_ && tasks_.empty()) {
          dropped.swap(timers_);
          return;
        }
        if (tasks_.empty()) {
          sleeping_until_ = heap_.empty() ? SteadyTime::max() : heap_.front().when;
          timeout_ms = Deadline::at(sleeping_until_).poll_ms();
          polling_ = true;
        }
      }
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, timeout_ms);
      {
        const MutexLock lock(mutex_);
        polling_ = false;
      }
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        dispatch(event.data.u64, event.events);
      }
    }
  }

  void dispatch(std::uint64_t event_key, std::uint32_t events) {
    const int fd = static_cast<int>(event_key & 0xffffffff);
    const auto generation = static_cast<std::uint32_t>(event_key >> 32);
    if (generation == 0) return drain_wakes();
    const auto found = watches_.find(fd);
    if (found == watches_.end() || found->second.generation != generation) return;
    const auto ready = found->second.ready;  // it may unwatch itself
    (*ready)(events);
  }

  void drain_wakes() {
    const MutexLock lock(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_fd_.get(), &count, sizeof count);
    wake_pending_ = false;
  }

  void run_tasks() {
    {
      const MutexLock lock(mutex_);
      running_tasks_.swap(tasks_);
    }
    for (Task& task : running_tasks_) {
      task();
      task = nullptr;  // what it held goes before the next one runs
    }
    running_tasks_.clear();
  }

  void run_timers() {
    const SteadyTime now = std::chrono::steady_clock::now();
    for (;;) {
      Task task;
      {
        const MutexLock lock(mutex_);
        if (stopping_ || heap_.empty() || heap_.front().when > now) return;
        const auto found = timers_.find(heap_.front().id);
        std::pop_heap(heap_.begin(), heap_.end(), Later{});
        heap_.pop_back();
        if (found == timers_.end()) continue;
        task = std::move(found->second);
        timers_.erase(found);
      }
      task();
    }
  }

  const UniqueFd epoll_;
  const UniqueFd wake_fd_;
  std::atomic<std::thread::id> thread_id_{};

  // The thread's own.
  std::unordered_map<int, Watch> watches_;
  std::uint32_t last_generation_ = 0;
  std::vector<Task> running_tasks_;

  Mutex mutex_;
  std::vector<Task> tasks_ REXEC_GUARDED_BY(mutex_);
  std::unordered_map<TimerId, Task> timers_ REXEC_GUARDED_BY(mutex_);
  std::vector<Due> heap_ REXEC_GUARDED_BY(mutex_);
  TimerId last_timer_ REXEC_GUARDED_BY(mutex_) = 0;
  SteadyTime sleeping_until_ REXEC_GUARDED_BY(mutex_) = SteadyTime::min();
  bool polling_ REXEC_GUARDED_BY(mutex_) = false;  // in epoll_wait, or about to be: look at nothing new
  bool wake_pending_ REXEC_GUARDED_BY(mutex_) = false;
  bool stopping_ REXEC_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // started under mutex_, joined by the destructor
};

}  // namespace

std::unique_ptr<Reactor> make_reactor() {
  return std::make_unique<EpollReactor>();
}

}  // namespace rexec::sandbox
