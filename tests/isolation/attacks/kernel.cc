// Attacks on parts of the kernel that belong to the whole machine, and on the filter in front of them.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/rtnetlink.h>
#include <linux/tiocl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/isolation/attacks/attack.h"

namespace rexec::attacks {
namespace {

constexpr int kSessionKeyring = -3;
constexpr int kSearchKey = 10;  // KEYCTL_SEARCH
constexpr int kReadKey = 11;    // KEYCTL_READ

int show_key(long key) {
  char value[256];
  const long size = syscall(SYS_keyctl, kReadKey, key, value, sizeof value, 0);
  if (size < 0) return verdict(false);
  std::fwrite(value, 1,
              static_cast<std::size_t>(size) < sizeof value ? static_cast<std::size_t>(size) : sizeof value,
              stdout);
  return kWorked;
}

int search_key(Arguments arguments) {
  const long key = syscall(SYS_keyctl, kSearchKey, kSessionKeyring, "user", arguments[0], 0);
  return key < 0 ? verdict(false) : show_key(key);
}

int request_key(Arguments arguments) {
  const long key = syscall(SYS_request_key, "user", arguments[0], nullptr, 0);
  return key < 0 ? verdict(false) : show_key(key);
}

int add_key(Arguments) {
  constexpr int kProcessKeyring = -2;
  return verdict(syscall(SYS_add_key, "user", "left", "x", 1, kProcessKeyring) >= 0);
}

int load_program(Arguments) {
  bpf_attr map{};
  map.map_type = BPF_MAP_TYPE_ARRAY;
  map.key_size = map.value_size = 4;
  map.max_entries = 1;
  return verdict(syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map) >= 0);
}

int watch_performance(Arguments) {
  perf_event_attr event{};
  event.type = PERF_TYPE_SOFTWARE;
  event.size = sizeof event;
  event.config = PERF_COUNT_SW_CPU_CLOCK;
  event.exclude_kernel = 1;
  return verdict(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) >= 0);
}

int handle_faults(Arguments) {
  constexpr int kUserModeOnly = 1;
  return verdict(syscall(SYS_userfaultfd, kUserModeOnly) >= 0);
}

int make_ring(Arguments) {
  io_uring_params parameters{};
  return verdict(syscall(SYS_io_uring_setup, 1, &parameters) >= 0);
}

int load_module(Arguments) {
  return reached(syscall(SYS_init_module, nullptr, 0, ""));
}

int load_module_file(Arguments) {
  return reached(syscall(SYS_finit_module, -1, "", 0));
}

int remove_module(Arguments) {
  return reached(syscall(SYS_delete_module, "rexec_no_such_module", O_NONBLOCK));
}

int load_kernel(Arguments) {
  constexpr unsigned long kTooMany = 1000;
  return reached(syscall(SYS_kexec_load, 0, kTooMany, nullptr, 0));
}

int restart_machine(Arguments) {
  return reached(syscall(SYS_reboot, 0, 0, 0, nullptr));
}

int swap_to_file(Arguments) {
  return reached(syscall(SYS_swapon, "/nonexistent", 0));
}

int account(Arguments) {
  return reached(syscall(SYS_acct, "/nonexistent/file"));
}

int quota(Arguments) {
  return reached(syscall(SYS_quotactl, QCMD(Q_GETINFO, USRQUOTA), "/nonexistent", 0, nullptr));
}

int adjust_clock(Arguments) {
  timex nothing{};
  return verdict(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &nothing) >= 0);
}

int set_clock(Arguments) {
  // To the second that it is: what matters is whether it could be.
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return verdict(syscall(SYS_clock_settime, CLOCK_REALTIME, &now) == 0);
}

int read_messages(Arguments) {
  constexpr int kSizeOfBuffer = 10;
  return verdict(syscall(SYS_syslog, kSizeOfBuffer, nullptr, 0) >= 0);
}

int rename_host(Arguments) {
  char name[65] = {};
  if (gethostname(name, sizeof name - 1) != 0) return verdict(false);
  return verdict(sethostname(name, std::strlen(name)) == 0);
}

int watch_files(Arguments) {
  return verdict(syscall(SYS_fanotify_init, 0, O_RDONLY) >= 0);
}

int ports([[maybe_unused]] Arguments arguments) {
#if defined(SYS_iopl)
  return verdict(syscall(SYS_iopl, 0) == 0);
#else
  errno = ENOSYS;
  return verdict(false);
#endif
}

int local_descriptors([[maybe_unused]] Arguments arguments) {
#if defined(SYS_modify_ldt)
  char table[16];
  return verdict(syscall(SYS_modify_ldt, 0, table, sizeof table) >= 0);
#else
  errno = ENOSYS;
  return verdict(false);
#endif
}

/// A refused call by another door: 32-bit system calls have other numbers. The child dies where that is
/// closed.
template <class Call>
int by_another_door(Call call) {
  const pid_t child = fork();
  if (child == 0) _exit(call() ? 0 : 1);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return kNotTried;
  if (WIFSIGNALED(status)) {
    std::fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
    return WTERMSIG(status) == SIGSEGV ? kAbsent : kRefused;
  }
  return WEXITSTATUS(status) == 0 ? kWorked : kAbsent;
}

int by_interrupt([[maybe_unused]] Arguments arguments) {
#if defined(__x86_64__)
  return by_another_door([] {
    long result = 20;  // getpid of i386
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result == getpid();
  });
#else
  return kAbsent;
#endif
}

int by_x32([[maybe_unused]] Arguments arguments) {
#if defined(__x86_64__)
  // Kernels without x32 answer ENOSYS; the filter kills before that.
  return by_another_door([] {
    constexpr long kX32 = 0x40000000;
    return syscall(kX32 | SYS_getpid) == getpid() || errno == ENOSYS;
  });
#else
  return kAbsent;
#endif
}

int open_socket(Arguments arguments) {
  return verdict(socket(static_cast<int>(number(arguments[0])), static_cast<int>(number(arguments[1])),
                        static_cast<int>(number(arguments[2]))) >= 0);
}

/// Brings a network device up, or makes one.
int make_device(Arguments) {
  const int link = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct {
    nlmsghdr head;
    ifinfomsg info;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_NEWLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.info.ifi_index = static_cast<int>(if_nametoindex("lo"));
  request.info.ifi_flags = IFF_UP;
  request.info.ifi_change = IFF_UP;
  struct {
    nlmsghdr head;
    nlmsgerr error;
    char rest[512];
  } answer{};
  if (link < 0 || send(link, &request, sizeof request, 0) < 0 || recv(link, &answer, sizeof answer, 0) < 0)
    return verdict(false);
  errno = -answer.error.error;
  return verdict(errno == 0);
}

/// Types into a terminal: the one given, or a new one of its own.
int type_ahead(Arguments arguments) {
  const char* path = arguments.empty() ? "/dev/ptmx" : arguments[0];
  const int terminal = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (terminal < 0) return verdict(false);
  char byte = 'x';
  if (ioctl(terminal, TIOCSTI, &byte) == 0) return kWorked;
  // EIO: dev.tty.legacy_tiocsti is 0, and the kernel came to look.
  return verdict(errno == EIO);
}

int console_selection(Arguments) {
  const int terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  char request = TIOCL_GETSHIFTSTATE;
  return verdict(terminal >= 0 && (ioctl(terminal, TIOCLINUX, &request) == 0 || errno == ENOTTY));
}

int write_terminal(Arguments arguments) {
  const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY);
  const std::string text = arguments[0];
  return verdict(terminal >= 0 && write(terminal, text.data(), text.size()) > 0);
}

int shared_memory(Arguments arguments) {
  const int id = shmget(static_cast<key_t>(number(arguments[0])), 0, 0);
  if (id < 0) return verdict(false);
  void* memory = shmat(id, nullptr, SHM_RDONLY);
  if (memory == reinterpret_cast<void*>(-1)) return verdict(false);
  std::puts(static_cast<const char*>(memory));
  return kWorked;
}

/// Holds a segment with a text until its input ends.
int hold_shared_memory(Arguments arguments) {
  constexpr std::size_t kSize = 4096;
  const int id = shmget(static_cast<key_t>(number(arguments[0])), kSize, IPC_CREAT | IPC_EXCL | 0666);
  if (id < 0) return verdict(false);
  void* memory = shmat(id, nullptr, 0);
  std::strncpy(static_cast<char*>(memory), arguments[1], kSize - 1);
  std::puts("ready");
  std::fflush(stdout);
  char byte = 0;
  while (read(0, &byte, 1) > 0) {
  }
  shmctl(id, IPC_RMID, nullptr);
  return kWorked;
}

constexpr Attack kAttacks[] = {
    {"search-key", 1, search_key},
    {"request-key", 1, request_key},
    {"add-key", 0, add_key},
    {"bpf", 0, load_program},
    {"perf", 0, watch_performance},
    {"userfaultfd", 0, handle_faults},
    {"io-uring", 0, make_ring},
    {"init-module", 0, load_module},
    {"finit-module", 0, load_module_file},
    {"delete-module", 0, remove_module},
    {"kexec", 0, load_kernel},
    {"reboot", 0, restart_machine},
    {"swapon", 0, swap_to_file},
    {"acct", 0, account},
    {"quota", 0, quota},
    {"adjust-clock", 0, adjust_clock},
    {"set-clock", 0, set_clock},
    {"syslog", 0, read_messages},
    {"sethostname", 0, rename_host},
    {"fanotify", 0, watch_files},
    {"iopl", 0, ports},
    {"modify-ldt", 0, local_descriptors},
    {"int80", 0, by_interrupt},
    {"x32", 0, by_x32},
    {"socket", 3, open_socket},
    {"network-device", 0, make_device},
    {"type-ahead", 0, type_ahead},
    {"console-selection", 0, console_selection},
    {"write-terminal", 1, write_terminal},
    {"shared-memory", 1, shared_memory},
    {"hold-shared-memory", 2, hold_shared_memory},
};

}  // namespace

std::span<const Attack> kernel_attacks() {
  return kAttacks;
}

}  // namespace rexec::attacks
