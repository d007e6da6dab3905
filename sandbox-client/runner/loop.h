// The runner's one thread: waits for descriptors, points in time and unfinished work, and calls their owners.
//
// Everything in the runner runs on this loop and never blocks, so there is no locking. A callback may watch,
// unwatch, add and cancel anything, itself included: what was unwatched is not called any more, even when its
// event had already been fetched.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "sandbox-client/runner/fd.h"

namespace rexec::runner {

/// Microseconds of CLOCK_MONOTONIC.
std::uint64_t monotonic_us();
/// Milliseconds since the Unix epoch.
std::int64_t unix_ms();

class Watcher {
 public:
  virtual ~Watcher() = default;
  /// `events` as epoll_wait(2) reports them, level-triggered.
  virtual void ready(std::uint32_t events) = 0;
};

/// Work that is too long for one turn of the loop.
class Job {
 public:
  virtual ~Job() = default;
  /// Does a bounded piece; called once per turn until the job is removed.
  virtual void step() = 0;
};

/// Zero means none.
struct TimerId {
  std::uint64_t when = 0;
  std::uint64_t serial = 0;
};

class Loop {
 public:
  /// False when the kernel refuses an epoll descriptor.
  bool open();

  /// `watcher` lives until unwatch, which comes before `fd` is closed.
  bool watch(int fd, std::uint32_t events, Watcher& watcher);
  void modify(int fd, std::uint32_t events);
  void unwatch(int fd);

  TimerId at(std::uint64_t when_us, std::function<void()> task);
  TimerId after_ms(std::uint64_t delay_ms, std::function<void()> task);
  /// Ignores a timer that ran or never was; clears `id`.
  void cancel(TimerId& id);

  /// `job` lives until remove.
  void add(Job& job);
  void remove(Job& job);

  /// Until stop().
  void run();
  void stop() { stopped_ = true; }

 private:
  struct Entry {
    Watcher* watcher = nullptr;
    std::uint32_t generation = 0;
  };

  int timeout_ms() const;
  void run_timers();
  void run_jobs();

  Fd epoll_;
  std::vector<Entry> entries_;  // by descriptor
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::function<void()>> timers_;
  std::uint64_t next_serial_ = 1;
  std::vector<Job*> jobs_;  // a removed one is null until the turn ends
  std::size_t live_jobs_ = 0;
  bool stopped_ = false;
};

}  // namespace rexec::runner
