// What the output of a command says about the command.
#pragma once

#include <string>

#include "sandbox-client/runner_client.h"

namespace rexec::tools {

/// The last line of output that a report has, cleaned, at most 200 characters; empty when there is none.
std::string last_output_line(const sandbox::ProcessReport& report);

/// Whether a report shows a command that ended badly and says what programs say where there is no network.
bool looks_like_missing_network(const sandbox::ProcessReport& report);

}  // namespace rexec::tools
