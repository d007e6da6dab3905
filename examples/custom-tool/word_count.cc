// word_count: lines, words and bytes of a file.
#include <algorithm>
#include <cctype>
#include <utility>

#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/file_failure.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;  // what one read brings

struct Counts {
  std::size_t lines = 0;
  std::size_t words = 0;
  std::size_t bytes = 0;
};

Counts count(std::string_view text) {
  Counts counts;
  counts.bytes = text.size();
  counts.lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  bool in_word = false;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space && !in_word) ++counts.words;
    in_word = !space;
  }
  return counts;
}

mcp::ToolResult present(const std::string& path, const Counts& counts) {
  mcp::ToolResult result = mcp::ToolResult::text("[" + path + ": " + std::to_string(counts.lines) +
                                                 " lines, " + std::to_string(counts.words) + " words, " +
                                                 std::to_string(counts.bytes) + " bytes]");
  result.structured =
      Json{{"path", path}, {"lines", counts.lines}, {"words", counts.words}, {"bytes", counts.bytes}};
  return result;
}

}  // namespace

mcp::ToolHandler make_word_count(const Services& services) {
  return [services](const std::shared_ptr<mcp::ToolCall>& call) {
    // The schema has been checked; this is what a schema cannot say.
    const Arguments arguments(call->arguments());
    Violations violations;
    check_path(arguments, "path", violations);
    if (!violations.empty()) return call->reject(violations);

    use_sandbox(services, call, [call, path = arguments.text("path")](const sandbox::SandboxHandle& handle) {
      const std::string full = sandbox::resolve_path(path, handle.record.home, handle.record.cwd);
      // The completion comes from an I/O thread, so the counting goes to a worker.
      handle.runner->read_file(
          full, 0, kMaxBytes, call->op(), [call, handle, full](Result<sandbox::FileData> read) {
            if (!read) return fail_file(call, handle, full, read.error());
            if (read->info.size > kMaxBytes) {
              return reply_from(
                  handle, *call,
                  mcp::ToolResult::failure(in_quotes(full) + " is larger than 1 MiB; use exec and wc."));
            }
            call->defer(
                [call, handle, full, data = std::make_shared<const std::string>(std::move(read->data))] {
                  reply_from(handle, *call, present(full, count(*data)));
                });
          });
    });
  };
}

}  // namespace rexec::tools
