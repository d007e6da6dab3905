// The configuration in force: defaults < file < environment < flags, checked, with the origin of each value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/settings.h"
#include "base/result.h"

namespace rexec::app {

using Environment = std::map<std::string, std::string>;

/// The variables of this process that concern the configuration: REXEC_*, XDG_CONFIG_HOME and HOME.
Environment process_environment();

struct ConfigSources {
  Environment environment;
  std::map<std::string, std::string> flags;  // by name of the setting; of a list: one entry on a line
  std::optional<std::string> file;           // --config; such a file must exist
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string> origins;  // by name of the setting; absent: the default
  std::string file;                            // that was read; empty: none
  std::vector<std::string> warnings;
};

/// invalid_argument lists every problem, one on a line, each with its place: file, line and JSON pointer, the
/// variable, or the flag. unsupported for a backend that this version does not have.
Result<LoadedConfig> load_config(const ConfigSources& sources);

/// $XDG_CONFIG_HOME/rexec-mcp/config.json, else the same under ~/.config; empty when neither is known.
std::string default_config_file(const Environment& environment);

}  // namespace rexec::app
