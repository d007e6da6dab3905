// write_file: creates, replaces or extends a file.
#include <algorithm>
#include <utility>

#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/file_failure.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/secret_use.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kShaDigits = 64;
constexpr unsigned kMaxMode = 07777;

std::optional<unsigned> read_mode(const Arguments& arguments, Violations& violations) {
  const auto text = arguments.optional_text("mode");
  if (!text) return std::nullopt;
  constexpr std::size_t kMaxDigits = 5;  // with a leading zero
  unsigned mode = 0;
  const bool octal = !text->empty() && text->size() <= kMaxDigits &&
                     std::all_of(text->begin(), text->end(), [](char c) { return c >= '0' && c <= '7'; });
  if (octal) {
    for (const char c : *text) mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  if (!octal || mode > kMaxMode) {
    violations.push_back(
        {"/mode", in_quotes(*text) + " is not a file mode; expected octal digits such as \"644\""});
  }
  return mode;
}

std::string read_expectation(const Arguments& arguments, Violations& violations) {
  std::string text = arguments.text("expect_sha256");
  if (!arguments.has("expect_sha256") || text == "absent") return text;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  const bool digest = text.size() == kShaDigits && std::all_of(text.begin(), text.end(), [](char c) {
                        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                      });
  if (!digest) {
    violations.push_back({"/expect_sha256", in_quotes(text) +
                                                " is neither a SHA-256 digest (64 hexadecimal digits) nor "
                                                "\"absent\""});
  }
  return text;
}

mcp::ToolResult present(const sandbox::SandboxHandle& handle, const sandbox::FileWritten& written,
                        bool append) {
  const std::string done = written.created ? "created " : append ? "appended to " : "replaced ";
  mcp::ToolResult result =
      mcp::ToolResult::text("[" + done + written.path + " · " + std::to_string(written.bytes) +
                            " bytes · sha256 " + written.sha256 + "]");
  result.structured = Json{{"sandbox", handle.record.name},
                           {"path", written.path},
                           {"bytes", written.bytes},
                           {"created", written.created},
                           {"sha256", written.sha256}};
  return result;
}

void write(const std::shared_ptr<mcp::ToolCall>& call, const sandbox::SandboxHandle& handle,
           sandbox::WriteSpec spec) {
  spec.path = sandbox::resolve_path(spec.path, handle.record.home, handle.record.cwd);
  const bool append = spec.append;
  const bool expects = !spec.expect_sha256.empty();
  const bool parents = spec.create_parents;
  const std::string path = spec.path;
  handle.runner->write_file(
      std::move(spec), call->op(),
      [call, handle, append, expects, parents, path](Result<sandbox::FileWritten> written) {
        if (written) return reply_from(handle, *call, present(handle, *written, append));
        const Error& error = written.error();
        const bool mismatch =
            error.code == ErrorCode::failed_precondition || error.code == ErrorCode::already_exists;
        if (expects && mismatch) {
          return reply_from(handle, *call,
                            mcp::ToolResult::failure("Nothing was written: " + error.message +
                                                     ". Look at it with read_file, then decide."));
        }
        if (error.code == ErrorCode::not_found && !parents) {
          return reply_from(
              handle, *call,
              mcp::ToolResult::failure("Nothing was written: the directory of " + in_quotes(path) +
                                       " does not exist; create_parents makes it."));
        }
        if (error.code == ErrorCode::not_found)
          return reply_from(handle, *call, runner_failure(handle, error));
        fail_file(call, handle, path, error);
      });
}

}  // namespace

mcp::ToolHandler make_write_file(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    const Arguments arguments(call->arguments());
    Violations violations;
    check_path(arguments, "path", violations);
    sandbox::WriteSpec spec;
    spec.path = arguments.text("path");
    spec.content = decode_content(arguments, "content", violations);
    check_no_mask(services.secrets, "/content", spec.content, violations);
    spec.append = arguments.flag("append");
    spec.create_parents = arguments.flag("create_parents", true);
    spec.mode = read_mode(arguments, violations);
    spec.expect_sha256 = read_expectation(arguments, violations);
    if (!violations.empty()) return call->reject(violations);
    auto shared = std::make_shared<sandbox::WriteSpec>(std::move(spec));
    use_sandbox(services, call, [call, shared](const sandbox::SandboxHandle& handle) {
      write(call, handle, std::move(*shared));
    });
  });
}

}  // namespace rexec::tools
