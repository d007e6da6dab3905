#include "sandbox-client/local/kept_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/json.h"
#include "sandbox-client/local/isolation.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxStatus = 4096;
constexpr int kStepMs = 2;
constexpr std::size_t kMaxReason = 400;
constexpr const char* kAlive = "alive";

struct flock whole_file() {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

Result<UniqueFd> open_alive(int directory, int flags) {
  UniqueFd fd(
      openat(directory, kAlive, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600));
  if (!fd.valid()) return errno_error("opening the sandbox's lock", errno);
  return fd;
}

// Asking takes no lock, so it disturbs nobody who wants one.
bool is_held(int fd) {
  struct flock range = whole_file();
  return fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

/// The sandbox's pid 1, if that is what has the number now.
UniqueFd open_init(const KeptStatus::Started& started) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, started.pid, 0)));
  const std::string space = "/proc/" + std::to_string(started.pid) + "/ns/pid";
  struct stat status {};
  if (!fd.valid() || stat(space.c_str(), &status) != 0 || status.st_ino != started.pid_namespace) return {};
  const auto facts = read_facts(started.pid);
  return facts && facts->innermost_pid == 1 ? std::move(fd) : UniqueFd();
}

}  // namespace

std::string shown_reason(std::string_view text) {
  std::string shown(text.substr(0, kMaxReason));
  for (char& c : shown)
    if (c < ' ' || c > '~') c = '?';
  return shown;
}

KeptStatus parse_kept_status(std::string_view text) {
  KeptStatus status;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto line = parse_json(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line) continue;
    const auto pid = find_integer(*line, "child-pid");
    const auto space = find_integer(*line, "pid-namespace");
    if (pid && *pid > 1 && space && *space > 0)
      status.started = {static_cast<pid_t>(*pid), static_cast<std::uint64_t>(*space)};
    if (const auto code = find_integer(*line, "exit-code")) status.exit_code = static_cast<int>(*code);
    if (const auto ended = find_string(*line, "ended")) status.ended = shown_reason(*ended);
  }
  return status;
}

KeptStatus read_kept_status(int fd) {
  char buffer[kMaxStatus];
  const ssize_t size = pread(fd, buffer, sizeof buffer, 0);
  return parse_kept_status(std::string_view(buffer, size > 0 ? static_cast<std::size_t>(size) : 0));
}

KeptState look_at_kept(int directory) {
  const auto alive = open_alive(directory, 0);
  if (!alive) return {};
  KeptState state;
  state.running = is_held(alive->get());
  // A restart would come between the two only under the directory's lock, and ends as "runs".
  KeptStatus status = read_kept_status(alive->get());
  state.lease_over = !state.running && status.exit_code == kLeaseOver;
  // Written just before the end, which bwrap tells of a little later.
  if (status.exit_code.value_or(kMountLost) == kMountLost) state.ended = std::move(status.ended);
  return state;
}

Result<UniqueFd> claim_alive(int directory) {
  ASSIGN_OR_RETURN(UniqueFd alive, open_alive(directory, O_CREAT));
  struct flock range = whole_file();
  if (fcntl(alive.get(), F_OFD_SETLK, &range) != 0) {
    if (errno == EAGAIN || errno == EACCES)
      return Error{ErrorCode::already_exists, "the sandbox runs already"};
    return errno_error("locking the sandbox", errno);
  }
  if (ftruncate(alive.get(), 0) != 0) return errno_error("starting the sandbox", errno);
  return alive;
}

Status end_kept(int directory, const Op& op) {
  const auto alive = open_alive(directory, 0);
  if (!alive) return alive.error().code == ErrorCode::not_found ? Status() : Status(alive.error());
  while (is_held(alive->get())) {
    // While the lock is held, the process that it was written about lives, or its last words are under way.
    if (const auto started = read_kept_status(alive->get()).started)
      if (const UniqueFd init = open_init(*started); init.valid() && is_held(alive->get()))
        syscall(SYS_pidfd_send_signal, init.get(), SIGKILL, nullptr, 0);
    if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "cancelled"};
    if (op.deadline.passed())
      return Error{ErrorCode::deadline_exceeded, "the sandbox's processes do not end; try again later"};
    poll(nullptr, 0, kStepMs);
  }
  return {};
}

}  // namespace rexec::sandbox
