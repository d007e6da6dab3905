// What isolates a process, as the kernel tells it from outside.
//
// Nothing that runs in a sandbox is asked: namespaces are compared by their inode numbers (/proc/<pid>/ns),
// the rest is read from /proc/<pid>/status (proc(5)). The reader must be root or have made the namespaces.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::sandbox {

/// The facts of /proc/<pid>/status that matter here.
struct ProcessFacts {
  pid_t parent = 0;
  std::vector<uid_t> uids;  // real, effective, saved, file system; as this process sees them
  pid_t innermost_pid = 0;  // in its own pid namespace
  int seccomp = -1;
  int no_new_privileges = -1;
  bool no_capabilities = false;  // all five sets are empty
};

/// From the text of a status file; absent lines leave the defaults, which satisfy nobody.
ProcessFacts parse_status(std::string_view text);
Result<ProcessFacts> read_facts(pid_t pid);

/// True once the seccomp filter is there, the last thing that bwrap installs before it executes the runner.
bool is_sealed(const ProcessFacts& facts);

/// Verifies a sandbox's pid 1 and says what was found, e.g. "namespaces(user,pid,mount,ipc,uts,cgroup,net)+
/// seccomp+no-new-privs". failed_precondition names what is missing. A cgroup namespace is not missed on a
/// kernel that has none; the network namespace is not missed when `network` is the host's.
Result<std::string> verify_isolation(pid_t pid, uid_t user, Network network);

}  // namespace rexec::sandbox
