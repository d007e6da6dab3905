// What the server offers besides tools: resources, prompts and completion over sandboxes. Callers see there
// what they see through tools, and nothing that is read makes a sandbox.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "mcp/server.h"
#include "tools/services.h"

namespace rexec::tools {

/// The sandbox of who names none.
inline constexpr std::string_view kDefaultSandbox = "default";

std::shared_ptr<mcp::ResourceProvider> make_resources(const Services& services);
std::vector<mcp::Prompt> make_prompts(const Services& services);
std::shared_ptr<mcp::Completer> make_completer(const Services& services);

/// All of them.
mcp::Features make_features(const Services& services);

}  // namespace rexec::tools
