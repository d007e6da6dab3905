// Getting from a process to the answer of a call: waiting with progress, reading what is kept, replying.
// Nothing here holds a thread while it waits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mcp/tool.h"
#include "sandbox-client/manager.h"
#include "tools/services.h"
#include "tools/support/process_result.h"

namespace rexec::tools {

/// What an answer about a process is made from.
struct ProcessContext {
  std::shared_ptr<mcp::ToolCall> call;
  sandbox::SandboxHandle handle;
  OutputRequest request;
  Duration progress_interval{};
  bool network_possible = false;  // this server makes sandboxes with a network when asked
  /// Called with a process about which the call was answered too late: the caller had given it up.
  std::function<void(std::uint64_t process)> given_up = {};
};

/// The first wait of a call: cut to the progress interval when the caller wants progress.
Duration first_wait(const ProcessContext& context, Duration wait);

/// Waits for `until` until `deadline`, and reports progress meanwhile. `done` may come on any thread.
void wait_for_process(std::shared_ptr<const ProcessContext> context, std::uint64_t process,
                      sandbox::Until until, Deadline deadline,
                      sandbox::Completion<sandbox::ProcessReport> done);

/// Sends progress about a process that goes on, when the caller wants it.
void report_progress(const ProcessContext& context, const sandbox::ProcessReport& report);

/// Answers the call: at once when there is little to format, else on a worker, after reading what a selection
/// needs.
void answer_process(std::shared_ptr<const ProcessContext> context, sandbox::ProcessReport report);

/// Answers the call with a failure about a process; not_found says how to find those that exist.
void fail_process(const ProcessContext& context, std::uint64_t process, const Error& error);

}  // namespace rexec::tools
