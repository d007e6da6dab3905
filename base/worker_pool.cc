#include "base/worker_pool.h"

#include <exception>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace rexec {
namespace {

void run_task(const WorkerPool::Task& task) {
  try {
    task();
  } catch (const std::exception& e) {
    log(LogLevel::error, "worker", e.what());
  } catch (...) {
    log(LogLevel::error, "worker", "a task threw something that is not a std::exception");
  }
}

}  // namespace

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::try_post(Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= options_.queue || !enqueue(task)) return false;
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::post(Task task) {
  bool queued = false;
  {
    MutexLock lock(mutex_);
    queued = !stopping_ && enqueue(task);
  }
  if (queued) {
    wake_.notify_one();
  } else {
    run_task(task);
  }
}

bool WorkerPool::enqueue(Task& task) {
  // One more thread when those that wait cannot take everything that is queued.
  if (queue_.size() >= idle_ && (threads_.empty() || threads_.size() < options_.threads)) {
    try {
      threads_.emplace_back([this] { run(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) return false;
    }
  }
  queue_.push_back(std::move(task));
  return true;
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    wake_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::run() {
  for (;;) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        ++idle_;
        wake_.wait(lock);
        --idle_;
      }
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    run_task(task);
  }
}

}  // namespace rexec
