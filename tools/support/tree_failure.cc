#include "tools/support/tree_failure.h"

#include "tools/support/file_failure.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {

void fail_tree(const std::shared_ptr<mcp::ToolCall>& call, const sandbox::SandboxHandle& handle,
               const std::string& path, const Error& error) {
  // A missing path is explained by what is there of it; other errors say all there is to say.
  if (error.code == ErrorCode::not_found) return fail_file(call, handle, path, error);
  reply_from(handle, *call, runner_failure(handle, error));
}

std::string gaps_text(std::uint64_t unreadable, std::uint64_t too_deep, std::string_view what) {
  std::string text;
  if (unreadable > 0)
    text += "; " + std::to_string(unreadable) + " " + std::string(what) + " could not be read";
  if (too_deep > 0) text += "; " + std::to_string(too_deep) + " directories lie too deep";
  return text;
}

void put_gaps(Json& structured, std::uint64_t unreadable, std::uint64_t too_deep) {
  if (unreadable > 0) structured["unreadable"] = unreadable;
  if (too_deep > 0) structured["too_deep"] = too_deep;
}

}  // namespace rexec::tools
