#include "app/run.h"

#include <unistd.h>

namespace rexec::app {

int usage_error(Streams& streams, const std::string& message) {
  streams.err << "rexec-mcp: " << message << "\nTry: rexec-mcp help\n";
  return kUsage;
}

int run(std::span<const std::string> words, const Environment& environment, Streams streams,
        const MakeProgram& make_program) {
  auto line = parse_command_line(words);
  if (!line) return usage_error(streams, line.error().message);
  if (line->command.empty()) {
    if (!line->arguments.empty()) return usage_error(streams, "no command was given");
    line->command = streams.in_is_terminal ? "help" : "stdio";
  }
  const Command& command = *find_command(line->command);

  const auto config = load_config({environment, line->settings, line->config_file});
  if (!config && command.needs_config) {
    streams.err << "rexec-mcp: the configuration is not valid\n" << config.error().message << '\n';
    return kUsage;
  }
  const Config values = config ? config->config : Config{};
  configure_log(values.log_level, values.log_format, STDERR_FILENO);
  if (config) {
    for (const std::string& warning : config->warnings) log(LogLevel::warning, "config", warning);
  }

  const std::unique_ptr<Program> program = make_program(values);
  Invocation invocation{*line, config, *program, streams};
  const int status = command.run(invocation);
  streams.out.flush();
  return status == kSuccess && !streams.out ? kFailure : status;
}

}  // namespace rexec::app
