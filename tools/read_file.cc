// read_file: lines, bytes or the picture that a file is.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/utf8.h"
#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/file_failure.h"
#include "tools/support/file_text.h"
#include "tools/support/file_type.h"
#include "tools/support/output_budget.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kBase64Group = 4;

struct ReadRequest {
  std::string path;
  sandbox::LineRange lines;
  bool bytes = false;  // a byte range instead of lines
  std::uint64_t offset = 0;
  std::size_t max_bytes = 0;
  bool auto_encoding = true;
  bool base64 = false;
  std::size_t max_chars = 0;
};

ReadRequest read_file_arguments(const Arguments& arguments, const ToolLimits& limits,
                                Violations& violations) {
  ReadRequest request;
  check_path(arguments, "path", violations);
  request.path = arguments.text("path");
  const std::string encoding = arguments.text("encoding", "auto");
  request.base64 = encoding == "base64";
  request.auto_encoding = encoding == "auto";
  const bool range = arguments.has("offset_bytes") || arguments.has("max_bytes");
  request.bytes = range || request.base64;
  for (const char* key : {"start_line", "max_lines"}) {
    if (!request.bytes || !arguments.has(key)) continue;
    violations.push_back(
        {pointer_step(key),
         "counts lines and cannot be used with " +
             std::string(range ? "offset_bytes or max_bytes" : "encoding \"base64\" (take offset_bytes)")});
  }
  request.lines.start = arguments.integer("start_line", 1);
  if (request.lines.start == 0) {
    violations.push_back(
        {"/start_line", "is 0; expected 1 for the first line, or a negative number from the end"});
  }
  request.max_chars = arguments.max_chars(limits);
  // Who asks for a number of bytes wants them, unless max_chars says otherwise.
  if (arguments.has("max_bytes") && !arguments.has("max_chars")) request.max_chars = limits.max_chars;
  request.lines.max_lines = arguments.size("max_lines", request.lines.max_lines);
  request.lines.max_bytes =
      std::min(limits.read_cap, std::max<std::size_t>(request.max_chars, 1) * kMaxCharBytes);
  request.offset = static_cast<std::uint64_t>(arguments.integer("offset_bytes", 0));
  const std::size_t fits = request.base64 ? std::max(request.max_chars / kBase64Group * 3, std::size_t{3})
                                          : std::max<std::size_t>(request.max_chars, 1) * kMaxCharBytes;
  request.max_bytes = std::min({arguments.size("max_bytes", limits.read_cap), limits.read_cap, fits});
  return request;
}

class FileReading : public std::enable_shared_from_this<FileReading> {
 public:
  FileReading(std::shared_ptr<mcp::ToolCall> call, sandbox::SandboxHandle handle, ReadRequest request,
              ToolLimits limits)
      : call_(std::move(call)), handle_(std::move(handle)), request_(std::move(request)), limits_(limits) {
    request_.path = sandbox::resolve_path(request_.path, handle_.record.home, handle_.record.cwd);
  }

  void run() {
    auto done = [self = shared_from_this()](Result<sandbox::FileData> data) { self->read(std::move(data)); };
    if (request_.bytes) {
      handle_.runner->read_file(request_.path, request_.offset, request_.max_bytes, call_->op(),
                                std::move(done));
    } else {
      handle_.runner->read_lines(request_.path, request_.lines, call_->op(), std::move(done));
    }
  }

 private:
  void reply(mcp::ToolResult result) const { reply_from(handle_, *call_, std::move(result)); }

  void read(Result<sandbox::FileData> data) {
    if (!data) return fail_file(call_, handle_, request_.path, data.error());
    auto shared = std::make_shared<const sandbox::FileData>(std::move(*data));
    // A small text is formatted faster than it is handed over.
    constexpr std::size_t kInlineBytes = 16 << 10;
    if (shared->data.size() <= kInlineBytes) return present(*shared);
    call_->defer([self = shared_from_this(), shared] { self->present(*shared); });
  }

  void present(const sandbox::FileData& data) {
    if (request_.base64)
      return reply(mcp::ToolResult::text(present_base64(request_.path, data, request_.max_chars)));
    if (request_.auto_encoding && !request_.bytes) {
      if (const std::string_view type = image_type(data.probe); !type.empty()) return image(data.info, type);
    }
    const bool whole = data.probe.size() == data.info.size;
    if (request_.auto_encoding && !is_text(data.probe, whole)) {
      return reply(mcp::ToolResult::text(describe_binary(request_.path, data)));
    }
    reply(mcp::ToolResult::text(request_.bytes ? present_bytes(request_.path, data, request_.max_chars)
                                               : present_lines(request_.path, data, request_.max_chars)));
  }

  void image(const sandbox::FileInfo& info, std::string_view type) {
    if (info.size > limits_.image_cap) {
      return reply(mcp::ToolResult::text(
          "[" + request_.path + " is an image (" + std::string(type) + ") of " + std::to_string(info.size) +
          " bytes; images up to " + std::to_string(limits_.image_cap) +
          " bytes are shown. Make it smaller first, or read parts with encoding "
          "\"base64\", offset_bytes and max_bytes]"));
    }
    handle_.runner->read_file(
        request_.path, 0, limits_.image_cap, call_->op(),
        [self = shared_from_this(), type](Result<sandbox::FileData> data) {
          if (!data) return fail_file(self->call_, self->handle_, self->request_.path, data.error());
          mcp::ToolResult result =
              mcp::ToolResult::text("[" + self->request_.path + ": " + std::string(type) + ", " +
                                    std::to_string(data->data.size()) + " bytes]");
          result.content.push_back(mcp::Content::from_image(std::move(data->data), std::string(type)));
          self->reply(std::move(result));
        });
  }

  const std::shared_ptr<mcp::ToolCall> call_;
  const sandbox::SandboxHandle handle_;
  ReadRequest request_;
  const ToolLimits limits_;
};

}  // namespace

mcp::ToolHandler make_read_file(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    ReadRequest request = read_file_arguments(Arguments(call->arguments()), services.limits, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(
        services, call,
        [limits = services.limits, call, request = std::move(request)](sandbox::SandboxHandle handle) {
          std::make_shared<FileReading>(call, std::move(handle), request, limits)->run();
        });
  });
}

}  // namespace rexec::tools
