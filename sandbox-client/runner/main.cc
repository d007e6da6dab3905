// rexec-runner: the program inside of every sandbox. See server.h, and docs/DESIGN.md for the whole.
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sandbox-client/runner/server.h"

#if !defined(REXEC_SANITIZED)
// In place of libstdc++'s, which brings a demangler of 50 KB to say what no exception ever will.
namespace __gnu_cxx {
void __verbose_terminate_handler();
void __verbose_terminate_handler() {
  std::abort();
}
}  // namespace __gnu_cxx
#endif

namespace {

using rexec::runner::ServeOptions;

constexpr int kUsageError = 2;
constexpr int kLastSignal = 64;
constexpr std::size_t kMaxSecret = 256;
constexpr std::size_t kMaxGuarded = 4 << 20;

int usage() {
  std::fputs(
      "usage: rexec-runner serve [--channel-fd N] [--listen-fd N | --visit-fd N] [--lease-s S]\n"
      "                           [--expires-ms T]\n"
      "                           [--secret-fd N] [--shell PATH] [--memory-mb M] [--disk-mb M]\n"
      "                           [--guard-fd N] [--report-fd N]\n"
      "       rexec-runner version\n",
      stderr);
  return kUsageError;
}

bool parse_number(const char* text, long max, long& value) {
  char* end = nullptr;
  value = std::strtol(text, &end, 10);
  return end != text && *end == 0 && value >= 0 && value <= max;
}

/// The whole of a small file, which is then closed: not in arguments or environment, which others can read.
bool read_secret(int fd, std::string& secret) {
  char bytes[kMaxSecret];
  const ssize_t size = ::read(fd, bytes, sizeof bytes);
  ::close(fd);
  if (size > 0) secret.assign(bytes, static_cast<std::size_t>(size));
  return size > 0;
}

/// Likewise, of any size up to a bound.
bool read_guarded(int fd, std::string& text) {
  char bytes[4096];
  ssize_t size = 0;
  while ((size = ::read(fd, bytes, sizeof bytes)) > 0 && text.size() <= kMaxGuarded)
    text.append(bytes, static_cast<std::size_t>(size));
  ::close(fd);
  return size == 0 && !text.empty();
}

bool parse(int count, char** arguments, ServeOptions& options) {
  constexpr long kMaxFd = 1 << 20;
  constexpr long kMaxMegabytes = 1L << 40;
  constexpr long kMaxLease = static_cast<long>(rexec::runner::kMaxLeaseMs / 1000);
  constexpr long kMaxTime = static_cast<long>(rexec::runner::kMaxLeaseMs) * 2;  // of the Unix epoch
  for (int i = 2; i < count; i += 2) {
    const std::string_view name = arguments[i];
    if (i + 1 == count) return false;
    const char* value = arguments[i + 1];
    long number = 0;
    if (name == "--shell") {
      options.shell = value;
    } else if (name == "--channel-fd" && parse_number(value, kMaxFd, number)) {
      options.channel_fd = static_cast<int>(number);
    } else if (name == "--listen-fd" && parse_number(value, kMaxFd, number)) {
      options.listen_fd = static_cast<int>(number);
    } else if (name == "--visit-fd" && parse_number(value, kMaxFd, number)) {
      options.visit_fd = static_cast<int>(number);
    } else if (name == "--lease-s" && parse_number(value, kMaxLease, number)) {
      options.idle_ms = static_cast<std::uint64_t>(number) * 1000;
    } else if (name == "--expires-ms" && parse_number(value, kMaxTime, number)) {
      options.expires_unix_ms = number;
    } else if (name == "--memory-mb" && parse_number(value, kMaxMegabytes, number)) {
      options.limits.memory_mb = static_cast<std::uint64_t>(number);
    } else if (name == "--disk-mb" && parse_number(value, kMaxMegabytes, number)) {
      options.limits.disk_mb = static_cast<std::uint64_t>(number);
    } else if (name == "--secret-fd" && parse_number(value, kMaxFd, number)) {
      if (!read_secret(static_cast<int>(number), options.secret)) return false;
    } else if (name == "--guard-fd" && parse_number(value, kMaxFd, number)) {
      if (!read_guarded(static_cast<int>(number), options.guarded_mounts)) return false;
    } else if (name == "--report-fd" && parse_number(value, kMaxFd, number)) {
      options.report_fd = static_cast<int>(number);
    } else {
      return false;
    }
  }
  for (const int fd : {options.channel_fd, options.listen_fd, options.visit_fd}) {
    struct stat status {};
    if (fd >= 0 && (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode))) {
      std::fprintf(stderr, "rexec-runner: descriptor %d is not a socket\n", fd);
      return false;
    }
  }
  if (options.visit_fd >= 0 && (options.channel_fd < 0 || options.listen_fd >= 0)) return false;
  return options.channel_fd >= 0 || options.listen_fd >= 0;
}

/// 0 to 2 are open and nothing above them is inherited by commands.
bool tidy_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd && ::open("/", O_PATH) != fd)
      return false;
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return true;
  for (int fd = 3; fd < 1024; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return true;
}

void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number <= kLastSignal; ++number) ::sigaction(number, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view verb = count > 1 ? arguments[1] : "";
  if (verb == "version" && count == 2) {
    std::printf("rexec-runner %s, protocol %d\n", REXEC_VERSION, rexec::runner::kVersion);
    return 0;
  }
  ServeOptions options;
  if (verb != "serve" || !parse(count, arguments, options)) return usage();
  if (!tidy_descriptors()) return 1;
  reset_signals();
  ::umask(022);
#if !defined(REXEC_SANITIZED)
  // Commands of the same user can neither trace the runner nor look at its memory and descriptors.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
  int status = 0;
  {
    rexec::runner::Server server(std::move(options));
    status = server.run();
  }
  ::_exit(status);
}
