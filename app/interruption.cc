#include "app/interruption.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <system_error>

#include "app/commands.h"

namespace rexec::app {

Interruption::Interruption() : ended_(::eventfd(0, EFD_CLOEXEC)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid() || !ended_.valid()) return;
  try {
    thread_ = std::thread([this] { listen(); });
  } catch (const std::system_error&) {  // no thread: the signals stay blocked and pending
  }
}

Interruption::~Interruption() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(ended_.get(), &one, sizeof one);
  thread_.join();
}

void Interruption::listen() {
  for (;;) {
    std::array<pollfd, 2> fds = {{{signals_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
    const int number = static_cast<int>(info.ssi_signo);
    if (signal_ != 0) ::_exit(kSignalBase + number);
    signal_ = number;
    stop_.request_stop();
  }
}

}  // namespace rexec::app
