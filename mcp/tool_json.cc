#include "mcp/tool_json.h"

#include <utility>

#include "base/encoding.h"
#include "mcp/envelope.h"

namespace rexec::mcp {
namespace {

Json to_json(Content content) {
  Json block = Json::object();
  switch (content.kind) {
    case Content::Kind::text:
      block["type"] = "text";
      block["text"] = std::move(content.text);
      break;
    case Content::Kind::image:
      block["type"] = "image";
      block["data"] = base64_encode(content.data);
      block["mimeType"] = std::move(content.mime_type);
      break;
  }
  return block;
}

}  // namespace

Json to_json(ToolResult result, ProtocolVersion version) {
  Json blocks = Json::array();
  for (Content& content : result.content) blocks.push_back(to_json(std::move(content)));
  Json json{{"content", std::move(blocks)}};
  if (result.structured && has_structured_content(version)) {
    json["structuredContent"] = *std::move(result.structured);
  }
  if (result.is_error) json["isError"] = true;
  return json;
}

Json to_json(std::map<std::string, InputRequest> requests) {
  Json json = Json::object();
  for (auto& [key, request] : requests) {
    json[key] = Json{{"method", std::move(request.method)}, {"params", std::move(request.params)}};
  }
  return json;
}

Json missing_capabilities(const std::map<std::string, InputRequest>& requests, const Json& declared) {
  Json missing = Json::object();
  for (const auto& [key, request] : requests) {
    if (request.method == "elicitation/create") {
      const std::string mode = find_string(request.params, "mode").value_or("form");
      if (can_elicit(declared, mode)) continue;
      missing.emplace("elicitation", Json::object());
      if (mode != "form") missing["elicitation"][mode] = Json::object();
    } else {
      const std::string capability = request.method.substr(0, request.method.find('/'));
      if (!find(declared, capability)) missing.emplace(capability, Json::object());
    }
  }
  return missing;
}

}  // namespace rexec::mcp
