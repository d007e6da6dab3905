// A tool call without a connection: the caller waits for the result.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "mcp/request.h"

namespace rexec::mcp {

/// Blocks until the tool has answered or `op` has ended; then the tool is told to stop and its answer is
/// discarded. `progress`, when set, runs on the calling thread and never after the return.
Result<ToolResult> call_locally(const std::shared_ptr<ServerCore>& core, const ToolEntry& tool,
                                Json arguments, const std::string& principal, const Op& op,
                                const std::function<void(std::string_view)>& progress);

}  // namespace rexec::mcp
