// What of a writable directory of the host a sandbox cannot change: files that programs of the person would
// run later, outside of the sandbox.
//
// At the top of the directory: settings of editors and assistants (.vscode, .idea, .claude, .cursor,
// .mcp.json), .envrc and the start files of shells. In every git repository that is there when the sandbox
// starts: hooks, configuration, and what it leads to in the directory, whichever file of it says so: every
// core.hooksPath and every included file; and `commondir`, by which a repository can be told to take all that
// from elsewhere. Also in submodules, worktrees and bare repositories.
//
// What exists becomes a read-only mount, and every directory above it a mount of its own, since a mount point
// can be neither renamed nor removed, but the directory around it can. What does not exist yet gets a
// placeholder (placeholders.h). Not covered: repositories that the sandbox itself makes, scripts that a
// person runs by hand, what a hook leads to, settings of git that are not in a repository, and other names of
// the same file (hard links) that were there before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox-client/local/placeholders.h"

namespace rexec::sandbox {

inline constexpr std::size_t kMaxPins = 192;                 // of one directory
inline constexpr std::size_t kMaxSearchedEntries = 100'000;  // in the search for repositories
inline constexpr std::size_t kMaxSearchDepth = 8;

/// A path below the directory that becomes a mount of its own.
struct Pin {
  std::string path;  // relative, plain components
  UniqueFd fd;       // O_PATH
  bool read_only = true;
};

struct Protection {
  std::vector<Pin> pins;  // parents before what is in them
  bool complete = true;   // false: the search for repositories met one of its bounds
  bool followed = true;   // false: what git's configuration leads to is not all known, or not protected
};

/// Looks through `root`, never through a symbolic link; git's configuration is read where git reads it, which
/// may be elsewhere. `home` is what "~/" means there. `allowed`: protected paths that may be written, as a
/// path from the root or the end of one (".git/hooks" is that of every repository). failed_precondition when
/// a protected path is a symbolic link, which no mount can keep from being exchanged.
Result<Protection> find_protection(int root, const std::vector<std::string>& allowed,
                                   Placeholders& placeholders, const std::string& home = {});

}  // namespace rexec::sandbox
