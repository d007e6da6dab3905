#include "transport/watchdog.h"

#include <unistd.h>

#include <system_error>

#include "base/log.h"

namespace rexec::transport {

Watchdog::~Watchdog() {
  {
    MutexLock lock(mutex_);
    disarmed_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Watchdog::arm(Deadline deadline) {
  if (thread_.joinable()) return;
  try {
    thread_ = std::thread([this, deadline] { run(deadline); });
  } catch (const std::system_error& error) {
    log(LogLevel::warning, "transport", std::string("no watchdog: ") + error.what());
  }
}

void Watchdog::run(Deadline deadline) {
  {
    MutexLock lock(mutex_);
    while (!disarmed_ && !deadline.passed()) wake_.wait_until(lock, deadline.time());
    if (disarmed_) return;
  }
  log(LogLevel::error, "transport", "the server did not end in time and is stopped by force");
  ::_exit(1);
}

}  // namespace rexec::transport
