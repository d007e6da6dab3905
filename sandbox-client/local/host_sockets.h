// Sockets of programs of the host in a directory that a sandbox is shown.
//
// Connecting to a socket is not writing to its file, so a read-only mount does not keep a sandbox from it
// (unix(7)): whoever serves there serves the sandbox too.
#pragma once

#include <string>
#include <vector>

namespace rexec::sandbox {

inline constexpr std::size_t kMaxSocketDepth = 3;
inline constexpr std::size_t kMaxSocketEntries = 10'000;
inline constexpr std::size_t kMaxSocketsShown = 3;

/// Looks through the first levels of `directory`, never through a symbolic link. Paths below it, the first
/// few that are found.
std::vector<std::string> find_sockets(int directory);

/// What a record says of them; empty when there are none. `destination` is the directory in the sandbox.
std::string socket_note(const std::vector<std::string>& sockets, const std::string& destination);

}  // namespace rexec::sandbox
