#include "sandbox-client/backend.h"

namespace rexec::sandbox {

std::string_view to_string(SandboxStatus status) {
  switch (status) {
    case SandboxStatus::creating:
      return "creating";
    case SandboxStatus::running:
      return "running";
    case SandboxStatus::stopped:
      return "stopped";
    case SandboxStatus::error:
      return "error";
    case SandboxStatus::offline:
      return "offline";
  }
  return "error";
}

std::string_view to_string(Network network) {
  switch (network) {
    case Network::none:
      return "none";
    case Network::host:
      return "host";
  }
  return "none";
}

}  // namespace rexec::sandbox
