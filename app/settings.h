// The settings of rexec-mcp: one table, from which the flags, the environment variables, the schema of the
// configuration file and the documentation follow. A setting is one entry here and one member of Config.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "base/worker_pool.h"
#include "mcp/server.h"
#include "sandbox-client/local/local_backend.h"
#include "sandbox-client/manager.h"
#include "tools/services.h"
#include "transport/transport.h"

namespace rexec::app {

/// Effective values. Defaults are those of the layers they go to.
struct Config {
  LogLevel log_level = LogLevel::warning;
  LogFormat log_format = LogFormat::text;
  std::string backend = "local";
  Json templates = Json::object();                    // templates.h
  sandbox::Network network = sandbox::Network::none;  // the default sandbox's, and the most that one may have
  sandbox::LocalOptions local;
  sandbox::ManagerLimits sandboxes;
  bool persistent_default = false;  // whether the default sandbox outlives the server
  tools::ToolLimits tools;
  tools::RecordingOptions recording;
  mcp::ServerOptions server;
  WorkerPool::Options workers;
  transport::StdioOptions stdio;
  Json secrets = Json::object();  // see app/secret_settings.h
};

struct Setting {
  /// `list` is an array of texts: its flag may be repeated, and its variable has one text on a line. `object`
  /// has a schema of its own and is set in the configuration file only.
  enum class Type { text, choice, boolean, integer, seconds, list, object };

  std::string_view name;  // "log.level": a path in the configuration file
  Type type;
  std::string_view choices;  // of choice: "text|json"; of list: the form of an entry, "SRC:DST"
  double minimum;            // of integer and seconds
  double maximum;
  std::string_view summary;  // one sentence
  Json (*get)(const Config&);
  void (*set)(Config&, const Json&);     // a value that the schema accepts
  std::string (*automatic)() = nullptr;  // of text: what an empty value stands for
  std::string_view other_variable = {};  // a second environment variable, which yields to the first
  bool secret = false;                   // shown as asterisks
  Json (*schema)() = nullptr;            // of object
  /// What is wrong with a value that the schema accepts, or empty; nullptr: nothing ever is.
  std::string (*check)(const Json&) = nullptr;
};

/// Seconds, as files and flags have them.
Duration to_duration(const Json& seconds);

inline constexpr std::size_t kMaxListEntries = 64;  // of a list setting

/// In the order in which people read them: groups together.
std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);

/// Whether it has a flag and a variable.
bool has_flag(const Setting& setting);
std::string flag_name(const Setting& setting);          // "--log-level"
std::string variable_name(const Setting& setting);      // "REXEC_MCP_LOG_LEVEL"
std::string pointer_of(const Setting& setting);         // "/log/level"
std::string value_placeholder(const Setting& setting);  // "SECONDS", "text|json"

/// The value as people read it: text without quotes, what an empty value stands for, asterisks for a secret.
std::string display_value(const Setting& setting, const Json& value);

/// The value that a flag or a variable stands for: a string, or the array of a list's lines.
Json from_words(const Setting& setting, std::string_view words);

/// JSON Schema of the configuration file; schemas/config.json is its text.
Json settings_schema();
/// Markdown table of all settings, for docs/CONFIGURATION.md.
std::string settings_reference();

}  // namespace rexec::app
