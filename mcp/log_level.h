// Severity of the log messages that a client may ask for (RFC 5424 names), not of the server's own log.
#pragma once

#include <optional>
#include <string_view>

namespace rexec::mcp {

enum class ClientLogLevel { debug, info, notice, warning, error, critical, alert, emergency };

std::string_view to_string(ClientLogLevel level);
std::optional<ClientLogLevel> parse_client_log_level(std::string_view text);

}  // namespace rexec::mcp
