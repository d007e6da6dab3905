#include "sandbox-client/local/seccomp_filter.h"

#include <linux/filter.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/seccomp.h>
#include <cerrno>
#include <vector>

#include "tests/support/catch.h"

namespace rexec::sandbox {
namespace {

struct Call {
  const char* what;
  long number;
  long arguments[5];
  int expected;  // errno, 0: anything but EPERM and ENOSYS
};

// Makes the calls in a child that has the filter, and returns their errno values; empty when it died.
std::vector<int> errors_under_filter(const std::string& program, const std::vector<Call>& calls,
                                     int* status) {
  const std::size_t size = calls.size() * sizeof(int);
  auto* shared =
      static_cast<int*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const sock_fprog filter{static_cast<unsigned short>(program.size() / sizeof(sock_filter)),
                          reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()))};
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(99);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const long* a = calls[i].arguments;
      shared[i] = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4]) < 0 ? errno : 0;
    }
    _exit(0);
  }
  waitpid(child, status, 0);
  std::vector<int> errors(shared, shared + calls.size());
  munmap(shared, size);
  return errors;
}

}  // namespace

TEST_CASE("the seccomp filter refuses what leads out of the namespaces", "[local]") {
  const auto program = seccomp_filter();
  REQUIRE(program);
  REQUIRE(program->size() % sizeof(sock_filter) == 0);
  constexpr long kHigh = 1L << 32;  // the kernel ignores the upper half of an int
  const std::vector<Call> calls = {
      {"mount", SYS_mount, {0, 0, 0, 0, 0}, EPERM},
      {"umount2", SYS_umount2, {0, 0, 0, 0, 0}, EPERM},
      {"pivot_root", SYS_pivot_root, {0, 0, 0, 0, 0}, EPERM},
      {"setns", SYS_setns, {-1, 0, 0, 0, 0}, EPERM},
      {"unshare", SYS_unshare, {0, 0, 0, 0, 0}, EPERM},
      {"bpf", SYS_bpf, {0, 0, 0, 0, 0}, EPERM},
      {"perf_event_open", SYS_perf_event_open, {0, 0, 0, 0, 0}, EPERM},
      {"keyctl", SYS_keyctl, {0, 0, 0, 0, 0}, EPERM},
      {"add_key", SYS_add_key, {0, 0, 0, 0, 0}, EPERM},
      {"request_key", SYS_request_key, {0, 0, 0, 0, 0}, EPERM},
      {"userfaultfd", SYS_userfaultfd, {0, 0, 0, 0, 0}, EPERM},
      {"io_uring_setup", SYS_io_uring_setup, {0, 0, 0, 0, 0}, EPERM},
      {"finit_module", SYS_finit_module, {-1, 0, 0, 0, 0}, EPERM},
      {"kexec_load", SYS_kexec_load, {0, 0, 0, 0, 0}, EPERM},
      {"swapon", SYS_swapon, {0, 0, 0, 0, 0}, EPERM},
      {"reboot", SYS_reboot, {0, 0, 0, 0, 0}, EPERM},
      {"fsopen", SYS_fsopen, {0, 0, 0, 0, 0}, EPERM},
      {"open_tree", SYS_open_tree, {-1, 0, 0, 0, 0}, EPERM},
      {"move_mount", SYS_move_mount, {-1, 0, -1, 0, 0}, EPERM},
      {"open_by_handle_at", SYS_open_by_handle_at, {-1, 0, 0, 0, 0}, EPERM},
      {"quotactl", SYS_quotactl, {0, 0, 0, 0, 0}, EPERM},
      {"clone3", SYS_clone3, {0, 0, 0, 0, 0}, ENOSYS},
      {"clone user", SYS_clone, {CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0}, EPERM},
      {"clone net", SYS_clone, {CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0}, EPERM},
      {"clone several", SYS_clone, {CLONE_NEWNS | CLONE_NEWPID | CLONE_VM | SIGCHLD, 0, 0, 0, 0}, EPERM},
      {"TIOCSTI", SYS_ioctl, {0, TIOCSTI, 0, 0, 0}, EPERM},
      {"TIOCSTI with a high bit", SYS_ioctl, {0, kHigh | TIOCSTI, 0, 0, 0}, EPERM},
      {"TIOCLINUX", SYS_ioctl, {0, TIOCLINUX, 0, 0, 0}, EPERM},
      {"vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0, 0, 0}, EAFNOSUPPORT},
      {"vsock with a high bit", SYS_socket, {kHigh | AF_VSOCK, SOCK_STREAM, 0, 0, 0}, EAFNOSUPPORT},
      {"packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0, 0, 0}, EAFNOSUPPORT},
      {"alg", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0, 0, 0}, EAFNOSUPPORT},
  };
  int status = -1;
  const std::vector<int> errors = errors_under_filter(*program, calls, &status);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(calls[i].what);
    CHECK(errors[i] == calls[i].expected);
  }
}

TEST_CASE("the seccomp filter allows what programs and debuggers need", "[local]") {
  const auto program = seccomp_filter();
  REQUIRE(program);
  const std::vector<Call> calls = {
      {"prlimit64", SYS_prlimit64, {0, 0, 0, 0, 0}, 0},
      {"pidfd_open", SYS_pidfd_open, {1, 0, 0, 0, 0}, 0},
      {"pidfd_send_signal", SYS_pidfd_send_signal, {-1, 0, 0, 0, 0}, EBADF},
      {"close_range", SYS_close_range, {1000, 1001, 0, 0, 0}, 0},
      {"memfd_create", SYS_memfd_create, {0, 0, 0, 0, 0}, EFAULT},
      {"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0, 0, 0}, 0},
      {"personality", SYS_personality, {0xffffffff, 0, 0, 0, 0}, 0},
      {"unix socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0, 0, 0}, 0},
      {"internet socket", SYS_socket, {AF_INET, SOCK_STREAM, 0, 0, 0}, 0},
      {"netlink socket", SYS_socket, {AF_NETLINK, SOCK_RAW, 0, 0, 0}, 0},
      {"terminal size", SYS_ioctl, {-1, TIOCGWINSZ, 0, 0, 0}, EBADF},
      {"seccomp", SYS_seccomp, {SECCOMP_GET_ACTION_AVAIL, 0, 0, 0, 0}, EFAULT},
  };
  int status = -1;
  const std::vector<int> errors = errors_under_filter(*program, calls, &status);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(calls[i].what, errors[i]);
    CHECK(errors[i] == calls[i].expected);
  }
}

#if defined(__x86_64__)
TEST_CASE("the seccomp filter ends a process that calls by another ABI", "[local]") {
  const auto program = seccomp_filter();
  REQUIRE(program);
  int status = 0;
  errors_under_filter(*program, {{"x32 getpid", 0x40000000 | SYS_getpid, {0, 0, 0, 0, 0}, 0}}, &status);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGSYS);
}
#endif

}  // namespace rexec::sandbox
