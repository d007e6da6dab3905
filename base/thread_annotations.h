// Clang's thread-safety attributes and the two lock types they work on.
//
// Every mutex of the project is a Mutex, every member it protects says REXEC_GUARDED_BY, and clang checks it
// (-Wthread-safety -Werror in CI). Locks are leaf locks: nothing is called out to while one is held.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define REXEC_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define REXEC_THREAD_ATTRIBUTE(x)
#endif

#define REXEC_CAPABILITY(x) REXEC_THREAD_ATTRIBUTE(capability(x))
#define REXEC_SCOPED_CAPABILITY REXEC_THREAD_ATTRIBUTE(scoped_lockable)
#define REXEC_GUARDED_BY(x) REXEC_THREAD_ATTRIBUTE(guarded_by(x))
#define REXEC_REQUIRES(...) REXEC_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define REXEC_EXCLUDES(...) REXEC_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define REXEC_ACQUIRE(...) REXEC_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define REXEC_RELEASE(...) REXEC_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define REXEC_NO_THREAD_SAFETY_ANALYSIS REXEC_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace rexec {

class REXEC_CAPABILITY("mutex") Mutex {
 public:
  void lock() REXEC_ACQUIRE() { mutex_.lock(); }
  void unlock() REXEC_RELEASE() { mutex_.unlock(); }

 private:
  friend class WakeUp;
  std::mutex mutex_;
};

/// Holds a Mutex for a scope; is itself lockable, so that a CondVar can release it while waiting.
class REXEC_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) REXEC_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() REXEC_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // For std::condition_variable_any only.
  void lock() REXEC_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void unlock() REXEC_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
  friend class WakeUp;
  Mutex& mutex_;
};

/// Waits on a MutexLock, also with a stop token: wait(lock, stop, predicate). A predicate that reads guarded
/// members is a lambda marked REXEC_REQUIRES(mutex) or a loop around the plain wait.
using CondVar = std::condition_variable_any;

/// A plain wait on a MutexLock, for wake-ups on the path of every call: a CondVar has a mutex of its own, on
/// which the woken thread falls asleep a second time. Notify after the lock has been released.
class WakeUp {
 public:
  void wait(MutexLock& lock) {
    std::unique_lock<std::mutex> held(lock.mutex_.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace rexec
