// One run of the program, from its words to its exit status.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "app/commands.h"
#include "app/config.h"
#include "app/program.h"

namespace rexec::app {

using MakeProgram = std::function<std::unique_ptr<Program>(const Config&)>;

/// Without a command: `stdio` when standard input is not a terminal, else `help`. Configures the log.
int run(std::span<const std::string> words, const Environment& environment, Streams streams,
        const MakeProgram& make_program);

}  // namespace rexec::app
