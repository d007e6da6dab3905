// Directories of this machine that a person gives to local sandboxes.
//
// Only the configuration names them; nothing of a request is among the fields. A source is opened once, and
// the descriptor is what bubblewrap binds, so exchanging a path between check and use changes nothing. What
// of a writable one stays read-only is decided in protected_paths.h.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox-client/local/bubblewrap_arguments.h"
#include "sandbox-client/local/placeholders.h"

namespace rexec::sandbox {

inline constexpr const char* kWorkspace = "/workspace";
inline constexpr std::size_t kMaxMounts = 32;

struct HostMount {
  std::string source;       // relative: to the server's working directory
  std::string destination;  // absolute, in the sandbox
  bool read_only = false;

  friend bool operator==(const HostMount&, const HostMount&) = default;
};

/// What a person configured.
struct MountOptions {
  std::string workspace;                 // writable at kWorkspace; empty: none
  std::vector<HostMount> mounts;         // further ones
  std::vector<std::string> allow_write;  // protected paths that may be written nevertheless

  bool empty() const { return workspace.empty() && mounts.empty(); }
};

/// "SRC:DST" or "SRC:DST:ro". invalid_argument says what is wrong.
Result<HostMount> parse_mount(std::string_view text);

/// Whether sandboxes can have all of these at once: each destination is a plain absolute path that hides
/// nothing that a sandbox needs, and none lies in another. Looks at no file.
Status check_mounts(const MountOptions& options);

/// The mounts of one sandbox, opened.
struct OpenMounts {
  std::vector<Bind> binds;  // borrows from `kept`; parents before what is in them
  std::vector<UniqueFd> kept;
  std::vector<Placeholders> placeholders;  // to be kept until the sandbox has ended
  std::vector<std::string> described;      // for the record: "/home/me/project at /workspace, read-write"
  std::vector<std::string> notes;          // what is reduced
};

/// Opens and checks every source. `user`: whom the sandboxes run as, when that is not the server's user;
/// `state`: the state directory, which no mount may show. failed_precondition says what to do.
Result<OpenMounts> open_mounts(const MountOptions& options, std::optional<uid_t> user,
                               const std::string& state);

/// Whether `binds` are what a process sees, from the text of its mountinfo (proc(5)). failed_precondition
/// names the first that is not.
Status verify_binds(const std::vector<Bind>& binds, std::string_view mountinfo);

}  // namespace rexec::sandbox
