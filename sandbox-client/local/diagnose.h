// The findings of the local backend, for `doctor`.
#pragma once

#include <optional>
#include <vector>

#include "base/deadline.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/launch.h"
#include "sandbox-client/local/state_directory.h"

namespace rexec::sandbox {

/// Makes one sandbox with its home in memory, verifies it and ends it; nothing remains on disk.
std::vector<Finding> diagnose_local(const std::string& configured_bubblewrap, std::optional<uid_t> user,
                                    const StateDirectory& state, const Op& op);

}  // namespace rexec::sandbox
