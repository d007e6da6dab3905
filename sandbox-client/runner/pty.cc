#include "sandbox-client/runner/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <cerrno>
#include <string>

#include "sandbox-client/runner/replies.h"

namespace rexec::runner {
namespace {

int open_slave(int master) {
  // By the master's descriptor, so that no path has to lead to it (Linux 4.13).
  const int slave = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave >= 0) return slave;
  unsigned number = 0;
  if (::ioctl(master, TIOCGPTN, &number) != 0) return -1;
  const std::string path = "/dev/pts/" + std::to_string(number);
  return ::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

bool open_pty(const TerminalSize& size, Pty& pty, Failure& failure) {
  pty.master.reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!pty.master.valid()) {
    const bool missing = errno == ENOENT || errno == ENODEV || errno == ENXIO;
    failure = errno_failure(errno, "pty",
                            missing ? "this sandbox has no pseudo-terminals; /dev/ptmx"
                                    : "cannot make a pseudo-terminal; /dev/ptmx");
    return false;
  }
  const int unlocked = 0;
  if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) == 0) pty.slave.reset(open_slave(pty.master.get()));
  if (!pty.slave.valid() || !set_size(pty.master.get(), size)) {
    failure = errno_failure(errno, "pty", "cannot set up a pseudo-terminal");
    return false;
  }
  termios modes{};
  if (::tcgetattr(pty.slave.get(), &modes) == 0) {
    modes.c_iflag |= IUTF8;
    ::tcsetattr(pty.slave.get(), TCSANOW, &modes);
  }
  return true;
}

bool set_size(int master, const TerminalSize& size) {
  winsize window{};
  window.ws_col = static_cast<unsigned short>(size.cols);
  window.ws_row = static_cast<unsigned short>(size.rows);
  return ::ioctl(master, TIOCSWINSZ, &window) == 0;
}

bool echo_is_off(int master) {
  termios modes{};
  if (::tcgetattr(master, &modes) != 0) return false;
  return (modes.c_lflag & ECHO) == 0 && (modes.c_lflag & ICANON) != 0;
}

}  // namespace rexec::runner
