// Resource limits of a sandbox that runs, set and read from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::sandbox {

/// Processes of one sandbox, by the kernel's count for its own user namespace.
inline constexpr std::uint64_t kMaxProcesses = 4096;
inline constexpr std::uint64_t kMaxOpenFiles = 65536;  // of one process

/// The hard limit of a line of /proc/<pid>/limits, such as "Max processes"; nullopt when it is unlimited or
/// absent.
std::optional<std::uint64_t> parse_hard_limit(std::string_view limits, std::string_view line);

/// Sets RLIMIT_NPROC of `init`, the pid 1 of a sandbox that runs as `user`, so that everything started in it
/// later inherits it. Since Linux 5.14 the count is per user namespace; before, it is of the user on the
/// whole machine, and nothing is set. Then says which limits are in force, as the kernel shows them.
/// `file_mb`: the bound on a file's size that the sandbox was started with; 0: none.
std::vector<Limit> apply_limits(pid_t init, std::optional<uid_t> user, std::uint64_t file_mb = 0);

}  // namespace rexec::sandbox
