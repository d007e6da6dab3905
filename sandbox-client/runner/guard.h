// The one place of the runner that sends signals.
//
// A wrong argument of kill(2) reaches every process of the machine: -1, a group number 1 (which negated is
// -1), 0, or the number of a process that has long been replaced by another. So a signal can only go to
//   * the group of a child that was started by the runner and has not been reaped: until then the kernel does
//     not give its number to anything else, and the child made itself the leader of that group;
//   * a process that lineage.h has proven to descend from such a child, held by a pidfd, which never comes to
//     mean another process (pidfd_open(2)).
// Everything else is refused with EPERM, whoever asks.
#pragma once

#include <sys/types.h>

#include <unordered_set>

#include "sandbox-client/runner/fd.h"

namespace rexec::runner {

/// Proof that a process descends from a command; only Lineage makes one.
class Descendant {
 public:
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }

 private:
  friend class Lineage;
  friend struct GuardTestAccess;
  Descendant(pid_t pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  Fd pidfd_;  // invalid on kernels (and emulators) without pidfd_open
};

class Guard {
 public:
  /// Where signals go; tests put a recorder here. Both return 0 or an errno.
  class Sender {
   public:
    virtual ~Sender() = default;
    virtual int to_group(pid_t group, int number) = 0;
    virtual int to_process(pid_t pid, int pidfd, int number) = 0;
  };

  explicit Guard(Sender& sender);

  /// A child that leads a group of its own; false (and never signalled) for numbers that cannot be one.
  bool started(pid_t child);
  /// The child's number may be given to another process from now on.
  void reaped(pid_t child);
  bool knows(pid_t child) const { return children_.count(child) != 0; }

  /// 0, or errno: EPERM when refused, EINVAL for something that is no signal, else the kernel's answer.
  int signal_group(pid_t child, int number);
  int signal_descendant(const Descendant& descendant, int number);

 private:
  bool plausible(pid_t pid) const;

  Sender& sender_;
  pid_t self_;
  pid_t own_group_;
  std::unordered_set<pid_t> children_;
};

/// The kernel. Lives for ever.
Guard::Sender& kernel_sender();

}  // namespace rexec::runner
