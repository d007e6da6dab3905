#include "tools/support/sandbox_use.h"

#include <utility>

#include "base/utf8.h"
#include "tools/support/arguments.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kMaxReason = 600;

}  // namespace

std::string recreated_note(const sandbox::SandboxHandle& handle) {
  if (!handle.recreated) return {};
  const std::string why = to_valid_utf8(utf8_prefix(handle.lost_because, kMaxReason));
  return "[the default sandbox had been lost" + (why.empty() ? "" : ": " + why) +
         "; this is a new one, without the files and processes of the old]";
}

void use_sandbox(const Services& services, const std::shared_ptr<mcp::ToolCall>& call,
                 std::function<void(sandbox::SandboxHandle)> use) {
  const sandbox::Caller caller{call->principal()};
  const auto name = Arguments(call->arguments()).optional_text("sandbox");
  if (auto found = services.sandboxes.try_acquire(caller, name)) {
    if (!*found) {
      call->reply(mcp::to_tool_failure(found->error()));
      return;
    }
    return use(std::move(*found).value());
  }
  call->defer([&sandboxes = services.sandboxes, call, caller, name, use = std::move(use)] {
    auto made = sandboxes.acquire(caller, name, call->op());
    if (!made) {
      call->reply(mcp::to_tool_failure(made.error()));
      return;
    }
    use(std::move(made).value());
  });
}

void reply_from(const sandbox::SandboxHandle& handle, mcp::ToolCall& call, mcp::ToolResult result) {
  (void)reply_if_wanted(handle, call, std::move(result));
}

bool reply_if_wanted(const sandbox::SandboxHandle& handle, mcp::ToolCall& call, mcp::ToolResult result) {
  if (handle.recreated) {
    if (!result.content.empty() && result.content.front().kind == mcp::Content::Kind::text) {
      std::string& text = result.content.front().text;
      if (!text.empty() && text.back() != '\n') text += '\n';
      text += recreated_note(handle);
    }
    if (result.structured) (*result.structured)["sandbox_recreated"] = true;
  }
  return call.reply(std::move(result));
}

mcp::ToolResult runner_failure(const sandbox::SandboxHandle& handle, const Error& error) {
  switch (error.code) {
    case ErrorCode::data_loss:
      return mcp::to_tool_failure(
          {error.code, "The sandbox " + in_quotes(handle.record.name) + " was lost: " + error.message +
                           ". Its processes are gone. Call again: a default sandbox is "
                           "made anew; sandbox_list shows the others."});
    case ErrorCode::deadline_exceeded:
    case ErrorCode::unavailable:
      return mcp::to_tool_failure({error.code, "The sandbox " + in_quotes(handle.record.name) +
                                                   " did not answer: " + error.message + ". Try again."});
    default:
      return mcp::to_tool_failure(error);
  }
}

Error resource_error(const sandbox::SandboxHandle& handle, const Error& error) {
  switch (error.code) {
    case ErrorCode::data_loss:
      return Error{ErrorCode::not_found,
                   "the sandbox " + in_quotes(handle.record.name) + " was lost: " + error.message};
    case ErrorCode::permission_denied:
    case ErrorCode::failed_precondition:
      return Error{ErrorCode::unsupported, error.message};
    default:
      return error;
  }
}

}  // namespace rexec::tools
