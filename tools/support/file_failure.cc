#include "tools/support/file_failure.h"

#include <utility>

#include "tools/support/arguments.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return "/";
  const std::size_t slash = path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void fail(mcp::ToolCall& call, const sandbox::SandboxHandle& handle, std::string text) {
  reply_from(handle, call, mcp::ToolResult::failure(std::move(text)));
}

void fail_missing(std::shared_ptr<mcp::ToolCall> call, const sandbox::SandboxHandle& handle,
                  const std::string& path) {
  const std::string parent = parent_of(path);
  handle.runner->stat_file(
      parent, true, call->op(), [call, handle, path, parent](Result<sandbox::FileInfo> info) {
        std::string text =
            "There is no file " + in_quotes(path) + " in the sandbox " + in_quotes(handle.record.name) + ". ";
        if (!info) {
          text += "Its directory " + in_quotes(parent) + " does not exist either.";
        } else if (info->type != sandbox::FileType::dir) {
          text += in_quotes(parent) + " is not a directory.";
        } else {
          text += "Its directory exists: look at it with exec and ls.";
        }
        fail(*call, handle, text + " Relative paths start at " + in_quotes(handle.record.cwd) + ".");
      });
}

}  // namespace

void fail_file(std::shared_ptr<mcp::ToolCall> call, const sandbox::SandboxHandle& handle,
               const std::string& path, const Error& error) {
  switch (error.code) {
    case ErrorCode::data_loss:
    case ErrorCode::cancelled:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::unavailable:
      return reply_from(handle, *call, runner_failure(handle, error));
    case ErrorCode::not_found:
      return fail_missing(std::move(call), handle, path);
    default:
      break;
  }
  sandbox::Runner& runner = *handle.runner;
  const Op op = call->op();
  runner.stat_file(
      path, true, op, [call = std::move(call), handle, path, error](Result<sandbox::FileInfo> info) {
        if (info && info->type == sandbox::FileType::dir) {
          return fail(*call, handle, in_quotes(path) + " is a directory; look at it with exec and ls.");
        }
        if (info && info->type == sandbox::FileType::other) {
          return fail(*call, handle,
                      in_quotes(path) + " is a device, pipe or socket, not a regular file; use exec for it.");
        }
        reply_from(handle, *call, runner_failure(handle, error));
      });
}

}  // namespace rexec::tools
