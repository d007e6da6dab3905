// Which command a process belongs to, whatever it did to hide it. A terminal's program is a command here.
//
// A command's descendants may fork twice, call setsid(2), clear their environment, close their descriptors
// and ignore signals. There is normally no writable cgroup inside a sandbox, and a subreaper per command
// costs a process. What the kernel hands down through all of that for free is a resource limit, and one of
// them has no meaning any more: RLIMIT_LOCKS has had no effect since Linux 2.4.25 (getrlimit(2)), its value
// is inherited over fork(2) and kept over execve(2), and an unprivileged process may only lower a hard limit.
// So each command starts with RLIMIT_LOCKS set, soft and hard, to a tag: a base that is random for each
// runner, plus the command's number.
//
// A command could still lower its limit. A seccomp filter of the runner, inherited by everything, answers
// EPERM to setting RLIMIT_LOCKS unless the two registers after the arguments of prlimit(2) hold a secret of
// the runner: the kernel ignores them, a filter sees them, and no command can read them (the runner is not
// dumpable, and a filter is readable with CAP_SYS_ADMIN only). It is installed once, so a command pays for
// one system call. Without the right to install a filter (no_new_privs or CAP_SYS_ADMIN in the user
// namespace, seccomp(2)) the tag works against everything but deliberate evasion.
//
// Reading another process's limit is allowed for the same user (prlimit(2)); else /proc/PID/limits, which
// everybody may read, tells it. Where no tag can be set (inside a command of another runner), processes are
// recognised by their session, which a command can leave.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "sandbox-client/runner/guard.h"

namespace rexec::runner {

class Lineage {
 public:
  /// Takes a random base and installs the filter. Called once, before the first child.
  void open();

  /// Tags are set and kept.
  bool tagged() const { return tagged_; }
  /// Tags cannot be shed.
  bool sealed() const { return sealed_; }

  /// Called by a child of clone(2) before execve(2), async-signal-safe: puts the calling process under
  /// `number`. False when it cannot be.
  bool enter(std::uint64_t number) const;

  /// Calls `found` for each live process of a command (zombies are not), in one pass over all processes; the
  /// runner itself is never among them. `session` is the command's first process, for the case without tags.
  void each(std::uint64_t number, pid_t session, const std::function<void(const Descendant&)>& found);
  /// The same for the processes of all commands of this runner.
  void each_of_all(const std::vector<pid_t>& sessions, const std::function<void(const Descendant&)>& found);

 private:
  struct Wanted {
    std::uint64_t first_tag;
    std::uint64_t last_tag;
    const std::vector<pid_t>* sessions;
  };
  bool matches(pid_t pid, const Wanted& wanted) const;
  void visit(pid_t pid, const Wanted& wanted, const std::function<void(const Descendant&)>& found) const;
  void walk(const Wanted& wanted, const std::function<void(const Descendant&)>& found);

  std::uint64_t base_ = 0;
  std::uint64_t secret_[2] = {0, 0};
  bool tagged_ = false;
  bool sealed_ = false;
};

/// Installs the filter described above for this process and everything it starts; 0 or errno. Seen by tests.
int seal_tags(const std::uint64_t (&secret)[2]);

}  // namespace rexec::runner
