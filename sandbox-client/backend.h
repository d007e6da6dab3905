// The seam that makes sandboxes exist. A backend creates, finds and ends sandboxes and opens byte streams to
// their runners; everything that happens inside a sandbox goes through its Runner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/channel.h"
#include "sandbox-client/runner_client.h"

namespace rexec::sandbox {

using SandboxId = std::string;  // the backend's own, unique within it

enum class SandboxStatus { creating, running, stopped, error, offline };
enum class Network { none, host };

/// What somebody asks for. Absent values are the backend's defaults.
struct SandboxSpec {
  std::string name;
  std::optional<std::string> image;
  std::optional<std::string> template_name;
  std::vector<std::pair<std::string, std::string>> env;
  std::string cwd;  // absolute; empty: the backend's
  Network network = Network::none;
  std::optional<std::uint64_t> memory_mb;
  std::optional<double> cpus;
  std::optional<std::uint64_t> disk_mb;
  std::map<std::string, std::string> labels;
  bool persistent = false;
  std::string principal;  // whom it belongs to, in every server
  // Of a persistent one only:
  Duration idle_expiry{};                       // ends after so long without use; zero: never
  std::optional<std::int64_t> expires_unix_ms;  // ends then in any case
};

struct Limit {
  std::string name;  // "memory_mb", "processes", …
  std::string value;
  std::string mechanism;  // what enforces it, or "not enforced"
};

/// What is known of a sandbox. `isolation` and `limits` say what was verified, never what was intended.
struct SandboxRecord {
  std::string name;
  std::string backend;
  SandboxId id;
  SandboxStatus status = SandboxStatus::creating;
  std::string home;
  std::string cwd;
  std::string isolation;
  std::vector<std::string> mounts;
  std::vector<std::string> capabilities;  // what is reduced
  std::string image;
  std::string template_name;
  Network network = Network::none;
  std::int64_t created_unix_ms = 0;
  std::optional<std::int64_t> expires_unix_ms;
  std::map<std::string, std::string> labels;
  std::vector<Limit> limits;
  bool persistent = false;
  std::string principal;    // whom it belongs to
  Duration idle_expiry{};   // of a persistent one
  std::string problem;      // why status is error, and what to do
  std::string ended;        // why it does not run any more, when that was its own decision
  RunnerSettings settings;  // how to talk to its runner
};

std::string_view to_string(SandboxStatus status);
std::string_view to_string(Network network);

struct Capabilities {
  bool images = false;
  bool persistent = false;
  bool network_host = false;
  bool stop_and_start = false;
};

/// One prerequisite, for `doctor`.
struct Finding {
  std::string name;
  bool ok = false;
  bool required = true;
  std::string detail;  // what was found
  std::string remedy;  // what to do, when not ok
};

/// All functions may block within their Op and are called from worker threads, several at a time.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual Capabilities capabilities() const = 0;
  /// A sandbox that runs; failed_precondition with the remedy when this machine cannot make one.
  virtual Result<SandboxRecord> create(const SandboxSpec& spec, const Op& op) = 0;
  /// Those of this server, and the persistent ones of all servers.
  virtual Result<std::vector<SandboxRecord>> list(const Op& op) = 0;
  virtual Status start(const SandboxId& id, const Op& op) = 0;
  virtual Status stop(const SandboxId& id, const Op& op) = 0;
  /// Ends the sandbox and removes its files. not_found when there is none.
  virtual Status destroy(const SandboxId& id, const Op& op) = 0;
  virtual Result<std::unique_ptr<Channel>> open_channel(const SandboxId& id, const Op& op) = 0;
  /// Sandboxes that run and end with other servers, and that this server's user may visit. They are not
  /// listed by list(), and no function but visit() takes their ids.
  virtual Result<std::vector<SandboxRecord>> list_visitable(const Op& op);
  /// A channel to one of these; nothing that the visitor does or leaves undone keeps the sandbox from ending.
  /// not_found when it is over.
  virtual Result<std::unique_ptr<Channel>> visit(const SandboxId& id, const Op& op);
  /// Which limit had the kernel kill a process that ended by SIGKILL though nobody asked for it, such as
  /// "memory limit 512 MB"; empty when none is known. Does not block; any thread.
  virtual std::string limit_reason(const SandboxId& /*id*/, std::uint64_t /*process*/) { return {}; }
  /// Of a persistent sandbox: ends it at that time in any case, also when nobody is connected. What runs
  /// already learns of it by Runner::set_lease.
  virtual Status set_expiry(const SandboxId& id, std::int64_t expires_unix_ms, const Op& op);
  /// Bytes on disk that are the sandbox's own.
  virtual Result<std::uint64_t> disk_usage(const SandboxId& id, const Op& op);
  /// Removes what sandboxes have left behind that are over: their time has come, or whoever was making or
  /// removing them died. Returns their ids; a dry run only tells.
  virtual Result<std::vector<SandboxId>> prune(bool dry_run, const Op& op);
  /// Everything this backend needs, with a verdict; changes nothing.
  virtual std::vector<Finding> diagnose(const Op& op) = 0;
};

}  // namespace rexec::sandbox
