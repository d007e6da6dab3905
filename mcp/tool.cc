#include "mcp/tool.h"

#include <utility>

#include "base/utf8.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kMaxFailureChars = 2000;

}  // namespace

Content Content::from_text(std::string text) {
  Content content;
  content.text = std::move(text);
  return content;
}

Content Content::from_image(std::string bytes, std::string mime_type) {
  Content content;
  content.kind = Kind::image;
  content.data = std::move(bytes);
  content.mime_type = std::move(mime_type);
  return content;
}

ToolResult ToolResult::text(std::string text) {
  ToolResult result;
  result.content.push_back(Content::from_text(std::move(text)));
  return result;
}

ToolResult ToolResult::failure(std::string text) {
  text = to_valid_utf8(text);
  const auto cut = utf8_prefix(text, kMaxFailureChars);
  if (cut.size() < text.size()) text.resize(cut.size());
  ToolResult result = ToolResult::text(std::move(text));
  result.is_error = true;
  return result;
}

ToolResult to_tool_failure(const Error& error) {
  if (error.code != ErrorCode::internal) return ToolResult::failure(error.message);
  return ToolResult::failure("Something went wrong inside the server (" + error.message +
                             "). This is not caused by the arguments; trying again once may help.");
}

}  // namespace rexec::mcp
