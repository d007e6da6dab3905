// resources/subscribe and resources/unsubscribe of the legacy era: what one session watches, until it ends.
//
// Source: MCP 2024-11-05 … 2025-11-25, server features, "Resources", "Subscriptions".
#pragma once

#include "mcp/request.h"

namespace rexec::mcp {

/// Answered once it is known whether the resource can be watched.
void subscribe_session(const std::shared_ptr<ServerCore>& core, std::string uri, Request request);
/// What is not watched is fine.
void unsubscribe_session(const std::string& uri, Session& session);

}  // namespace rexec::mcp
