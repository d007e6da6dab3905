// The transports of rexec-mcp. Each is a pipe for messages; what they mean is the Endpoint's business.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"
#include "mcp/endpoint.h"

namespace rexec::transport {

struct StdioOptions {
  std::size_t max_message = 32 << 20;  // bytes of one line; longer ones are discarded and answered -32600
  std::size_t max_queued = 128 << 20;  // bytes waiting for a client that does not read; beyond: it is gone
  Duration drain = std::chrono::milliseconds(1500);     // for calls in flight after the input has ended
  Duration watchdog = std::chrono::milliseconds(1900);  // after which the process ends whatever hangs
};

/// The two ends of a stdio connection, taken away from the rest of the process: fd 0 then reads /dev/null and
/// fd 1 writes to stderr, so that no library and no child can pollute or steal the channel (MCP, stdio
/// transport; all descriptors are close-on-exec).
struct StdioDescriptors {
  UniqueFd input;
  UniqueFd output;
};
Result<StdioDescriptors> claim_stdio();

/// One JSON value per line. Serves until end of input, EPIPE, SIGTERM, SIGINT, SIGHUP, the death of the
/// parent process, or stop. Input goes on being read while calls run; one thread writes. After the end of
/// input, calls in flight have `drain` to finish and be written; then they are cancelled. Signals are taken
/// over by the transport while it serves (call block_termination_signals first, before any thread exists).
std::unique_ptr<mcp::Transport> make_stdio_transport(StdioDescriptors descriptors, StdioOptions options);

/// Blocks the signals that end a server in this and all later threads, and ignores SIGPIPE.
void block_termination_signals();

/// Both ends in one process: for tests and embedding.
class MemoryConnection {
 public:
  virtual ~MemoryConnection() = default;
  virtual void send(std::string text) = 0;
  /// The next message from the endpoint, in order; nullopt when none came before the deadline.
  virtual std::optional<std::string> receive(Deadline deadline) = 0;
  /// The peer goes away: outbound closes.
  virtual void close() = 0;
};
std::unique_ptr<MemoryConnection> connect_in_memory(mcp::Endpoint& endpoint, std::string principal);

}  // namespace rexec::transport
