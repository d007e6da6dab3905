// What list_files and search_files have to say besides what they found.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "mcp/tool.h"
#include "sandbox-client/manager.h"

namespace rexec::tools {

/// Answers the call with why the absolute `path` could not be listed or searched.
void fail_tree(const std::shared_ptr<mcp::ToolCall>& call, const sandbox::SandboxHandle& handle,
               const std::string& path, const Error& error);

/// "; 2 directories could not be read", or nothing.
std::string gaps_text(std::uint64_t unreadable, std::uint64_t too_deep, std::string_view what);
void put_gaps(Json& structured, std::uint64_t unreadable, std::uint64_t too_deep);

}  // namespace rexec::tools
