// A request on its way through the server, and how its answer is written in the two eras.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "base/worker_pool.h"
#include "mcp/endpoint.h"
#include "mcp/envelope.h"
#include "mcp/jsonrpc.h"
#include "mcp/request_registry.h"
#include "mcp/request_state.h"
#include "mcp/server.h"
#include "mcp/session.h"
#include "mcp/timer_queue.h"
#include "mcp/tool_set.h"

namespace rexec::mcp {

/// What the parts of a server share. Requests under way keep it alive after the server itself has gone.
struct ServerCore {
  ServerCore(ServerOptions server_options, ToolSet tool_set, Features other_features,
             WorkerPool& worker_pool);

  const ServerOptions options;
  const ToolSet tools;
  const Features features;
  WorkerPool& pool;
  const std::shared_ptr<RequestRegistry> requests;
  const RequestStateCodec states;
  TimerQueue timers;
};

struct Request {
  Json id;
  std::string method;
  Json params;  // an object
  RequestContext context;
  std::string principal;
  std::shared_ptr<Session> session;
  std::shared_ptr<Outbound> out;
  std::shared_ptr<Outbound> unsolicited;  // for what is no answer; see Peer
  bool cancel_on_close = false;
  std::size_t bytes = 0;  // of the message that it came in
};

/// {name, version, title}, as clients of `version` know it.
Json server_info(const ServerOptions& options, ProtocolVersion version);

/// `result` with the members that every result of the request's era has.
Message make_answer(const ServerOptions& options, const RequestContext& context, const Json& id, Json result);

/// Whether a result is the same for every principal and for the life of the server, or neither.
enum class Caching { constant, live };

/// Adds ttlMs and cacheScope in the modern era.
Json with_cache_hint(const ServerOptions& options, const RequestContext& context, Json result,
                     Caching caching = Caching::constant);

/// Answers a request that has no stream of its own.
void answer(const ServerCore& core, const Request& request, RpcResult<Json> result);

}  // namespace rexec::mcp
