// A pseudo-terminal (pty(7)): two ends, of which the runner keeps the master and a program gets the slave.
#pragma once

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/wire_terminal.h"

namespace rexec::runner {

struct Pty {
  Fd master;  // non-blocking
  Fd slave;
};

/// A new one of this size, in the kernel's usual modes and with IUTF8, so that a line in cooked mode is
/// erased by characters (termios(3)). False and why not, e.g. where no devpts is mounted.
bool open_pty(const TerminalSize& size, Pty& pty, Failure& failure);

/// TIOCSWINSZ: what is in the foreground gets SIGWINCH if the size is another one.
bool set_size(int master, const TerminalSize& size);

/// ECHO is clear and ICANON set: the program reads a line that is not to be seen.
bool echo_is_off(int master);

}  // namespace rexec::runner
