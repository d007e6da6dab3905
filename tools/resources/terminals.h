// Terminals as resources: their screens, which may be watched, and their recordings.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mcp/resource.h"
#include "sandbox-client/manager.h"
#include "tools/services.h"

namespace rexec::tools {

/// The screen as text.
void read_screen(const Services& services, const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                 std::uint64_t terminal, mcp::Reply<std::string> reply);

/// The recording so far, as asciicast; not_found when there is none.
Result<std::string> read_recording(const Services& services, const sandbox::SandboxHandle& handle,
                                   std::uint64_t terminal);

/// Calls `changed` whenever the screen may have changed, and when the program has ended.
void watch_screen(const Services& services, const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                  std::uint64_t terminal, std::function<void()> changed,
                  mcp::Reply<std::unique_ptr<mcp::ResourceWatch>> reply);

}  // namespace rexec::tools
