// A fixed number of threads and a bounded queue for work that must not run on an I/O thread.
//
// Work is short or bounded by an Op; something that waits for a sandbox gives its thread back and is resumed
// by a completion instead. Threads start with the first task, so a process that is only probed has none.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"

namespace rexec {

class WorkerPool {
 public:
  struct Options {
    std::size_t threads = 8;
    std::size_t queue = 1024;  // tasks waiting, beyond which try_post refuses
  };
  using Task = std::function<void()>;

  explicit WorkerPool(Options options) : options_(options) {}
  /// Runs what was posted, then stops and joins.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Queues `task`; false when the queue is full, the pool is stopping or the system grants no thread
  /// at all (the task was not taken).
  bool try_post(Task task);
  /// Queues `task` whatever the length of the queue: for continuations of calls that were admitted already,
  /// whose number is bounded by that admission. After stop(), or when the system grants no thread
  /// at all, it runs on the calling thread.
  void post(Task task);
  /// Finishes queued tasks and joins. Idempotent; not to be called from a worker.
  void stop();

 private:
  void run();
  /// False when there is no thread and none can be started; `task` is then untouched.
  bool enqueue(Task& task) REXEC_REQUIRES(mutex_);

  const Options options_;
  Mutex mutex_;
  WakeUp wake_;
  std::deque<Task> queue_ REXEC_GUARDED_BY(mutex_);
  std::size_t idle_ REXEC_GUARDED_BY(mutex_) = 0;
  bool stopping_ REXEC_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec
