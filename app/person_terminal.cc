#include "app/person_terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace rexec::app {

// Opened anew, since O_NONBLOCK is shared with everybody who inherited the same description, the shell for
// one.
Result<PersonTerminal> PersonTerminal::take(int fd) {
  termios before{};
  if (fd < 0 || ::tcgetattr(fd, &before) != 0)
    return Error{ErrorCode::failed_precondition, "standard input is not a terminal"};
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  UniqueFd terminal(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!terminal.valid()) {  // it is another user's, as after su
    ASSIGN_OR_RETURN(terminal, duplicate(fd));
  }
  termios raw = before;
  ::cfmakeraw(&raw);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(terminal.get(), TCSANOW, &raw) != 0) return errno_error("tcsetattr", errno);
  return PersonTerminal(std::move(terminal), before);
}

PersonTerminal::~PersonTerminal() {
  if (!terminal_.valid()) return;
  ::tcflush(terminal_.get(), TCIFLUSH);
  // Not TCSADRAIN: that would wait for a terminal which takes nothing.
  ::tcsetattr(terminal_.get(), TCSANOW, &before_);
}

terminal::Size PersonTerminal::size() const {
  winsize window{};
  if (::ioctl(terminal_.get(), TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0)
    return {};
  return {window.ws_col, window.ws_row};
}

Result<std::string> PersonTerminal::read() {
  std::string bytes(kReadSize, '\0');
  const ssize_t got = ::read(terminal_.get(), bytes.data(), bytes.size());
  if (got < 0 && errno != EAGAIN && errno != EINTR) return errno_error("reading from the terminal", errno);
  if (got == 0) return Error{ErrorCode::unavailable, "the terminal was closed"};
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

Status PersonTerminal::write(std::string& bytes) {
  const ssize_t taken = ::write(terminal_.get(), bytes.data(), bytes.size());
  if (taken < 0 && errno != EAGAIN && errno != EINTR) return errno_error("writing to the terminal", errno);
  if (taken > 0) bytes.erase(0, static_cast<std::size_t>(taken));
  return {};
}

}  // namespace rexec::app
