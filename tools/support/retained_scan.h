// Applies a selection to everything that is kept of a process's output, piece by piece.
#pragma once

#include <functional>

#include "tools/support/process_answer.h"

namespace rexec::tools {

/// Reads the wanted streams from request.from up to what `report` says was produced. `done` comes on a
/// worker, or on the calling thread when the report brought everything.
void scan_retained(std::shared_ptr<const ProcessContext> context, const sandbox::ProcessReport& report,
                   std::function<void(Result<Selected>)> done);

}  // namespace rexec::tools
