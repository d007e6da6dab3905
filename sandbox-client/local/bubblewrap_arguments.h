// The command line of bubblewrap, from a checked description.
//
// A pure function, so that its one promise can be tested: whatever the fields hold, the options and their
// order are the ones written here. Every value stands in the operand position of an option that takes a fixed
// number of operands, is checked to be what that position needs, and a value that is not is an error. Nothing
// of a request (names, labels, environment, commands) is among the fields: commands reach a sandbox over the
// runner's channel only. Needs bubblewrap 0.8.0 (--disable-userns). Source: bwrap(1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::sandbox {

inline constexpr const char* kSandboxHome = "/home/user";
inline constexpr const char* kRunnerPath = "/run/rexec/runner";
inline constexpr unsigned kSandboxUser = 1000;  // uid and gid inside

/// A file that is copied into the sandbox's read-only root.
struct CopiedFile {
  std::string path;  // inside: /etc/…
  int fd = -1;       // read from its current offset to its end
};

/// What a descriptor stands for, file or directory, shown in the sandbox.
struct Bind {
  int fd = -1;
  std::string destination;
  bool read_only = true;
};

/// Of a sandbox that outlives its server.
struct KeptLayout {
  int listen_fd = -1;  // the runner's listening socket
  int secret_fd = -1;  // the secret's bytes
  int alive_fd = -1;   // the runner keeps it open to its end, and may write there why it ended
  int status_fd = -1;  // bwrap keeps it open to its end, and writes there what its --json-status-fd is for
  std::uint64_t idle_s = 0;
  std::int64_t expires_unix_ms = 0;
};

/// Of one that ends with its server, and that others may visit meanwhile.
struct VisitLayout {
  int listen_fd = -1;  // the runner's listening socket, beside its channel
  int secret_fd = -1;  // the secret's bytes
};

struct SandboxLayout {
  std::vector<std::pair<std::string, std::string>>
      links;                           // in the root: name such as "lib64", target "usr/lib64"
  std::vector<std::string> read_only;  // directories of the host, shown at the same path
  std::vector<CopiedFile> files;
  std::vector<std::string> hidden;  // files of /proc that cannot be opened
  std::string home;                 // the host's directory behind kSandboxHome; empty: private and in memory
  std::vector<Bind> binds;          // in the order in which they are made, which is after all the rest
  std::vector<std::pair<std::string, std::string>> env;  // of the runner itself
  Network network = Network::none;
  std::uint64_t memory_mb = 0;  // bounds what lies in memory as files: /tmp and the like; 0: nothing does
  std::uint64_t watched_memory_mb = 0;  // limits that the runner enforces; 0: none
  std::uint64_t watched_disk_mb = 0;
  int runner_fd = -1;   // the runner's bytes
  int seccomp_fd = -1;  // the filter's bytes
  int info_fd = -1;     // where bwrap writes the pid of the sandbox's pid 1, as JSON
  int channel_fd = -1;  // the runner's end of the channel
  int guard_fd = -1;    // what guarded_mounts() says; exactly when there are binds
  std::optional<VisitLayout> visit;
  std::optional<KeptLayout> kept;  // instead of info_fd, channel_fd and visit, and of dying with the parent
};

/// Whether something may be mounted at `path`: a plain absolute path that hides nothing that a sandbox needs.
bool may_hold_mount(std::string_view path);

/// What the runner is to watch of them (runner/mount_table.h).
std::string guarded_mounts(const std::vector<Bind>& binds);

/// argv, "bwrap" first. invalid_argument names the field that is not acceptable: paths are absolute, without
/// empty, "." and ".." components; `read_only` is below /usr, /opt, /etc, /bin, /sbin or /lib*; `hidden` is
/// below /proc; destinations of `binds` may hold a mount and differ; names of the environment are
/// identifiers; nothing contains NUL; descriptors are above 2 and differ.
Result<std::vector<std::string>> bubblewrap_arguments(const SandboxLayout& layout);

}  // namespace rexec::sandbox
