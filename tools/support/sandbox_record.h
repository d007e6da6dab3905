// What is known of a sandbox, in the two forms of an answer.
#pragma once

#include <string>

#include "base/json.h"
#include "sandbox-client/backend.h"

namespace rexec::tools {

inline constexpr std::string_view kAgentBackend = "agent";

Json record_json(const sandbox::SandboxRecord& record);
/// Some lines, each ended; the first begins with the name.
std::string record_text(const sandbox::SandboxRecord& record);

}  // namespace rexec::tools
