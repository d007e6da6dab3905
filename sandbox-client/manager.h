// Sandboxes by name, for callers that must not see each other's.
//
// A caller is a principal (who) plus a scope (which server process, for sandboxes that end with it). The
// manager makes the default sandbox on first use, keeps one Runner for each sandbox, counts quotas, and ends
// sandboxes at their idle or absolute expiry. Nothing is created before the first call that needs it.
//
// Persistent sandboxes belong to the principal in whatever server process, and end by themselves. They are
// looked up in the backend whenever a name is not one of this manager's, and only those that it is connected
// to are its own affair. Where the default sandbox is not a persistent one, a persistent "default" that
// other servers share is none of this server's callers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::sandbox {

struct Caller {
  std::string principal;  // "local" on stdio
};

struct ManagerLimits {
  std::size_t sandboxes_per_principal = 16;
  std::size_t sandboxes = 64;
  Duration idle_expiry = std::chrono::hours(24);  // since the last call, with nothing running; zero: never
  Duration persistent_idle_expiry = std::chrono::hours(24 * 30);  // the same of persistent ones
  Duration max_lifetime =
      std::chrono::hours(24 * 7);  // bound on expires_in; default when none was asked: none
  Duration create_deadline = std::chrono::seconds(60);
};

/// A sandbox in use. Holding it does not keep the sandbox alive, but keeps its Runner valid.
struct SandboxHandle {
  SandboxRecord record;
  std::shared_ptr<Runner> runner;
  bool recreated = false;  // the default sandbox had been lost and was made anew for this call
  std::function<std::string(std::uint64_t process)> limit_reason = {};  // Backend::limit_reason; may be empty
  std::string lost_because = {};  // why the one before was lost, when recreated
};

struct CreateRequest {
  SandboxSpec spec;  // an empty name is generated
  std::optional<Duration> expires_in;
};

enum class ControlAction { start, stop, restart, remove, extend };

/// Thread-safe. create, acquire and control may block within op and are called from workers.
class SandboxManager {
 public:
  virtual ~SandboxManager() = default;  // as shutdown()

  /// The named sandbox, or without a name the caller's default one, made when there is none. not_found names
  /// what exists. Counts as use.
  virtual Result<SandboxHandle> acquire(const Caller& caller, const std::optional<std::string>& name,
                                        const Op& op) = 0;
  /// The same, but only when it needs no waiting: nullopt when the sandbox has to be made first. Any thread.
  virtual std::optional<Result<SandboxHandle>> try_acquire(const Caller& caller,
                                                           const std::optional<std::string>& name) = 0;
  /// The named sandbox if it is there; one that is being made is waited for, none is ever made. Counts as
  /// use.
  virtual Result<SandboxHandle> find(const Caller& caller, const std::string& name, const Op& op) = 0;
  virtual Result<SandboxRecord> create(const Caller& caller, CreateRequest request, const Op& op) = 0;
  virtual Result<std::vector<SandboxRecord>> list(const Caller& caller, const Op& op) = 0;
  virtual Result<SandboxRecord> control(const Caller& caller, const std::string& name, ControlAction action,
                                        std::optional<Duration> expires_in, const Op& op) = 0;
  virtual Backend& backend() = 0;
  /// Ends every sandbox that is not persistent and refuses new ones. Idempotent.
  virtual void shutdown() = 0;
};

/// `clock` decides expiry; housekeeping runs on the reactor.
std::unique_ptr<SandboxManager> make_sandbox_manager(std::unique_ptr<Backend> backend, Reactor& reactor,
                                                     const Clock& clock, ManagerLimits limits,
                                                     SandboxSpec default_spec);

}  // namespace rexec::sandbox
