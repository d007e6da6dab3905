#include "tools/resources/uris.h"

#include <utility>

#include "base/json.h"
#include "mcp/uri_template.h"
#include "tools/resources/texts.h"
#include "tools/support/arguments.h"
#include "tools/support/terminal_answer.h"

namespace rexec::tools {
namespace {

constexpr std::string_view kAbout = "rexec://about";

/// The file is part of the program, and tests/unit/tools_resources_test.cc reads all of it.
std::vector<mcp::ResourceInfo> read_infos(const char* list, const char* uri_member) {
  std::vector<mcp::ResourceInfo> infos;
  const auto file = parse_json(kResourcesText);
  const Json* entries = file ? find(*file, list) : nullptr;
  if (entries == nullptr) return infos;
  for (const Json& entry : *entries) {
    infos.push_back({find_string(entry, uri_member).value_or(""), find_string(entry, "name").value_or(""),
                     find_string(entry, "title").value_or(""), find_string(entry, "description").value_or(""),
                     find_string(entry, "mimeType").value_or("")});
  }
  return infos;
}

const mcp::UriTemplate& file_template() {
  static const auto parsed = mcp::UriTemplate::parse("rexec://{sandbox}/files/{+path}").value();
  return parsed;
}

const mcp::UriTemplate& output_template() {
  static const auto parsed = mcp::UriTemplate::parse("rexec://{sandbox}/processes/{process}/output").value();
  return parsed;
}

const mcp::UriTemplate& screen_template() {
  static const auto parsed = mcp::UriTemplate::parse("rexec://{sandbox}/terminals/{terminal}/screen").value();
  return parsed;
}

const mcp::UriTemplate& recording_template() {
  static const auto parsed =
      mcp::UriTemplate::parse("rexec://{sandbox}/terminals/{terminal}/recording").value();
  return parsed;
}

Result<std::uint64_t> terminal_of(const std::string& name) {
  if (const auto number = parse_terminal_name(name)) return *number;
  return Error{ErrorCode::not_found, "a terminal is named like t1, not " + in_quotes(name)};
}

}  // namespace

const std::vector<mcp::ResourceInfo>& published_resources() {
  static const auto infos = read_infos("resources", "uri");
  return infos;
}

const std::vector<mcp::ResourceInfo>& published_templates() {
  static const auto infos = read_infos("templates", "uri");
  return infos;
}

Result<ResourceUri> parse_resource_uri(std::string_view uri) {
  if (uri == kAbout) return ResourceUri(AboutUri{});
  if (auto values = file_template().match(uri)) {
    FileUri file{std::move((*values)["sandbox"]), std::move((*values)["path"])};
    if (file.path.empty()) file.path = ".";
    if (file.path.find('\0') != std::string::npos || file.path.size() > kMaxPathBytes)
      return Error{ErrorCode::invalid_argument, "the path of the URI is too long, or has a NUL in it"};
    return ResourceUri(std::move(file));
  }
  if (auto values = output_template().match(uri)) {
    const auto process = parse_process_name((*values)["process"]);
    if (!process) {
      return Error{ErrorCode::not_found,
                   "a process is named like p7, not " + in_quotes((*values)["process"])};
    }
    return ResourceUri(OutputUri{std::move((*values)["sandbox"]), *process});
  }
  if (auto values = screen_template().match(uri)) {
    ASSIGN_OR_RETURN(const std::uint64_t terminal, terminal_of((*values)["terminal"]));
    return ResourceUri(ScreenUri{std::move((*values)["sandbox"]), terminal});
  }
  if (auto values = recording_template().match(uri)) {
    ASSIGN_OR_RETURN(const std::uint64_t terminal, terminal_of((*values)["terminal"]));
    return ResourceUri(RecordingUri{std::move((*values)["sandbox"]), terminal});
  }
  return Error{ErrorCode::not_found,
               "there are rexec://about, rexec://SANDBOX/files/PATH, "
               "rexec://SANDBOX/processes/PROCESS/output, rexec://SANDBOX/terminals/TERMINAL/screen and "
               "rexec://SANDBOX/terminals/TERMINAL/recording"};
}

std::string file_uri(const std::string& sandbox, const std::string& path) {
  return file_template().expand({{"sandbox", sandbox}, {"path", path}});
}

std::string recording_uri(const std::string& sandbox, std::uint64_t terminal) {
  return recording_template().expand({{"sandbox", sandbox}, {"terminal", terminal_name(terminal)}});
}

}  // namespace rexec::tools
