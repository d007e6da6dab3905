// URIs of resources: which there are, and what one of them means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "mcp/resource.h"

namespace rexec::tools {

struct AboutUri {};
struct FileUri {
  std::string sandbox;
  std::string path;  // as tools take it: absolute, from ~, or from the sandbox's cwd; never empty
};
struct OutputUri {
  std::string sandbox;
  std::uint64_t process = 0;
};
struct ScreenUri {
  std::string sandbox;
  std::uint64_t terminal = 0;
};
struct RecordingUri {
  std::string sandbox;
  std::uint64_t terminal = 0;
};
using ResourceUri = std::variant<AboutUri, FileUri, OutputUri, ScreenUri, RecordingUri>;

/// What is published, in the order of schemas/resources.json.
const std::vector<mcp::ResourceInfo>& published_resources();
const std::vector<mcp::ResourceInfo>& published_templates();

/// not_found for a URI of no known form; invalid_argument for one whose path cannot be one.
Result<ResourceUri> parse_resource_uri(std::string_view uri);

std::string file_uri(const std::string& sandbox, const std::string& path);
std::string recording_uri(const std::string& sandbox, std::uint64_t terminal);

}  // namespace rexec::tools
