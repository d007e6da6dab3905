// A SandboxManager whose sandboxes are used through masking runners: whoever gets a sandbox from it, in
// whatever tool, gets masked bytes.
#pragma once

#include <memory>

#include "sandbox-client/manager.h"
#include "tools/secrets.h"

namespace rexec::tools {

/// Both outlive it. acquire() and find() fail while the secrets cannot be read; try_acquire() answers nullopt
/// until they have been.
std::unique_ptr<sandbox::SandboxManager> make_masking_manager(sandbox::SandboxManager& manager,
                                                              Secrets& secrets);

}  // namespace rexec::tools
