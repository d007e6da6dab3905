// The answer about a process, in its two forms: the only place that formats one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcp/tool.h"
#include "sandbox-client/manager.h"
#include "tools/support/line_selection.h"
#include "tools/support/output_budget.h"

namespace rexec::tools {

/// Which part of the output an answer shows, and how.
struct OutputRequest {
  std::array<std::uint64_t, 2> from{};  // stdout, stderr
  std::array<bool, 2> wanted{true, true};
  bool forward = false;  // the next page from `from` on, instead of head and tail
  bool raw = false;
  bool base64 = false;  // always forward
  LineSelection selection;
  std::size_t max_chars = 0;
  std::size_t max_chars_cap = 0;  // what a caller may ask for at most
  std::string sandbox;  // as the caller named it; empty: the default one. For the calls that answers propose
};

/// From the arguments max_chars, raw, sandbox, grep, head_lines and tail_lines.
OutputRequest output_request(const Arguments& arguments, const ToolLimits& limits, Violations& violations);

/// What to ask the runner for, so that `request` can be answered.
sandbox::WaitSpec wait_spec(const OutputRequest& request, sandbox::Until until, Duration wait);

/// What a selection found in the streams, and how far it has read them.
struct Selected {
  std::array<std::string, 2> text;
  std::array<std::uint64_t, 2> next{};
  std::uint64_t lines = 0;
  std::uint64_t lost_bytes = 0;
};

/// `selected` when the request has a selection. `notes` are lines that say what else is worth knowing. The
/// text has at most request.max_chars characters, except that what is not output is never cut.

mcp::ToolResult present_process(const sandbox::SandboxHandle& handle, const sandbox::ProcessReport& report,
                                const OutputRequest& request, const std::optional<Selected>& selected,
                                std::vector<std::string> notes);

/// "exited" and so on.
std::string_view to_string(sandbox::ProcessStatus status);

}  // namespace rexec::tools
