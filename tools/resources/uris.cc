#include "tools/resources/uris.h"

#include <utility>

#include "base/json.h"
#include "mcp/uri_template.h"
#include "tools/resources/texts.h"
#include "tools/support/arguments.h"

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
  return Error{ErrorCode::not_found,
               "there are rexec://about, rexec://SANDBOX/files/PATH and "
               "rexec://SANDBOX/processes/PROCESS/output"};
}

std::string file_uri(const std::string& sandbox, const std::string& path) {
  return file_template().expand({{"sandbox", sandbox}, {"path", path}});
}

}  // namespace rexec::tools
