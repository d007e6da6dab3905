// Ends the process when an orderly end takes too long.
#pragma once

#include <thread>

#include "base/deadline.h"
#include "base/thread_annotations.h"

namespace rexec::transport {

class Watchdog {
 public:
  Watchdog() = default;
  /// Disarms.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From now on the process has until `deadline`; then it ends with _exit(2), status 1. Once.
  void arm(Deadline deadline);

 private:
  void run(Deadline deadline);

  Mutex mutex_;
  CondVar wake_;
  bool disarmed_ REXEC_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace rexec::transport
