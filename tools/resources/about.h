// rexec://about: policy, limits and sandboxes as one text.
#pragma once

#include <string>
#include <vector>

#include "sandbox-client/backend.h"
#include "tools/services.h"

namespace rexec::tools {

/// Markdown. What a sandbox says of itself is not in it.
std::string about_text(const Services& services, const std::vector<sandbox::SandboxRecord>& records);

}  // namespace rexec::tools
