// One round of a tool call: runs the handler and makes sure that it is answered exactly once.
//
// Where the answer goes is the host's business (a JSON-RPC request, or a caller in the same process); a call
// that asks the user is run again by its host with the answers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/worker_pool.h"
#include "mcp/tool.h"
#include "mcp/tool_set.h"

namespace rexec::mcp {

/// Who made a call. Thread-safe; exactly one of finish, fail_internally and ask is called for each round.
class CallHost {
 public:
  virtual ~CallHost() = default;
  virtual const std::string& principal() const = 0;
  virtual const Op& op() const = 0;
  /// False when the call had been given up, see ToolCall::reply.
  virtual bool finish(ToolResult result) = 0;
  /// A bug of ours: `reason` is for the log and not for the client.
  virtual void fail_internally(std::string_view reason) = 0;
  virtual bool wants_progress() const = 0;
  virtual void progress(std::string_view message) = 0;
  virtual bool can_ask(std::string_view mode) const = 0;
  virtual void ask(std::map<std::string, InputRequest> requests, Json state) = 0;
};

struct CallInput {
  std::shared_ptr<const Json> arguments;  // normalised and valid
  std::map<std::string, Json> responses;  // to the questions of the round before
  Json state;                             // of the round before
};

/// Runs the handler on the calling thread. `tool` and `pool` outlive the call.
void run_tool(const ToolEntry& tool, CallInput input, std::shared_ptr<CallHost> host, WorkerPool& pool);

/// Arguments in the form that handlers get, or the failure that names all violations.
std::variant<std::shared_ptr<const Json>, ToolResult> prepare_arguments(const ToolEntry& tool,
                                                                        Json arguments);

}  // namespace rexec::mcp
