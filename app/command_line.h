// Splits the words of the command line into settings, a command, its options and its arguments.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rexec::app {

/// An option of one command. Without a placeholder it takes no value.
struct Option {
  std::string_view name;         // "--output"
  std::string_view placeholder;  // "text|json": one of these; "JSON": anything
  std::string_view summary;
};

inline constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

struct CommandLine {
  std::string command;  // empty when none was given
  std::vector<std::string> arguments;
  std::map<std::string, std::string> options;   // of the command, by name; without a value: ""
  std::map<std::string, std::string> settings;  // by name of the setting; of a list: one entry on a line
  std::optional<std::string> config_file;

  bool has(std::string_view option) const { return options.contains(std::string(option)); }
  std::string option(std::string_view name) const;
};

/// Flags may stand anywhere, as "--flag value" or "--flag=value"; what follows "--" is an argument. "--help"
/// and "--version" are the commands of these names. invalid_argument says what is wrong and what is like it.
Result<CommandLine> parse_command_line(std::span<const std::string> words);

}  // namespace rexec::app
