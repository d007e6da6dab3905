#include "mcp/request.h"

#include <utility>

namespace rexec::mcp {

ServerCore::ServerCore(ServerOptions server_options, ToolSet tool_set, Features other_features,
                       WorkerPool& worker_pool)
    : options(std::move(server_options)),
      tools(std::move(tool_set)),
      features(std::move(other_features)),
      pool(worker_pool),
      requests(std::make_shared<RequestRegistry>(
          RequestRegistry::Limits{options.max_in_flight, options.max_subscriptions})),
      states(options.input_deadline, system_clock()) {}

Json server_info(const ServerOptions& options, ProtocolVersion version) {
  Json info{{"name", options.name}, {"version", options.version}};
  if (has_titles(version) && !options.title.empty()) info["title"] = options.title;
  return info;
}

Message make_answer(const ServerOptions& options, const RequestContext& context, const Json& id,
                    Json result) {
  if (context.modern()) {
    result.emplace("resultType", "complete");
    result["_meta"][kMetaServerInfo] = server_info(options, context.version);
  }
  return make_result(id, result);
}

Json with_cache_hint(const ServerOptions& options, const RequestContext& context, Json result,
                     Caching caching) {
  if (!context.modern()) return result;
  const bool constant = caching == Caching::constant;
  const Duration ttl = constant ? options.list_ttl : Duration{};
  result["ttlMs"] = std::chrono::duration_cast<std::chrono::milliseconds>(ttl).count();
  result["cacheScope"] = constant ? "public" : "private";
  return result;
}

void answer(const ServerCore& core, const Request& request, RpcResult<Json> result) {
  Message message;
  if (const auto* error = std::get_if<RpcError>(&result)) {
    message = make_error(request.id, *error, false);
  } else {
    message = make_answer(core.options, request.context, request.id, std::get<Json>(std::move(result)));
  }
  // A peer that is gone is noticed by its transport; there is nobody left to tell.
  (void)request.out->send(std::move(message)).ok();
}

}  // namespace rexec::mcp
