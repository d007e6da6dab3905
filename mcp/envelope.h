// What a request says of its sender: the modern envelope in params._meta, or the state of its legacy session.
//
// Source: MCP 2026-07-28, base protocol, "_meta"; 2024-11-05 … 2025-11-25, progress.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "mcp/jsonrpc.h"
#include "mcp/log_level.h"
#include "mcp/protocol_version.h"
#include "mcp/session.h"

namespace rexec::mcp {

inline constexpr std::string_view kMetaProtocolVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kMetaClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kMetaClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kMetaLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kMetaServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kMetaSubscriptionId = "io.modelcontextprotocol/subscriptionId";

struct RequestContext {
  ProtocolVersion version = newest_legacy();
  std::shared_ptr<const Json> client_capabilities;  // an object
  std::optional<ClientLogLevel> log_level;          // unset: the client wants no log messages
  Json progress_token;                              // null: the client wants no progress

  bool modern() const { return era_of(version) == Era::modern; }
};

/// Whether a request is modern, whatever was said before on its connection.
bool has_envelope(const Json& params);

/// The context of a modern request. Errors: -32602 for an envelope that is incomplete or malformed, then
/// -32022 for a version that is not a modern one.
RpcResult<RequestContext> read_envelope(const Json& params);

/// The context of a legacy request. Error: -32602 for a malformed _meta.
RpcResult<RequestContext> read_legacy_context(const Json& params, const Session& session);

/// Whether `capabilities` allow asking the user in `mode` ("form" or "url"): an empty elicitation capability
/// means form only.
bool can_elicit(const Json& capabilities, std::string_view mode);

}  // namespace rexec::mcp
