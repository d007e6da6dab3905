// The sandboxes that a command reaches which made none itself: persistent ones, and those of this user's
// servers while these run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/program.h"
#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::app {

/// All of them, whichever principal they belong to; those that cannot be read have a `problem`.
Result<std::vector<sandbox::SandboxRecord>> reachable_sandboxes(sandbox::Backend& backend, const Op& op);

/// Those that are meant by `name`, a name or an id.
std::vector<sandbox::SandboxRecord> sandboxes_named(const std::vector<sandbox::SandboxRecord>& records,
                                                    const std::string& name);

/// A client of one that runs. The program outlives it.
Result<std::shared_ptr<sandbox::Runner>> connect_to(Program& program, const sandbox::SandboxRecord& record,
                                                    const Op& op);

}  // namespace rexec::app
