// Questions to a legacy client: each becomes a request from the server on the stream of the call that asks,
// one after the other, each with its own deadline. Holds no thread while the user thinks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "base/deadline.h"
#include "base/json.h"
#include "mcp/endpoint.h"
#include "mcp/protocol_version.h"
#include "mcp/session.h"
#include "mcp/timer_queue.h"
#include "mcp/tool.h"

namespace rexec::mcp {

struct InputRoundOptions {
  std::shared_ptr<Session> session;
  std::shared_ptr<Outbound> out;  // of the call that asks
  ProtocolVersion version = newest_legacy();
  Duration deadline{};
  std::stop_token stop;
};

/// The answers by key, or why there are none, for a model.
using InputOutcome = std::variant<std::map<std::string, Json>, std::string>;

/// Asks, and calls `done` once, from the thread that received the last answer, from the timer thread, or from
/// the one that fired `stop`. When it gives up on a question it tells the client (notifications/cancelled).
/// `timers` outlives the round.
void ask_client(InputRoundOptions options, std::map<std::string, InputRequest> requests, TimerQueue& timers,
                std::function<void(InputOutcome)> done);

}  // namespace rexec::mcp
