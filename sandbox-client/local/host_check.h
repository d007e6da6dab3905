// Why sandboxes cannot be made on a machine, and what to do about it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rexec::sandbox {

/// Settings of the host that decide whether user namespaces can be used; absent where the kernel has no such
/// setting.
struct HostFacts {
  std::optional<long> unprivileged_userns_clone;  // kernel.unprivileged_userns_clone (Debian)
  std::optional<long> max_user_namespaces;        // user.max_user_namespaces
  std::optional<long> apparmor_restriction;       // kernel.apparmor_restrict_unprivileged_userns (Ubuntu)
  bool container = false;                         // the server runs in a container
  bool bubblewrap_is_setuid = false;
};

HostFacts read_host_facts(const std::string& bubblewrap);

/// What to do, from what bwrap said and what the host is; never empty.
std::string remedy_for(std::string_view messages, const HostFacts& facts);

/// failed_precondition: that no sandbox can be made, bwrap's words, and the remedy.
Error bubblewrap_failure(std::string_view messages, const HostFacts& facts);

/// The path to use: `configured`, or the first of the usual places; failed_precondition with the remedy when
/// there is none.
Result<std::string> find_bubblewrap(const std::string& configured);

/// "0.8.0" of "bubblewrap 0.8.0"; nullopt for anything else.
std::optional<std::string> parse_bubblewrap_version(std::string_view output);
/// Whether it has all options that we use (0.8.0).
bool is_recent_enough(std::string_view version);

}  // namespace rexec::sandbox
