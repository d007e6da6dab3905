// Visitors of a sandbox that ends with its server: other processes of the server's user, such as
// `rexec-mcp attach`, which find it by the file <id>/visit.json and connect to the runner's socket
// (sandbox_socket.h).
//
// A visitor owns nothing. It takes no lock of state_directory.h, so that it is never mistaken for the server
// whose sandbox it is and keeps nobody from removing what is left over; and the runner ends with its server's
// channel, however many visitors there are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/state_directory.h"

namespace rexec::sandbox {

inline constexpr int kInvitationFormat = 1;
inline constexpr std::size_t kMaxInvitationBytes = 64 << 10;
inline constexpr const char* kInvitationName = "visit.json";

/// What a visitor has to know: name, principal, home and directory, time, and the secret of the runner's
/// clients. Nothing of the environment.
std::string encode_invitation(const SandboxRecord& record);
/// unsupported for another format, data_loss for what is none. What is not stored is as in a new record.
Result<SandboxRecord> decode_invitation(std::string_view text);

/// Makes a sandbox of this server known to visitors; its directory is the server's. The file has mode 0600
/// and is written to the side, so that there is all of it or none.
Status invite(const StateDirectory& state, const SandboxRecord& record, const Op& op);
/// The sandboxes that are known to visitors and run. What cannot be read is left out.
Result<std::vector<SandboxRecord>> invitations(const StateDirectory& state, const Op& op);
/// A connected socket of the runner. not_found when there is no such sandbox, or when it is over.
Result<UniqueFd> visit(const StateDirectory& state, const SandboxId& id, const Op& op);

}  // namespace rexec::sandbox
