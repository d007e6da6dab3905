// The Unix socket <id>/socket on which a sandbox's runner listens. The server makes it in the sandbox's
// directory, which only its owner can reach and which no sandbox sees, and hands it down to the runner.
#pragma once

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

/// Bytes of the secret that clients say in hello, before they are written in hexadecimal.
inline constexpr std::size_t kSandboxSecretBytes = 16;

/// A listening socket, in the place of an older one. `directory` is the sandbox's, open.
Result<UniqueFd> make_sandbox_socket(int directory);

/// A connected one. unavailable when nobody listens: the sandbox does not run.
Result<UniqueFd> connect_sandbox_socket(int directory, const Op& op);

}  // namespace rexec::sandbox
