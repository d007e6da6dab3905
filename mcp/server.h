// The protocol server: both eras of MCP over any transport, in front of a set of tools.
//
// Each message is classified by itself (reference: MCP 2026-07-28, versioning): a request with an envelope is
// modern whatever came before, `initialize` without one is legacy. Quick requests (initialize, discover,
// ping, lists, cancellation) are answered on the thread that received them; tool calls go to the worker pool,
// and a call that is waiting for a sandbox occupies no thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "mcp/completion.h"
#include "mcp/endpoint.h"
#include "mcp/prompt.h"
#include "mcp/resource.h"
#include "mcp/tool.h"

namespace rexec::mcp {

struct ServerOptions {
  std::string name = "rexec-mcp";
  std::string title = "Rexec sandboxes";
  std::string version;
  std::string instructions;  // under 2 KB

  std::size_t max_depth = kMaxJsonDepth;
  std::size_t max_batch = 64;                           // elements of a 2025-03-26 batch
  std::size_t max_in_flight = 256;                      // requests under way of one principal; beyond: "busy"
  std::size_t max_subscriptions = 32;                   // open subscriptions/listen of one principal
  std::size_t max_watched = 64;                         // resources that one subscriber watches
  std::size_t tools_page = 100;                         // tools of one tools/list page
  std::size_t list_page = 100;                          // entries of one page of any other list
  std::size_t max_input_rounds = 8;                     // questions of one call
  Duration input_deadline = std::chrono::seconds(600);  // for a person to answer, each time
  Duration list_ttl = std::chrono::seconds(300);        // ttlMs of list results
  Duration update_interval = std::chrono::milliseconds(100);  // between updates of one watched resource
};

/// What a server offers besides tools. What is absent is not declared, and its methods do not exist.
struct Features {
  std::shared_ptr<ResourceProvider> resources;
  std::vector<Prompt> prompts;
  std::shared_ptr<Completer> completer;
};

class Server : public Endpoint {
 public:
  /// As `tools/list` publishes them, sorted by name, without a request.
  virtual Json list_tools() const = 0;
  /// One call without a connection: `rexec-mcp call` and tests. Blocks until it is answered or op ends it.
  /// not_found for an unknown tool (with the names that are like it).
  virtual Result<ToolResult> call(std::string_view tool, Json arguments, const std::string& principal,
                                  const Op& op, std::function<void(std::string_view)> progress) = 0;
};

/// Errors are those of a schema that does not compile or names that collide. `pool` outlives the server.
Result<std::unique_ptr<Server>> make_server(ServerOptions options, std::vector<Tool> tools, WorkerPool& pool,
                                            Features features = {});

}  // namespace rexec::mcp
