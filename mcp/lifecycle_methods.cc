#include <utility>

#include "mcp/methods.h"

namespace rexec::mcp {
namespace {

// MCP 2025-11-25, lifecycle, "Version Negotiation".
RpcResult<Json> initialize(const ServerCore& core, const MethodTable& table, const Request& request) {
  const auto requested = find_string(request.params, "protocolVersion");
  if (!requested) return invalid_params("params.protocolVersion must be a string");
  const Json* capabilities = find(request.params, "capabilities");
  if (capabilities && !capabilities->is_object())
    return invalid_params("params.capabilities must be an object");
  const ProtocolVersion version = negotiate_legacy(*requested);
  if (!request.session->negotiate(version, capabilities ? *capabilities : Json::object())) {
    return RpcError{kInvalidRequest, "this connection has been initialized already", nullptr};
  }
  Json result{{"protocolVersion", to_string(version)},
              {"capabilities", table.capabilities()},
              {"serverInfo", server_info(core.options, version)}};
  if (!core.options.instructions.empty()) result["instructions"] = core.options.instructions;
  return result;
}

RpcResult<Json> discover(const ServerCore& core, const MethodTable& table, const Request& request) {
  Json result{{"capabilities", table.capabilities()}, {"supportedVersions", Json::array()}};
  for (const auto version : modern_versions()) result["supportedVersions"].push_back(version);
  if (!core.options.instructions.empty()) result["instructions"] = core.options.instructions;
  return with_cache_hint(core.options, request.context, std::move(result));
}

RpcResult<Json> set_log_level(const Request& request) {
  const auto level = parse_client_log_level(find_string(request.params, "level").value_or(""));
  if (!level) {
    return invalid_params(
        "params.level must be one of debug, info, notice, warning, error, critical, alert, emergency");
  }
  request.session->set_log_level(*level);
  return Json::object();
}

}  // namespace

void add_lifecycle_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  using Eras = MethodTable::Eras;
  table.add(core, "initialize", Eras::legacy,
            [core, &table](const Request& request) { return initialize(*core, table, request); });
  table.add(core, "server/discover", Eras::modern,
            [core, &table](const Request& request) { return discover(*core, table, request); });
  table.add(core, "ping", Eras::legacy, [](const Request&) { return Json::object(); });
  table.add(core, "logging/setLevel", Eras::legacy, set_log_level);
  table.declare("logging", Json::object());
}

}  // namespace rexec::mcp
