// Output of processes as resources.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mcp/resource.h"
#include "sandbox-client/manager.h"
#include "tools/services.h"

namespace rexec::tools {

/// The text form of process_read's answer: head and tail of both streams, and how it ended.
void read_output_text(const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                      std::uint64_t process, std::size_t max_chars, mcp::Reply<std::string> reply);

/// Calls `changed` when the process ends, is forgotten, or is lost with its sandbox; at once when it has
/// ended already. Waits in the runner; no thread, no polling.
void watch_end(const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle, std::uint64_t process,
               std::function<void()> changed, mcp::Reply<std::unique_ptr<mcp::ResourceWatch>> reply);

}  // namespace rexec::tools
