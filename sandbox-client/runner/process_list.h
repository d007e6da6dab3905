// The processes of the sandbox as procfs shows them (proc(5)).
#pragma once

#include <vector>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

/// `known` completed by what procfs knows of those that run (parent, memory, processor time); with `all`
/// followed by every other process. At most 4096 entries and a frame's worth of bytes.
ProcessList process_list(std::vector<ProcessEntry> known, bool all);

}  // namespace rexec::runner
