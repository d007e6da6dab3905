#include <algorithm>
#include <iomanip>

#include "app/commands.h"
#include "base/similar.h"

namespace rexec::app {
namespace {

std::string first_sentence(const std::string& text) {
  const std::size_t end = text.find(". ");
  return text.substr(0, std::min(text.find('\n'), end == text.npos ? end : end + 1));
}

void print_list(std::ostream& out, const Json& tools) {
  std::size_t width = 0;
  for (const Json& tool : tools) width = std::max(width, find_string(tool, "name").value_or("").size());
  for (const Json& tool : tools) {
    out << std::left << std::setw(static_cast<int>(width)) << find_string(tool, "name").value_or("") << "  "
        << first_sentence(find_string(tool, "description").value_or("")) << '\n';
  }
}

void print_tool(std::ostream& out, const Json& tool) {
  out << find_string(tool, "name").value_or("") << "\n\n"
      << find_string(tool, "description").value_or("") << '\n';
  for (const auto& [key, title] :
       {std::pair{"inputSchema", "Arguments"}, {"outputSchema", "Structured result"}}) {
    if (const Json* schema = find(tool, key))
      out << '\n' << title << ":\n" << dump_json_pretty(*schema) << '\n';
  }
}

}  // namespace

int run_tools(Invocation& invocation) {
  Streams& streams = invocation.streams;
  const auto server = invocation.program.server();
  if (!server) {
    streams.err << "rexec-mcp: " << server.error().message << '\n';
    return kFailure;
  }
  const Json tools = (*server)->list_tools();
  const bool json = invocation.line.option("--output") == "json";
  if (invocation.line.arguments.empty()) {
    if (json) {
      streams.out << dump_json_pretty(tools) << '\n';
    } else {
      print_list(streams.out, tools);
    }
    return kSuccess;
  }
  const std::string& name = invocation.line.arguments.front();
  std::vector<std::string> known;
  for (const Json& tool : tools) {
    known.push_back(find_string(tool, "name").value_or(""));
    if (known.back() != name) continue;
    if (json) {
      streams.out << dump_json_pretty(tool) << '\n';
    } else {
      print_tool(streams.out, tool);
    }
    return kSuccess;
  }
  const auto similar = similar_names(name, known);
  return usage_error(streams,
                     "there is no tool \"" + name + "\"" +
                         (similar.empty() ? "" : "; did you mean " + quoted_alternatives(similar) + "?"));
}

}  // namespace rexec::app
