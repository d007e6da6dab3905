// A person at a terminal, as a program sees it: a pseudo-terminal whose other side types what a test says and
// shows on a screen what the program draws.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "sandbox-client/terminal/screen.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::test {

class Person {
 public:
  explicit Person(terminal::Size size = {40, 6}) : screen(size) {
    keyboard_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    char name[64];
    REQUIRE((keyboard_.valid() && ::grantpt(keyboard_.get()) == 0 && ::unlockpt(keyboard_.get()) == 0 &&
             ::ptsname_r(keyboard_.get(), name, sizeof name) == 0));
    terminal_.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(terminal_.valid());
    resize(size);
  }

  /// What the program is given as its standard input.
  int fd() const { return terminal_.get(); }
  void type(std::string_view keys) { REQUIRE(write_all(keyboard_.get(), keys)); }
  void resize(terminal::Size size) {
    winsize window{};
    window.ws_col = static_cast<unsigned short>(size.columns);
    window.ws_row = static_cast<unsigned short>(size.rows);
    REQUIRE(::ioctl(keyboard_.get(), TIOCSWINSZ, &window) == 0);
    screen.resize(size);
  }
  /// Closes the window.
  void hang_up() { keyboard_.reset(); }
  bool is_raw() const {
    termios state{};
    return ::tcgetattr(terminal_.get(), &state) == 0 && (state.c_lflag & (ICANON | ECHO | ISIG)) == 0;
  }
  /// Draws what has come, at most until now.
  void look() {
    char bytes[4096];
    ssize_t got = 0;
    while (keyboard_.valid() && (got = ::read(keyboard_.get(), bytes, sizeof bytes)) > 0) {
      drawn.append(bytes, static_cast<std::size_t>(got));
      screen.feed(std::string_view(bytes, static_cast<std::size_t>(got)));
    }
  }
  /// Whether the screen shows the text, sooner or later.
  bool sees(std::string_view text) {
    return eventually([&] {
      look();
      return screen.text().find(text) != std::string::npos;
    });
  }

  terminal::Screen screen;
  std::string drawn;  // every byte of it

 private:
  UniqueFd keyboard_;
  UniqueFd terminal_;
};

}  // namespace rexec::test
