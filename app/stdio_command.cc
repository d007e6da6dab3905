#include <stop_token>

#include "app/commands.h"

namespace rexec::app {

int run_stdio(Invocation& invocation) {
  const auto fail = [&](const Error& error) {
    invocation.streams.err << "rexec-mcp: " << error.message << '\n';
    return kFailure;
  };
  const auto server = invocation.program.server();
  if (!server) return fail(server.error());
  // The transport's watchdog ends the process when what follows takes too long, so it is destroyed last.
  const auto transport = invocation.program.connect_stdio();
  if (!transport) return fail(transport.error());
  const Status served = (*transport)->serve(**server, std::stop_token());
  invocation.program.shutdown();
  return served ? kSuccess : fail(served.error());
}

}  // namespace rexec::app
