// Tool results and questions as the members of JSON-RPC messages.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "mcp/protocol_version.h"
#include "mcp/tool.h"

namespace rexec::mcp {

/// CallToolResult; structuredContent only where `version` has it.
Json to_json(ToolResult result, ProtocolVersion version);

/// {key: {method, params}}.
Json to_json(std::map<std::string, InputRequest> requests);

/// The client capabilities that `requests` need and `declared` lacks, as a ClientCapabilities object; empty
/// when the client can be asked.
Json missing_capabilities(const std::map<std::string, InputRequest>& requests, const Json& declared);

}  // namespace rexec::mcp
