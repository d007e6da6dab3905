// Why a file could not be used, with what a caller needs to go on.
#pragma once

#include <memory>
#include <string>

#include "mcp/tool.h"
#include "sandbox-client/manager.h"

namespace rexec::tools {

/// Answers the call with a failure about the absolute `path`: looks whether it is a directory, or whether at
/// least the directory of a missing file exists.
void fail_file(std::shared_ptr<mcp::ToolCall> call, const sandbox::SandboxHandle& handle,
               const std::string& path, const Error& error);

}  // namespace rexec::tools
