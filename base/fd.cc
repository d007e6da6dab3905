#include "base/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rexec {
namespace {

constexpr std::size_t kReadStep = 64 * 1024;

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) reset(other.release());
  return *this;
}

void UniqueFd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  // Linux frees the number even when close() fails with EINTR, so it is never retried.
  const int saved = errno;
  ::close(old);
  errno = saved;
}

Result<FdPair> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error("cannot make a pipe", errno);
  return FdPair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<FdPair> make_socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return errno_error("cannot make a socket pair", errno);
  }
  return FdPair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<UniqueFd> duplicate(int fd) {
  // Never one of the numbers 0 to 2, which a closed standard stream would leave free.
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return errno_error("cannot duplicate a file descriptor", errno);
  return UniqueFd(copy);
}

Status set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return errno_error("cannot make a file descriptor non-blocking", errno);
  }
  return {};
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd entry{fd, POLLOUT, 0};
      if (::poll(&entry, 1, -1) < 0 && errno != EINTR) return errno_error("cannot wait to write", errno);
    } else if (errno != EINTR) {
      return errno_error("cannot write", errno);
    }
  }
  return {};
}

Result<std::string> read_whole_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK keeps open() from waiting for the other end of a FIFO; it has no effect on regular files.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return errno_error("cannot open " + path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno_error("cannot examine " + path, errno);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::invalid_argument, "cannot read " + path + ": not a regular file"};
  }
  // Files of /proc and /sys say that their size is 0, so the size is a hint and the end is a read of nothing.
  std::string contents;
  std::size_t length = 0;
  const auto hint = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  std::size_t step = std::max(std::min(hint, max_bytes) + 1, std::min(kReadStep, max_bytes + 1));
  for (;;) {
    contents.resize(length + step);
    const ssize_t got = ::read(fd.get(), contents.data() + length, step);
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno_error("cannot read " + path, errno);
    }
    length += static_cast<std::size_t>(got);
    if (length > max_bytes) {
      return Error{ErrorCode::resource_exhausted, "cannot read " + path + ": longer than the limit of " +
                                                      std::to_string(max_bytes) + " bytes"};
    }
    if (got == 0) break;
    step = std::min(std::max(length, kReadStep), max_bytes - length + 1);
  }
  contents.resize(length);
  return contents;
}

}  // namespace rexec
