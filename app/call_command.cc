#include <algorithm>
#include <csignal>
#include <cstring>
#include <iterator>

#include "app/commands.h"
#include "app/interruption.h"
#include "app/terminal_filter.h"
#include "base/utf8.h"

namespace rexec::app {
namespace {

const Json* find_tool(const Json& tools, std::string_view name) {
  const auto found =
      std::ranges::find_if(tools, [&](const Json& tool) { return find_string(tool, "name") == name; });
  return found == tools.end() ? nullptr : &*found;
}

/// Whether the tool's schema wants something other than text for `key`, so that JSON is meant by [ and {.
bool wants_structure(const Json& tool, const std::string& key) {
  const Json* schema = find(tool, "inputSchema");
  const Json* properties = schema == nullptr ? nullptr : find(*schema, "properties");
  const Json* property = properties == nullptr ? nullptr : find(*properties, key);
  const auto type = property == nullptr ? std::nullopt : find_string(*property, "type");
  return type == "array" || type == "object";
}

/// {"key": value} of KEY=VALUE words; a key that comes again makes a list.
Result<Json> arguments_of_words(std::span<const std::string> words, const Json& tool) {
  Json arguments = Json::object();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == word.npos || equals == 0) {
      return Error{ErrorCode::invalid_argument, "\"" + word + "\" is not of the form KEY=VALUE"};
    }
    const std::string key = word.substr(0, equals);
    Json value = to_valid_utf8(std::string_view(word).substr(equals + 1));
    const auto& text = value.get_ref<const std::string&>();
    if ((text.starts_with('[') || text.starts_with('{')) && wants_structure(tool, key)) {
      auto parsed = parse_json(text);
      if (!parsed) return with_context(key, std::move(parsed).error());
      value = std::move(parsed).value();
    }
    Json& place = arguments[key];
    if (place.is_null()) {
      place = std::move(value);
    } else {
      if (!place.is_array()) place = Json::array({std::move(place)});
      place.push_back(std::move(value));
    }
  }
  return arguments;
}

Result<Json> read_arguments(Invocation& invocation, const Json& tool) {
  const std::span<const std::string> words = std::span(invocation.line.arguments).subspan(1);
  if (!invocation.line.has("--json")) return arguments_of_words(words, tool);
  if (!words.empty()) {
    return Error{ErrorCode::invalid_argument, "arguments are given either as KEY=VALUE or with --json"};
  }
  std::string text = invocation.line.option("--json");
  if (text == "-") text.assign(std::istreambuf_iterator<char>(invocation.streams.in), {});
  auto parsed = parse_json(text);
  if (!parsed) return with_context("--json", std::move(parsed).error());
  if (!parsed->is_object()) return Error{ErrorCode::invalid_argument, "--json: expected an object"};
  return parsed;
}

Json to_json(const mcp::ToolResult& result) {
  if (result.structured) return *result.structured;
  Json content = Json::array();
  for (const mcp::Content& block : result.content) {
    if (block.kind == mcp::Content::Kind::text) {
      content.push_back({{"type", "text"}, {"text", block.text}});
    } else {
      content.push_back({{"type", "image"}, {"mimeType", block.mime_type}, {"bytes", block.data.size()}});
    }
  }
  return {{"content", std::move(content)}, {"isError", result.is_error}};
}

std::string to_text(const mcp::ToolResult& result) {
  std::string text;
  for (const mcp::Content& block : result.content) {
    text += block.kind == mcp::Content::Kind::text
                ? block.text
                : "[" + block.mime_type + ", " + std::to_string(block.data.size()) + " bytes]";
    if (!text.empty() && text.back() != '\n') text += '\n';
  }
  return text;
}

/// The status a shell would report for the command of an exec; kFailure when it has not ended.
int exit_code_of(const mcp::ToolResult& result) {
  if (!result.structured) return kFailure;
  const std::string status = find_string(*result.structured, "status").value_or("");
  if (status == "exited")
    return static_cast<int>(find_integer(*result.structured, "exit_code").value_or(kFailure));
  if (status == "timed_out") return kTimedOut;
  if (status == "signaled") {
    const std::string signal = find_string(*result.structured, "signal").value_or("");
    for (int number = 1; number < NSIG; ++number) {
      const char* name = ::sigabbrev_np(number);
      if (name != nullptr && signal == "SIG" + std::string(name)) return kSignalBase + number;
    }
  }
  return kFailure;
}

void print(Streams& streams, const std::string& text, bool is_error, bool json) {
  std::ostream& out = is_error && !json ? streams.err : streams.out;
  const bool terminal = is_error && !json ? streams.err_is_terminal : streams.out_is_terminal;
  out << (terminal ? filter_for_terminal(to_valid_utf8(text)) : text);
}

}  // namespace

int run_call(Invocation& invocation) {
  Streams& streams = invocation.streams;
  const std::string& name = invocation.line.arguments.front();
  const bool pass_exit_code = invocation.line.has("--exit-code");
  if (pass_exit_code && name != "exec") return usage_error(streams, "--exit-code is for the tool exec");

  const auto server = invocation.program.server();
  if (!server) {
    streams.err << "rexec-mcp: " << server.error().message << '\n';
    return kFailure;
  }
  const Json tools = (*server)->list_tools();
  const Json* tool = find_tool(tools, name);
  auto arguments = read_arguments(invocation, tool == nullptr ? Json() : *tool);
  if (!arguments) return usage_error(streams, arguments.error().message);

  const Interruption interruption;
  const auto progress = [&](std::string_view message) {
    if (streams.err_is_terminal)
      streams.err << "... " << filter_for_terminal(to_valid_utf8(message)) << std::endl;
  };
  const auto result = (*server)->call(name, std::move(*arguments), std::string(kLocalPrincipal),
                                      Op{interruption.token()}, progress);
  invocation.program.shutdown();
  if (interruption.signal() != 0) return kSignalBase + interruption.signal();
  if (!result && result.error().code == ErrorCode::not_found)
    return usage_error(streams, result.error().message);
  if (!result) {
    streams.err << "rexec-mcp: " << result.error().message << '\n';
    return kFailure;
  }
  const bool json = invocation.line.option("--output") == "json";
  print(streams, json ? dump_json_pretty(to_json(*result)) + '\n' : to_text(*result), result->is_error, json);
  if (result->is_error) return kFailure;
  return pass_exit_code ? exit_code_of(*result) : kSuccess;
}

}  // namespace rexec::app
