// What a command of this machine prints.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"

namespace rexec::app {

/// Runs `words` (the first is a path) with this process's environment, no input and its messages thrown away,
/// and returns its standard output once it has succeeded. Blocks; a command that takes longer than `op` is
/// killed with all of its process group. Errors have nothing of the output: resource_exhausted beyond
/// `max_bytes`, failed_precondition when it fails or takes too long, cancelled.
Result<std::string> output_of_command(const std::vector<std::string>& words, std::size_t max_bytes,
                                      const Op& op);

}  // namespace rexec::app
