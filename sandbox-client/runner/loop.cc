#include "sandbox-client/runner/loop.h"

#include <sys/epoll.h>
#include <time.h>

#include <algorithm>
#include <climits>

namespace rexec::runner {
namespace {

constexpr int kEventsPerTurn = 64;
constexpr std::uint64_t kFarAway = std::uint64_t{1} << 61;  // µs; keeps sums of times from overflowing

std::uint64_t entry_key(int fd, std::uint32_t generation) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(fd);
}

}  // namespace

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

std::int64_t unix_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

bool Loop::open() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  return epoll_.valid();
}

bool Loop::watch(int fd, std::uint32_t events, Watcher& watcher) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= entries_.size()) entries_.resize(index + 16);
  Entry& entry = entries_[index];
  entry.watcher = &watcher;
  ++entry.generation;
  epoll_event event{};
  event.events = events;
  event.data.u64 = entry_key(fd, entry.generation);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
  entry.watcher = nullptr;
  return false;
}

void Loop::modify(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = entry_key(fd, entries_[static_cast<std::size_t>(fd)].generation);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::unwatch(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (fd < 0 || index >= entries_.size() || entries_[index].watcher == nullptr) return;
  entries_[index].watcher = nullptr;
  ++entries_[index].generation;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

TimerId Loop::at(std::uint64_t when_us, std::function<void()> task) {
  const TimerId id{std::min(when_us, kFarAway), next_serial_++};
  timers_.emplace(std::pair(id.when, id.serial), std::move(task));
  return id;
}

TimerId Loop::after_ms(std::uint64_t delay_ms, std::function<void()> task) {
  return at(monotonic_us() + std::min(delay_ms, kFarAway / 1000) * 1000, std::move(task));
}

void Loop::cancel(TimerId& id) {
  if (id.serial != 0) timers_.erase({id.when, id.serial});
  id = {};
}

void Loop::add(Job& job) {
  jobs_.push_back(&job);
  ++live_jobs_;
}

void Loop::remove(Job& job) {
  const auto found = std::find(jobs_.begin(), jobs_.end(), &job);
  if (found == jobs_.end()) return;
  *found = nullptr;
  --live_jobs_;
}

void Loop::run() {
  epoll_event events[kEventsPerTurn];
  while (!stopped_) {
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerTurn, timeout_ms());
    for (int i = 0; i < count && !stopped_; ++i) {
      const auto fd = static_cast<std::uint32_t>(events[i].data.u64);
      const auto generation = static_cast<std::uint32_t>(events[i].data.u64 >> 32);
      const Entry entry = entries_[fd];
      if (entry.watcher != nullptr && entry.generation == generation) entry.watcher->ready(events[i].events);
    }
    if (!stopped_) run_timers();
    if (!stopped_) run_jobs();
  }
}

int Loop::timeout_ms() const {
  if (live_jobs_ > 0) return 0;
  if (timers_.empty()) return -1;
  const std::uint64_t next = timers_.begin()->first.first;
  const std::uint64_t now = monotonic_us();
  if (next <= now) return 0;
  return static_cast<int>(std::min<std::uint64_t>((next - now + 999) / 1000, INT_MAX));
}

void Loop::run_timers() {
  if (timers_.empty()) return;
  const std::uint64_t now = monotonic_us();
  while (!stopped_ && !timers_.empty() && timers_.begin()->first.first <= now) {
    const std::function<void()> task = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    task();
  }
}

void Loop::run_jobs() {
  // Jobs that are added by a step wait for the next turn.
  const std::size_t count = jobs_.size();
  for (std::size_t i = 0; i < count && !stopped_; ++i)
    if (jobs_[i] != nullptr) jobs_[i]->step();
  std::erase(jobs_, nullptr);
}

}  // namespace rexec::runner
