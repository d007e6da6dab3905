#include "app/terminal_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace rexec::app {

Result<TerminalSignals> TerminalSignals::make() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGWINCH, SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return errno_error("signalfd", errno);
  return TerminalSignals(std::move(signals));
}

std::vector<int> take_signals(int fd) {
  std::vector<int> numbers;
  signalfd_siginfo info{};
  while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    numbers.push_back(static_cast<int>(info.ssi_signo));
  return numbers;
}

}  // namespace rexec::app
