#include "sandbox-client/runner/guard.h"

#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>

namespace rexec::runner {
namespace {

constexpr int kLastSignal = 64;

bool is_signal(int number) {
  return number >= 1 && number <= kLastSignal;
}

class KernelSender final : public Guard::Sender {
 public:
  int to_group(pid_t group, int number) override { return ::kill(-group, number) == 0 ? 0 : errno; }

  int to_process(pid_t pid, int pidfd, int number) override {
    if (pidfd < 0) return ::kill(pid, number) == 0 ? 0 : errno;
    return ::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0) == 0 ? 0 : errno;
  }
};

}  // namespace

Guard::Guard(Sender& sender) : sender_(sender), self_(::getpid()), own_group_(::getpgrp()) {}

bool Guard::plausible(pid_t pid) const {
  return pid > 1 && pid != self_ && pid != own_group_;
}

bool Guard::started(pid_t child) {
  return plausible(child) && children_.insert(child).second;
}

void Guard::reaped(pid_t child) {
  children_.erase(child);
}

int Guard::signal_group(pid_t child, int number) {
  if (!is_signal(number)) return EINVAL;
  if (!plausible(child) || !knows(child)) return EPERM;
  return sender_.to_group(child, number);
}

int Guard::signal_descendant(const Descendant& descendant, int number) {
  if (!is_signal(number)) return EINVAL;
  if (!plausible(descendant.pid())) return EPERM;
  return sender_.to_process(descendant.pid(), descendant.pidfd(), number);
}

Guard::Sender& kernel_sender() {
  static KernelSender sender;
  return sender;
}

}  // namespace rexec::runner
