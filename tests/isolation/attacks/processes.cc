// Attacks on other processes: the runner from a command, and whatever is outside of the sandbox.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/isolation/attacks/attack.h"

namespace rexec::attacks {
namespace {

constexpr int kLastSignal = 64;
constexpr int kTriedDescriptors = 64;

pid_t pid_of(Arguments arguments) {
  return static_cast<pid_t>(number(arguments[0]));
}

int attach(Arguments arguments) {
  const pid_t pid = pid_of(arguments);
  if (ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) != 0) return verdict(false);
  waitpid(pid, nullptr, __WALL);
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return kWorked;
}

int seize(Arguments arguments) {
  const pid_t pid = pid_of(arguments);
  if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return verdict(false);
  ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return kWorked;
}

// Rights come before addresses: EFAULT says that there were any.
template <class Call>
int touch_memory(pid_t pid, Call call) {
  char byte = 0;
  const iovec own{&byte, 1};
  const iovec other{reinterpret_cast<void*>(16), 1};
  return reached(call(pid, &own, 1, &other, 1, 0));
}

int read_memory(Arguments arguments) {
  return touch_memory(pid_of(arguments), process_vm_readv);
}

int write_memory(Arguments arguments) {
  return touch_memory(pid_of(arguments), process_vm_writev);
}

int open_memory(Arguments arguments) {
  return verdict(open(("/proc/" + std::string(arguments[0]) + "/mem").c_str(), O_RDWR) >= 0);
}

int take_descriptor(Arguments arguments) {
  const long pidfd = syscall(SYS_pidfd_open, pid_of(arguments), 0);
  if (pidfd < 0) return verdict(false);
  for (int fd = 0; fd < kTriedDescriptors; ++fd) {
    if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0) return kWorked;
    if (errno != EBADF) return verdict(false);
  }
  return verdict(false);
}

int compare_descriptors(Arguments arguments) {
  return reached(syscall(SYS_kcmp, pid_of(arguments), getpid(), KCMP_VM, 0, 0));
}

int enter_namespaces(Arguments arguments) {
  const long pidfd = syscall(SYS_pidfd_open, pid_of(arguments), 0);
  return verdict(pidfd >= 0 && setns(static_cast<int>(pidfd), CLONE_NEWPID) == 0);
}

int send_signal(Arguments arguments) {
  return verdict(kill(pid_of(arguments), static_cast<int>(number(arguments[1]))) == 0);
}

/// Every signal, in each way to send one; worked when the other is gone or stopped afterwards is for the
/// caller to see.
int send_every_signal(Arguments arguments) {
  const pid_t pid = pid_of(arguments);
  const long pidfd = syscall(SYS_pidfd_open, pid, 0);
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if (signal == SIGCONT) continue;
    kill(pid, signal);
    syscall(SYS_tgkill, pid, pid, signal);
    sigqueue(pid, signal, sigval{});
    if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
  }
  return kWorked;
}

/// Everything that the kernel lets one process set on another of the same user.
int cripple(Arguments arguments) {
  const pid_t pid = pid_of(arguments);
  const rlimit none{0, 0};
  int done = 0;
  for (const int limit : {RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK})
    if (prlimit(pid, static_cast<__rlimit_resource>(limit), &none, nullptr) == 0) ++done;
  const sched_param idle{};
  if (sched_setscheduler(pid, SCHED_IDLE, &idle) == 0) ++done;
  if (setpriority(PRIO_PROCESS, static_cast<id_t>(pid), 19) == 0) ++done;
  return verdict(done > 0);
}

/// The kernel itself kills who is beyond its processor time, a namespace's first process too.
int starve(Arguments arguments) {
  const rlimit none{0, 0};
  return verdict(prlimit(pid_of(arguments), RLIMIT_CPU, &none, nullptr) == 0);
}

/// Stands for the runner outside: a process of the same user, with a secret in its environment.
int victim(Arguments) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  std::puts("ready");
  std::fflush(stdout);
  while (true) pause();
}

/// What a person's terminal and session are to a server: a controlling terminal and a key in the keyring.
/// host TERMINAL-FD KEY-NAME KEY-VALUE PROGRAM ARGUMENTS...
int host(Arguments arguments) {
  setsid();
  const int terminal = static_cast<int>(number(arguments[0]));
  if (ioctl(terminal, TIOCSCTTY, 0) != 0) std::perror("TIOCSCTTY");
  close(terminal);
  constexpr int kJoin = 1;               // KEYCTL_JOIN_SESSION_KEYRING
  constexpr int kSession = -3;           // KEY_SPEC_SESSION_KEYRING
  constexpr int kSetPermissions = 5;     // KEYCTL_SETPERM
  constexpr unsigned kAll = 0x3f3f0000;  // of the possessor and of the user
  if (syscall(SYS_keyctl, kJoin, nullptr, 0, 0, 0) >= 0) {
    const long key =
        syscall(SYS_add_key, "user", arguments[1], arguments[2], std::strlen(arguments[2]), kSession);
    if (key >= 0) syscall(SYS_keyctl, kSetPermissions, key, kAll, 0, 0);
  }
  execvp(arguments[3], arguments.subspan(3).data());
  return verdict(false);
}

constexpr Attack kAttacks[] = {
    {"attach", 1, attach},
    {"seize", 1, seize},
    {"read-memory", 1, read_memory},
    {"write-memory", 1, write_memory},
    {"open-memory", 1, open_memory},
    {"take-descriptor", 1, take_descriptor},
    {"compare", 1, compare_descriptors},
    {"enter-namespaces", 1, enter_namespaces},
    {"signal", 2, send_signal},
    {"every-signal", 1, send_every_signal},
    {"cripple", 1, cripple},
    {"starve", 1, starve},
    {"victim", 0, victim},
    {"host", 4, host},
};

}  // namespace

std::span<const Attack> process_attacks() {
  return kAttacks;
}

}  // namespace rexec::attacks
