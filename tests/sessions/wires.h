// The client's side of a connection to a server in this process, in memory or over pipes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/deadline.h"
#include "mcp/endpoint.h"
#include "transport/transport.h"

namespace rexec::test {

class Wire {
 public:
  virtual ~Wire() = default;
  virtual void send(const std::string& text) = 0;
  /// nullopt at the end of the connection and after the deadline.
  virtual std::optional<std::string> receive(Deadline deadline) = 0;
  virtual void end_input() = 0;
  /// Whether the server closes the connection before the deadline, without another message.
  virtual bool ends(Deadline deadline) = 0;
};

std::unique_ptr<Wire> memory_wire(mcp::Endpoint& endpoint);
/// Serves in a thread of its own; ends the input when it goes.
std::unique_ptr<Wire> stdio_wire(mcp::Endpoint& endpoint, transport::StdioOptions options);

}  // namespace rexec::test
