#include "mcp/envelope.h"

#include <string>
#include <utility>

namespace rexec::mcp {
namespace {

std::string meta_pointer(std::string_view key) {
  return "params._meta[\"" + std::string(key) + "\"]";
}

std::optional<RpcError> read_progress_token(const Json& meta, RequestContext& context) {
  const Json* token = find(meta, "progressToken");
  if (!token) return std::nullopt;
  if (!is_valid_id(*token))
    return invalid_params("params._meta.progressToken must be a string or an integer");
  context.progress_token = *token;
  return std::nullopt;
}

RpcError unsupported_version(const std::string& requested) {
  Json supported = Json::array();
  for (const auto name : modern_versions()) supported.push_back(name);
  return RpcError{kUnsupportedVersion, "Unsupported protocol version",
                  Json{{"supported", std::move(supported)}, {"requested", requested}}};
}

}  // namespace

bool has_envelope(const Json& params) {
  const Json* meta = find(params, "_meta");
  return meta && find(*meta, kMetaProtocolVersion);
}

RpcResult<RequestContext> read_envelope(const Json& params) {
  const Json& meta = *find(params, "_meta");
  const auto requested = find_string(meta, kMetaProtocolVersion);
  if (!requested) return invalid_params(meta_pointer(kMetaProtocolVersion) + " must be a string");
  const Json* capabilities = find(meta, kMetaClientCapabilities);
  if (!capabilities || !capabilities->is_object()) {
    return invalid_params(meta_pointer(kMetaClientCapabilities) + " is required and must be an object");
  }
  RequestContext context;
  context.client_capabilities = std::make_shared<const Json>(*capabilities);
  if (const Json* info = find(meta, kMetaClientInfo); info && !info->is_object()) {
    return invalid_params(meta_pointer(kMetaClientInfo) + " must be an object");
  }
  if (const Json* level = find(meta, kMetaLogLevel)) {
    if (level->is_string()) context.log_level = parse_client_log_level(level->get_ref<const std::string&>());
    if (!context.log_level) {
      return invalid_params(meta_pointer(kMetaLogLevel) + " must be one of debug, info, notice, warning, " +
                            "error, critical, alert, emergency");
    }
  }
  if (auto error = read_progress_token(meta, context)) return *std::move(error);
  const auto version = parse_version(*requested);
  if (!version || era_of(*version) != Era::modern) return unsupported_version(*requested);
  context.version = *version;
  return context;
}

RpcResult<RequestContext> read_legacy_context(const Json& params, const Session& session) {
  RequestContext context;
  context.version = session.version();
  context.client_capabilities = session.client_capabilities();
  context.log_level = session.log_level();
  if (const Json* meta = find(params, "_meta")) {
    if (!meta->is_object()) return invalid_params("params._meta must be an object");
    if (auto error = read_progress_token(*meta, context)) return *std::move(error);
  }
  return context;
}

bool can_elicit(const Json& capabilities, std::string_view mode) {
  const Json* elicitation = find(capabilities, "elicitation");
  if (!elicitation || !elicitation->is_object()) return false;
  if (elicitation->empty()) return mode == "form";
  return find(*elicitation, mode) != nullptr;
}

}  // namespace rexec::mcp
