// The runner of a sandbox that outlives its server, seen through one file of the sandbox's directory.
//
// The file `alive` carries a lock of its open file description (F_OFD_SETLK, fcntl(2)). The description is
// shared with bwrap and with the runner, so the kernel keeps the lock until both have ended, however that
// comes about, and across servers and restarts of the machine nobody is mistaken for somebody else. Into the
// same file bwrap writes one JSON object when the sandbox has started and one when it has ended (bwrap(1),
// --json-status-fd), from which it is known whom to kill and whether the end was that of the lease. A runner
// that ends because of its mounts adds one that says why.
//
// Whoever starts, ends or removes a sandbox holds the directory's lock meanwhile (state_directory.h).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

/// The exit status of a runner whose lease was over (runner/wire.h).
inline constexpr int kLeaseOver = 75;
/// That of a runner that ended because a mount was gone which protects files of the host.
inline constexpr int kMountLost = 76;
/// Precedes the reason in the line that such a runner writes to standard error.
inline constexpr std::string_view kMountLostPrefix = "rexec-runner: ended: ";

/// `text` as part of a message: printable ASCII, of bounded length.
std::string shown_reason(std::string_view text);

struct KeptStatus {
  struct Started {
    pid_t pid = 0;                    // of pid 1, outside
    std::uint64_t pid_namespace = 0;  // inode
  };
  std::optional<Started> started;
  std::optional<int> exit_code;  // of pid 1
  std::string ended;             // what the runner wrote of why it ended
};

/// From what bwrap wrote; lines that are not understood are ignored.
KeptStatus parse_kept_status(std::string_view text);
KeptStatus read_kept_status(int fd);

/// The state of the sandbox whose directory is open as `directory`.
struct KeptState {
  bool running = false;
  bool lease_over = false;  // it has ended, because its lease was over
  std::string ended;        // why the runner ended itself; empty when it did not, or in an ordinary way
};
KeptState look_at_kept(int directory);

/// An emptied and locked `alive` for a new start; already_exists while the last one runs.
Result<UniqueFd> claim_alive(int directory);

/// Kills the sandbox and waits until everything in it has ended; nothing when it does not run.
Status end_kept(int directory, const Op& op);

}  // namespace rexec::sandbox
