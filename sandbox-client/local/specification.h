// What a specification asks for, checked against what the configuration allows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/launch.h"
#include "sandbox-client/local/local_backend.h"

namespace rexec::sandbox {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The environment of everything in the sandbox. invalid_argument for what execve(2) would not take.
Result<Environment> environment_for(const SandboxSpec& spec);

/// The limits asked for, or the configuration's; permission_denied for more than these.
Result<SandboxLimits> limits_for(const SandboxSpec& spec, const LocalOptions& options);

}  // namespace rexec::sandbox
