// Files of sandboxes as resources.
#pragma once

#include <string>

#include "mcp/resource.h"
#include "sandbox-client/manager.h"
#include "tools/services.h"

namespace rexec::tools {

/// Text as it is, up to limits.read_cap bytes, then a line that says what is missing; anything else exactly,
/// or resource_exhausted when it is larger.
void read_file_resource(const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                        const std::string& path, const ToolLimits& limits,
                        mcp::Reply<mcp::ResourceContents> reply);

}  // namespace rexec::tools
