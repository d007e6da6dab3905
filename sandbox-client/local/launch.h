// Starts one sandbox and ends it: bwrap, its pid 1, and the check that the two are what was asked for.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/cgroup.h"
#include "sandbox-client/local/mounts.h"
#include "sandbox-client/local/sealed_file.h"
#include "sandbox-client/local/spawner.h"

namespace rexec::sandbox {

/// For a sandbox that outlives this process. The descriptors are borrowed.
struct KeptInputs {
  int listen_fd = -1;  // a listening Unix socket, for the runner
  int alive_fd = -1;   // locked; shared with bwrap and the runner, which hold the lock to their ends
  std::string secret;  // of the runner's clients
  std::uint64_t idle_s = 0;
  std::int64_t expires_unix_ms = 0;
};

/// For a sandbox that others may visit while this process lives. The descriptor is borrowed.
struct VisitInputs {
  int listen_fd = -1;  // a listening Unix socket, for the runner
  std::string secret;  // of the runner's clients, this process among them
};

struct SandboxLimits {
  CgroupLimits groups;
  std::optional<std::uint64_t> disk_mb;  // of the home
  std::uint64_t file_mb = 0;             // of one file; 0: none
};

struct LaunchSpec {
  std::string bubblewrap;     // path
  std::optional<uid_t> user;  // drop to this first
  std::string home;           // empty: a private one in memory
  Network network = Network::none;
  MountOptions mounts;
  std::string state;  // the state directory
  std::string id;     // of the sandbox
  SandboxLimits limits;
  std::optional<KeptInputs> kept;
  std::optional<VisitInputs> visit;  // unless kept
};

/// A sandbox that runs. Destroying it kills everything inside and waits for that, unless it was released.
class RunningSandbox {
 public:
  RunningSandbox(Spawned outer, UniqueFd init, pid_t init_pid, UniqueFd messages)
      : outer_(std::move(outer)),
        init_(std::move(init)),
        init_pid_(init_pid),
        messages_(std::move(messages)) {}
  ~RunningSandbox();
  RunningSandbox(const RunningSandbox&) = delete;
  RunningSandbox& operator=(const RunningSandbox&) = delete;

  /// Of the sandbox's pid 1, as this process sees it.
  pid_t init_pid() const { return init_pid_; }
  /// False once pid 1 has ended, and with it everything inside.
  bool alive() const;
  /// Sends SIGKILL to pid 1; the kernel then kills the rest (pid_namespaces(7)). Does not wait.
  void kill() const;
  /// kill(), then waits until every process is gone and bwrap is reaped. Idempotent; one call at a time.
  Status end(const Op& op);
  /// From now on destroying this object leaves the sandbox alone.
  void release() { released_ = true; }
  /// Why the runner ended itself, when it said so (mount_guard.h); otherwise empty.
  std::string reason() const;
  /// What bwrap or the runner wrote to standard error, at most 4 KiB.
  std::string messages() const;
  /// Takes over what has to stay on the host until everything inside is dead.
  void keep(std::vector<Placeholders> placeholders, std::shared_ptr<Cgroup> cgroup) {
    placeholders_ = std::move(placeholders);
    cgroup_ = std::move(cgroup);
  }

 private:
  Spawned outer_;
  UniqueFd init_;  // pidfd
  pid_t init_pid_;
  UniqueFd messages_;
  bool reaped_ = false;
  std::vector<Placeholders> placeholders_;
  std::shared_ptr<Cgroup> cgroup_;
  bool released_ = false;
};

struct Launched {
  std::unique_ptr<RunningSandbox> sandbox;
  UniqueFd channel;  // our end; none of a kept one
  std::string isolation;
  std::vector<Limit> limits;
  std::shared_ptr<Cgroup> cgroup;
  std::vector<std::string> mounts;
  std::vector<std::string> notes;  // what is reduced
};

/// What all launches of a backend have in common.
class Launcher {
 public:
  static Result<std::unique_ptr<Launcher>> make(std::string_view runner);

  /// Starts and verifies. Failures of bwrap are failed_precondition with a remedy (host_check.h). Any thread;
  /// the child belongs to the spawner's.
  Result<Launched> launch(const LaunchSpec& spec, Spawner& spawner, const Op& op) const;

 private:
  Launcher(SealedFile runner, SealedFile filter) : runner_(std::move(runner)), filter_(std::move(filter)) {}

  SealedFile runner_;
  SealedFile filter_;
};

}  // namespace rexec::sandbox
