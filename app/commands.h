// The commands of rexec-mcp: one table, from which the command line is parsed and the help is written.
#pragma once

#include <istream>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "app/command_line.h"
#include "app/config.h"
#include "app/program.h"

namespace rexec::app {

/// Exit statuses of every command.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;     // a tool error, or a required prerequisite is missing
inline constexpr int kUsage = 2;       // the command line or the configuration is wrong
inline constexpr int kTimedOut = 124;  // `call --exit-code`: the command was ended by its timeout
inline constexpr int kSignalBase = 128;

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int in_fd = -1;  // what `in` reads, where there is one and nothing has been read yet
};

/// What a command gets. `config` holds the configuration, or why there is none: then only commands that can
/// do without are run.
struct Invocation {
  const CommandLine& line;
  const Result<LoadedConfig>& config;
  Program& program;
  Streams& streams;
};

struct Command {
  std::string_view name;
  std::string_view arguments;  // "TOOL [KEY=VALUE ...]"
  std::size_t min_arguments;
  std::size_t max_arguments;
  std::span<const Option> options;
  std::string_view summary;  // one line
  std::string_view details;  // paragraphs of `help COMMAND`
  bool needs_config;
  int (*run)(Invocation&);
};

std::span<const Command> commands();
const Command* find_command(std::string_view name);

int run_attach(Invocation& invocation);
int run_call(Invocation& invocation);
int run_config(Invocation& invocation);
int run_cp(Invocation& invocation);
int run_doctor(Invocation& invocation);
int run_help(Invocation& invocation);
int run_sandboxes(Invocation& invocation);
int run_stdio(Invocation& invocation);
int run_tools(Invocation& invocation);
int run_version(Invocation& invocation);
int run_watch(Invocation& invocation);

/// Prints "rexec-mcp: <message>" with what to do next, and returns kUsage.
int usage_error(Streams& streams, const std::string& message);

}  // namespace rexec::app
