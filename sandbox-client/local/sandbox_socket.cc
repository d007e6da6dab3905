#include "sandbox-client/local/sandbox_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace rexec::sandbox {
namespace {

constexpr int kBacklog = 16;
constexpr int kConnectStepMs = 2;
constexpr const char* kSocketName = "socket";

// The state directory's path may be longer than an address; a descriptor's is not.
sockaddr_un address_in(int directory) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(directory) + "/" + kSocketName;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

Result<UniqueFd> new_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return errno_error("socket", errno);
  return fd;
}

}  // namespace

Result<UniqueFd> make_sandbox_socket(int directory) {
  ASSIGN_OR_RETURN(UniqueFd fd, new_socket());
  unlinkat(directory, kSocketName, 0);
  const sockaddr_un address = address_in(directory);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error("making the sandbox's socket", errno);
  // Before listen(), and so before anybody can connect.
  if (fchmodat(directory, kSocketName, 0600, 0) != 0)
    return errno_error("making the sandbox's socket", errno);
  if (::listen(fd.get(), kBacklog) != 0) return errno_error("making the sandbox's socket", errno);
  return fd;
}

Result<UniqueFd> connect_sandbox_socket(int directory, const Op& op) {
  ASSIGN_OR_RETURN(UniqueFd fd, new_socket());
  const sockaddr_un address = address_in(directory);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED || errno == ENOENT)
      return Error{ErrorCode::unavailable, "nobody listens on the sandbox's socket"};
    // EAGAIN: so many connect at once that they have to queue.
    if (errno != EAGAIN && errno != EINTR) return errno_error("connecting to the sandbox", errno);
    if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "cancelled"};
    if (op.deadline.passed()) return Error{ErrorCode::deadline_exceeded, "the sandbox does not answer"};
    poll(nullptr, 0, kConnectStepMs);
  }
  return fd;
}

}  // namespace rexec::sandbox
