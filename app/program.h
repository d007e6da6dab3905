// What the commands run on. main.cc makes it; tests give the commands another one.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "mcp/server.h"
#include "sandbox-client/backend.h"
#include "transport/transport.h"

namespace rexec::app {

/// Who calls by stdio and from the command line.
inline constexpr std::string_view kLocalPrincipal = "local";

/// Everything is made by the first call that asks for it and lives as long as the Program.
class Program {
 public:
  virtual ~Program() = default;

  /// The protocol server with all tools. Makes no sandbox.
  virtual Result<mcp::Server*> server() = 0;
  virtual sandbox::Backend& backend() = 0;
  /// The one whose thread moves the bytes of the backend's channels.
  virtual sandbox::Reactor& reactor() = 0;
  /// Takes standard input and output away from the rest of the process (transport::claim_stdio).
  virtual Result<std::unique_ptr<mcp::Transport>> connect_stdio() = 0;
  /// Ends what runs, and every sandbox that is not persistent. Idempotent; nothing is asked for afterwards.
  virtual void shutdown() = 0;
};

}  // namespace rexec::app
