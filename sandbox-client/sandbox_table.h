// The sandboxes of a manager: who owns which name, in what state, until when. Only book-keeping: no waiting,
// no calls to a backend or runner. The manager's lock protects it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox-client/manager.h"

namespace rexec::sandbox {

inline constexpr std::string_view kDefaultName = "default";
inline constexpr std::size_t kMaxNameLength = 40;
/// Names of lost sandboxes that a principal is told about.
inline constexpr std::size_t kMaxLostNames = 64;

struct SandboxEntry {
  std::string principal;
  SandboxRecord record;             // record.id is empty until the backend has made it
  std::shared_ptr<Runner> runner;   // none while it is stopped
  bool busy = true;                 // one thread is making, starting, stopping or removing it
  std::optional<Error> failure;     // of making it: what those who waited get
  std::optional<std::string> lost;  // why the default sandbox was lost that this one takes the place of
  SteadyTime last_use;
  std::optional<SteadyTime> expires;
};

Status check_sandbox_name(std::string_view name);

class SandboxTable {
 public:
  using Entry = std::shared_ptr<SandboxEntry>;

  explicit SandboxTable(const ManagerLimits& limits) : limits_(limits) {}

  Entry find(const std::string& principal, const std::string& name) const;
  /// A new busy entry. An empty name is generated. already_exists, or resource_exhausted by a quota.
  Result<Entry> add(const std::string& principal, std::string name);
  /// A busy entry for a sandbox that is there already, which no quota forbids. The name is not in use.
  Entry adopt(const std::string& principal, const SandboxRecord& record);
  /// Takes it out, when it is still there.
  bool remove(const Entry& entry);
  /// The same, and remembers that it went without its owner's asking.
  bool lose(const Entry& entry, std::string why);

  /// Why the last of that name was lost, if it was; forgotten by asking.
  std::optional<std::string> take_lost(const std::string& principal, const std::string& name);
  /// not_found, with what there is instead (`others` besides those here), or with what became of it.
  Error missing(const std::string& principal, const std::string& name,
                const std::vector<std::string>& others = {}) const;

  std::vector<Entry> of(const std::string& principal) const;  // by name
  std::vector<Entry> all() const;
  std::vector<Entry> take_all();

 private:
  using Key = std::pair<std::string, std::string>;  // principal, name

  const ManagerLimits limits_;
  std::map<Key, Entry> entries_;
  std::map<Key, std::string> lost_;
};

}  // namespace rexec::sandbox
