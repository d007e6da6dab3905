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

Result<std::vector<SandboxRecord>> Backend::list_visitable(const Op&) {
  return std::vector<SandboxRecord>();
}

Result<std::unique_ptr<Channel>> Backend::visit(const SandboxId& id, const Op&) {
  return Error{ErrorCode::not_found, "the sandbox " + id + " cannot be visited"};
}

Status Backend::set_expiry(const SandboxId&, std::int64_t, const Op&) {
  return Error{ErrorCode::unsupported, "the " + std::string(name()) + " backend keeps no sandboxes"};
}

Result<std::uint64_t> Backend::disk_usage(const SandboxId&, const Op&) {
  return Error{ErrorCode::unsupported, "the " + std::string(name()) + " backend does not measure disk use"};
}

Result<std::vector<SandboxId>> Backend::prune(bool, const Op&) {
  return std::vector<SandboxId>();
}

}  // namespace rexec::sandbox
