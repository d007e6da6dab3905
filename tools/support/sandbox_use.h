// From a call to the sandbox that it works in, and from there to its answer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "mcp/tool.h"
#include "sandbox-client/manager.h"
#include "tools/services.h"

namespace rexec::tools {

/// Calls `use` with the sandbox that the argument `sandbox` names, or with the caller's default one: at once
/// when it is there, on a worker when it has to be made first. Answers the call when there is no such
/// sandbox.
void use_sandbox(const Services& services, const std::shared_ptr<mcp::ToolCall>& call,
                 std::function<void(sandbox::SandboxHandle)> use);

/// Line that is added to an answer when the default sandbox had been lost and was made anew; otherwise empty.
std::string recreated_note(const sandbox::SandboxHandle& handle);

/// Answers a call that worked in `handle`: says whether the sandbox is a new one.
void reply_from(const sandbox::SandboxHandle& handle, mcp::ToolCall& call, mcp::ToolResult result);
/// The same; false when the caller had given the call up.
[[nodiscard]] bool reply_if_wanted(const sandbox::SandboxHandle& handle, mcp::ToolCall& call,
                                   mcp::ToolResult result);

/// A failure of the runner, with what to do next where the error leaves that open.
mcp::ToolResult runner_failure(const sandbox::SandboxHandle& handle, const Error& error);

/// The same as an error, for answers that are no tool results.
Error resource_error(const sandbox::SandboxHandle& handle, const Error& error);

}  // namespace rexec::tools
