#include <algorithm>

#include "app/commands.h"
#include "base/similar.h"

namespace rexec::app {
namespace {

constexpr std::size_t kCommandColumn = 10;
constexpr std::size_t kFlagColumn = 34;
constexpr std::size_t kTextWidth = 66;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

/// `text` in lines of kTextWidth, those after the first indented.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string lines;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > 0 && column + 1 + word.size() > kTextWidth) {
      lines += '\n' + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines;
}

void print_flag(std::ostream& out, std::string_view name, std::string_view placeholder,
                std::string_view summary) {
  std::string flag = "  " + std::string(name);
  if (!placeholder.empty()) flag += ' ' + std::string(placeholder);
  if (flag.size() >= kFlagColumn) {
    out << flag << '\n' << std::string(kFlagColumn, ' ');
  } else {
    out << padded(std::move(flag), kFlagColumn);
  }
  out << wrapped(summary, kFlagColumn) << '\n';
}

void print_overview(std::ostream& out) {
  out << "rexec-mcp gives coding assistants sandboxes through the Model Context Protocol.\n\n"
         "Usage: rexec-mcp [COMMAND] [ARGUMENTS] [FLAGS]\n\nCommands:\n";
  for (const Command& command : commands()) {
    out << "  " << padded(std::string(command.name), kCommandColumn) << command.summary << '\n';
  }
  out << "\nWithout a command: stdio when standard input is not a terminal, else help.\n\nFlags:\n";
  print_flag(out, "--config", "PATH", "The configuration file.");
  for (const Setting& setting : settings()) {
    if (!has_flag(setting)) continue;
    std::string summary(setting.summary);
    summary += " Default: " + display_value(setting, setting.get(Config{})) + ".";
    print_flag(out, flag_name(setting), value_placeholder(setting), summary);
  }
  out << "\nA flag for a list may be repeated. Each flag is also a setting of the configuration file and an\n"
         "environment variable: see rexec-mcp help config.\n";
}

void print_command(std::ostream& out, const Command& command) {
  out << command.summary << "\n\nUsage: rexec-mcp " << command.name;
  if (!command.arguments.empty()) out << ' ' << command.arguments;
  out << " [FLAGS]\n";
  if (!command.details.empty()) out << '\n' << command.details;
  if (!command.options.empty()) out << "\nFlags:\n";
  for (const Option& option : command.options)
    print_flag(out, option.name, option.placeholder, option.summary);
}

}  // namespace

int run_help(Invocation& invocation) {
  const auto& arguments = invocation.line.arguments;
  if (arguments.empty()) {
    print_overview(invocation.streams.out);
    return kSuccess;
  }
  if (const Command* command = find_command(arguments.front())) {
    print_command(invocation.streams.out, *command);
    return kSuccess;
  }
  std::vector<std::string> known;
  for (const Command& command : commands()) known.emplace_back(command.name);
  const auto similar = similar_names(arguments.front(), known);
  return usage_error(invocation.streams,
                     "there is no command \"" + arguments.front() + "\"" +
                         (similar.empty() ? "" : "; did you mean " + quoted_alternatives(similar) + "?"));
}

int run_version(Invocation& invocation) {
  invocation.streams.out << "rexec-mcp " << REXEC_VERSION << '\n';
  return kSuccess;
}

}  // namespace rexec::app
