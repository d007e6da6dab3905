#include "mcp/log_level.h"

#include <algorithm>
#include <array>

namespace rexec::mcp {
namespace {

constexpr std::array<std::string_view, 8> kNames = {"debug", "info",     "notice", "warning",
                                                    "error", "critical", "alert",  "emergency"};

}  // namespace

std::string_view to_string(ClientLogLevel level) {
  return kNames[static_cast<std::size_t>(level)];
}

std::optional<ClientLogLevel> parse_client_log_level(std::string_view text) {
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ClientLogLevel>(found - kNames.begin());
}

}  // namespace rexec::mcp
