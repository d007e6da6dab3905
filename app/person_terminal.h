// The terminal at which a person sits, while a command has it all: raw, so that every key arrives as it is,
// and never blocking, so that a terminal which takes nothing any more cannot hold the command.
#pragma once

#include <termios.h>

#include <string>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"
#include "sandbox-client/terminal/screen.h"

namespace rexec::app {

class PersonTerminal {
 public:
  static constexpr std::size_t kReadSize = 4096;

  /// The terminal behind `fd`, for reading and writing; failed_precondition when that is no terminal. It is
  /// raw from now until this object ends; then it is as it was, and what was typed and not read is discarded,
  /// since it was not meant for whoever reads next.
  static Result<PersonTerminal> take(int fd);
  PersonTerminal(PersonTerminal&&) noexcept = default;
  PersonTerminal& operator=(PersonTerminal&&) = delete;
  ~PersonTerminal();

  int fd() const { return terminal_.get(); }
  /// 80 by 24 when the terminal does not say.
  terminal::Size size() const;
  /// What was typed, at most kReadSize; empty when there is nothing. unavailable when the terminal is gone.
  Result<std::string> read();
  /// Writes what the terminal takes now and removes it from `bytes`.
  Status write(std::string& bytes);

 private:
  PersonTerminal(UniqueFd terminal, const termios& before)
      : terminal_(std::move(terminal)), before_(before) {}

  UniqueFd terminal_;
  termios before_;
};

}  // namespace rexec::app
