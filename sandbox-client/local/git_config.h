// Files of git's configuration (git-config(1), "Configuration file"), read as git reads them, and what of
// them makes git run or obey other files.
//
// Conditions of includes are not looked at: what may hold at some time is taken to hold. Nothing is followed
// that git would take from elsewhere (environment, command line).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rexec::sandbox {

struct GitSetting {
  std::string section;                    // lower case
  std::optional<std::string> subsection;  // as it is written; of "[a.b]" lower case
  std::string key;                        // lower case
  std::string value;                      // without value: empty
};

struct GitConfig {
  std::vector<GitSetting> settings;  // those before what git would refuse
  bool complete = true;              // false: git refuses the file
};

GitConfig parse_git_config(std::string_view text);

inline constexpr std::size_t kMaxGitConfig = 1 << 20;   // bytes of one file
inline constexpr std::size_t kMaxGitIncludeDepth = 10;  // git's own
inline constexpr std::size_t kMaxGitConfigs = 64;       // files of one repository

/// What several files say together, with what they include.
struct GitPaths {
  std::vector<std::string> hooks;      // values of core.hooksPath: absolute, or relative to where hooks run
  std::vector<std::string> worktrees;  // values of core.worktree, absolute or relative to the repository
  std::vector<std::string> included;   // absolute paths of included files, whether they are there or not
  bool complete = true;                // false: a bound was met, or something cannot be read or resolved
};

/// A whole regular file. Nothing else is opened, since opening a device can do something; not_found when
/// there is none, resource_exhausted when it is longer.
Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes);

/// Reads `files`, absolute paths, which need not exist. `home` is what "~/" stands for.
GitPaths read_git_paths(const std::vector<std::string>& files, const std::string& home);

}  // namespace rexec::sandbox
