// What a request may ask to be run: a command for the shell, or a program with its arguments.
#pragma once

#include <string>
#include <vector>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

struct Program {
  const std::string& command;
  const std::vector<std::string>& argv;
  const std::vector<std::string>& env;
  const std::string& cwd;

  /// Within the limits of wire.h and execve(2); otherwise false and why not.
  bool check(Failure& failure) const;
  /// For people, at most 1000 bytes.
  std::string text() const;
};

}  // namespace rexec::runner
