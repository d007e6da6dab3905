#include "app/secret_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/fd.h"
#include "sandbox-client/local/spawner.h"

namespace rexec::app {
namespace {

constexpr Duration kSlice = std::chrono::milliseconds(50);  // between looks at the stop token
constexpr std::size_t kPiece = 4096;

/// A child and its session, which end with this object.
class Child {
 public:
  explicit Child(sandbox::Spawned spawned) : spawned_(std::move(spawned)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!reaped_) reap();
  }

  int pidfd() const { return spawned_.pidfd.get(); }

  /// Kills what is left of the session's first process group, before its number can belong to another one.
  siginfo_t reap() {
    if (spawned_.pid > 1) ::kill(-spawned_.pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(spawned_.pidfd.get()), &info,
                    WEXITED) != 0 &&
           errno == EINTR) {
    }
    reaped_ = true;
    return info;
  }

 private:
  const sandbox::Spawned spawned_;
  bool reaped_ = false;
};

/// Appends what can be read now. False at the end of the stream.
bool drain(int fd, std::string& output, std::size_t max_bytes) {
  std::array<char, kPiece> piece{};
  while (output.size() <= max_bytes) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got > 0) {
      output.append(piece.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      return got < 0 && errno == EAGAIN;
    }
  }
  return true;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    environment.emplace_back(*entry);
  return environment;
}

std::string how_it_failed(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? "its command ended with status " + std::to_string(info.si_status)
                                    : "its command was ended by signal " + std::to_string(info.si_status);
}

}  // namespace

Result<std::string> output_of_command(const std::vector<std::string>& words, std::size_t max_bytes,
                                      const Op& op) {
  ASSIGN_OR_RETURN(FdPair pipe, make_pipe());
  RETURN_IF_ERROR(set_nonblocking(pipe.first.get()));
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return errno_error("cannot open /dev/null", errno);

  sandbox::Spawner spawner;  // outlives the child, which is killed with it
  sandbox::SpawnRequest request;
  request.program = words.front();
  request.arguments = words;
  request.environment = own_environment();
  request.standard = {null.get(), pipe.second.get(), null.get()};
  ASSIGN_OR_RETURN(sandbox::Spawned spawned, spawner.spawn(request, op));
  Child child(std::move(spawned));
  pipe.second.reset();

  std::string output;
  bool open = true;
  for (;;) {
    if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "the call was cancelled"};
    if (op.deadline.passed()) return Error{ErrorCode::failed_precondition, "its command took too long"};
    std::array<pollfd, 2> waited{pollfd{child.pidfd(), POLLIN, 0},
                                 pollfd{open ? pipe.first.get() : -1, POLLIN, 0}};
    const auto slice = std::chrono::ceil<std::chrono::milliseconds>(std::min(op.deadline.left(), kSlice));
    if (::poll(waited.data(), waited.size(), static_cast<int>(slice.count())) < 0 && errno != EINTR) {
      return errno_error("cannot wait for its command", errno);
    }
    if (open) open = drain(pipe.first.get(), output, max_bytes);
    if (output.size() > max_bytes) {
      return Error{ErrorCode::resource_exhausted,
                   "its command printed more than " + std::to_string(max_bytes) + " bytes"};
    }
    if (waited[0].revents != 0) break;
  }
  const siginfo_t ended = child.reap();
  if (open) drain(pipe.first.get(), output, max_bytes);
  if (output.size() > max_bytes) {
    return Error{ErrorCode::resource_exhausted,
                 "its command printed more than " + std::to_string(max_bytes) + " bytes"};
  }
  if (ended.si_code != CLD_EXITED || ended.si_status != 0) {
    return Error{ErrorCode::failed_precondition, how_it_failed(ended) + "; run it yourself to see why"};
  }
  return output;
}

}  // namespace rexec::app
