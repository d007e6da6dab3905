// Sandboxes that outlive their server: made here, found by every server with the same state directory.
//
// Nothing is kept in memory but the children to reap: what there is, whose, and whether it runs is read from
// the directories each time (state_directory.h), so that any number of servers agree. The runner listens on
// a Unix socket there (sandbox_socket.h). How long the sandbox lasts is the runner's own business
// (runner/lease.h); what it leaves behind is removed by the next prune() of anybody, and is not offered
// meanwhile.
//
// Names belong to principals. A name is given under the lock of the whole state directory as the last step of
// creation, so of two servers that make the same one, one fails with already_exists.
//
// All functions may be called from several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/local/launch.h"
#include "sandbox-client/local/record_file.h"
#include "sandbox-client/local/state_directory.h"

namespace rexec::sandbox {

class KeptSandboxes {
 public:
  /// Starts a sandbox as `spec` says, with its home on the host.
  using Launch =
      std::function<Result<Launched>(const SandboxSpec& spec, const SandboxId& id, const std::string& home,
                                     const KeptInputs& inputs, const Op& op)>;

  KeptSandboxes(const StateDirectory& state, Launch launch) : state_(state), launch_(std::move(launch)) {}

  /// `record` as far as it is known before the start.
  Result<SandboxRecord> create(const SandboxSpec& spec, SandboxRecord record, const Op& op);
  /// Those whose time has not come. What cannot be read is listed with status error and what to do.
  Result<std::vector<SandboxRecord>> list(const Op& op) const;
  Status start(const SandboxId& id, const Op& op);
  Status stop(const SandboxId& id, const Op& op);
  /// Also removes what cannot be read.
  Status destroy(const SandboxId& id, const Op& op);
  Status set_expiry(const SandboxId& id, std::int64_t expires_unix_ms, const Op& op);
  /// A connected socket of the runner. failed_precondition when it is stopped, not_found when it is over.
  Result<UniqueFd> connect(const SandboxId& id, const Op& op) const;
  Result<std::uint64_t> disk_usage(const SandboxId& id, const Op& op) const;
  /// Removes those whose time has come; returns their ids.
  Result<std::vector<SandboxId>> prune(bool dry_run, const Op& op);

 private:
  Status check_name(const SandboxSpec& spec) const;
  Status launch(int directory, const std::string& home, KeptRecord& kept, const Op& op);
  void reap();

  const StateDirectory& state_;
  const Launch launch_;

  Mutex mutex_;
  std::vector<std::unique_ptr<RunningSandbox>> children_ REXEC_GUARDED_BY(mutex_);  // to be reaped
};

}  // namespace rexec::sandbox
