// Sandboxes on this machine: bubblewrap namespaces around a runner that is pid 1 inside.
//
// A sandbox has its own user, pid, mount, ipc, uts, cgroup and network namespaces, a read-only system,
// private /tmp, /dev, /proc and /etc, no capabilities, no new privileges, a seccomp filter, no further user
// namespaces, and one writable directory on disk, its home, besides the directories that the options name.
// bubblewrap never runs as root: a server that does starts it as a dedicated uid. If any part of this cannot
// be had, create() fails and says what to do; there is no lesser form. See docs/DESIGN.md for why each piece
// is there.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/mounts.h"

namespace rexec::sandbox {

struct LocalOptions {
  std::string state_directory;      // empty: default_state_directory()
  uid_t sandbox_uid = 64434;        // used when the server runs as root
  std::string bubblewrap;           // path of bwrap; empty: looked up in the usual places
  bool allow_host_network = false;  // whether a spec may ask for Network::host
  MountOptions mounts;              // what every sandbox is shown of the host
  // Of each sandbox, and the most that a specification may ask for; 0: no limit.
  std::uint64_t memory_mb = 0;
  std::uint64_t cpus = 0;
  std::uint64_t disk_mb = 0;  // of the home
  std::uint64_t file_mb = 0;  // of one file
};

/// $REXEC_STATE_DIR, else /var/lib/rexec-mcp for root, else $XDG_STATE_HOME/rexec-mcp or
/// ~/.local/state/rexec-mcp. Creates nothing.
std::string default_state_directory();

/// Creates nothing until the first sandbox is made.
std::unique_ptr<Backend> make_local_backend(LocalOptions options, Reactor& reactor);

}  // namespace rexec::sandbox
