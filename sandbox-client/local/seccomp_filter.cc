#include "sandbox-client/local/seccomp_filter.h"

#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/fd.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxProgram = 4096 * 8;  // BPF_MAXINSNS of 8 bytes

// By name, so that a library that does not know a newer call still builds the rest.
constexpr const char* kRefused[] = {
    // file systems
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "move_mount",
    "open_tree",
    "open_tree_attr",
    "mount_setattr",
    "quotactl",
    "quotactl_fd",
    "swapon",
    "swapoff",
    "open_by_handle_at",
    "name_to_handle_at",
    "fanotify_init",
    "nfsservctl",
    // namespaces
    "unshare",
    "setns",
    // large kernel interfaces
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "keyctl",
    "add_key",
    "request_key",
    "lookup_dcookie",
    "vm86",
    "vm86old",
    "modify_ldt",
    // the machine
    "init_module",
    "finit_module",
    "delete_module",
    "create_module",
    "get_kernel_syms",
    "query_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "acct",
    "settimeofday",
    "stime",
    "clock_settime",
    "clock_settime64",
    "clock_adjtime",
    "clock_adjtime64",
    "adjtimex",
    "syslog",
    "vhangup",
    "uselib",
    "_sysctl",
    "iopl",
    "ioperm",
    "sethostname",
    "setdomainname",
};

// CLONE_NEWTIME is not among them: its bit is part of the exit signal in clone(2).
constexpr std::uint64_t kNamespaceFlags[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,   CLONE_NEWUSER,
                                             CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};

class Builder {
 public:
  explicit Builder(scmp_filter_ctx context) : context_(context) {}

  void refuse(const char* name, int error) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) return;
    note(seccomp_rule_add_exact(context_, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), number, 0),
         number);
  }
  void refuse_when(const char* name, int error, scmp_arg_cmp condition) {
    const int number = seccomp_syscall_resolve_name(name);
    note(seccomp_rule_add_exact_array(context_, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), number, 1,
                                      &condition),
         number);
  }
  void set(scmp_filter_attr attribute, std::uint32_t value) {
    note(seccomp_attr_set(context_, attribute, value), 0);
  }
  int failure() const { return failure_; }

 private:
  // A negative number is a call that this architecture does not have: nothing to refuse.
  void note(int result, int number) {
    if (result < 0 && number >= 0 && failure_ == 0) failure_ = -result;
  }

  scmp_filter_ctx context_;
  int failure_ = 0;
};

}  // namespace

Result<std::string> seccomp_filter() {
  const std::unique_ptr<void, Release> context(seccomp_init(SCMP_ACT_ALLOW));
  if (!context) return errno_error("libseccomp", ENOMEM);
  Builder builder(context.get());
  builder.set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  builder.set(SCMP_FLTATR_CTL_OPTIMIZE, 2);

  for (const char* name : kRefused) builder.refuse(name, EPERM);
  builder.refuse("clone3", ENOSYS);
#if defined(__s390__)
  constexpr unsigned kCloneFlags = 1;
#else
  constexpr unsigned kCloneFlags = 0;
#endif
  for (const std::uint64_t flag : kNamespaceFlags)
    builder.refuse_when("clone", EPERM, {kCloneFlags, SCMP_CMP_MASKED_EQ, flag, flag});
  // The kernel looks at the lower 32 bits only, so the comparison does too.
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}})
    builder.refuse_when("ioctl", EPERM, {1, SCMP_CMP_MASKED_EQ, 0xffffffffULL, request});

  for (std::uint64_t family = 0; family <= AF_NETLINK; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    builder.refuse_when("socket", EAFNOSUPPORT, {0, SCMP_CMP_EQ, family, 0});
  }
  builder.refuse_when("socket", EAFNOSUPPORT, {0, SCMP_CMP_GT, AF_NETLINK, 0});

  if (builder.failure() != 0) return errno_error("building the seccomp filter", builder.failure());

  const UniqueFd file(memfd_create("rexec-seccomp", MFD_CLOEXEC));
  if (!file.valid()) return errno_error("memfd_create", errno);
  if (const int result = seccomp_export_bpf(context.get(), file.get()); result < 0)
    return errno_error("exporting the seccomp filter", -result);
  std::string program(kMaxProgram, '\0');
  const ssize_t size = pread(file.get(), program.data(), program.size(), 0);
  if (size <= 0) return errno_error("reading the seccomp filter", size < 0 ? errno : ENODATA);
  program.resize(static_cast<std::size_t>(size));
  return program;
}

}  // namespace rexec::sandbox
