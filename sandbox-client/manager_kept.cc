#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sandbox-client/manager_core.h"

namespace rexec::sandbox {

Result<std::vector<SandboxRecord>> Manager::kept_of(const std::string& principal, const Op& op) {
  std::vector<SandboxRecord> kept;
  if (!backend_->capabilities().persistent) return kept;
  ASSIGN_OR_RETURN(std::vector<SandboxRecord> all, guarded([&] { return backend_->list(op); }));
  for (SandboxRecord& record : all) {
    if (!record.persistent || record.principal != principal) continue;
    if (record.name == kDefaultName && !default_spec_.persistent) continue;
    kept.push_back(std::move(record));
  }
  return kept;
}

Status Manager::check_new(const std::string& principal, const SandboxSpec& spec, const Op& op) {
  if (spec.persistent && spec.name == kDefaultName && !default_spec_.persistent)
    return Error{ErrorCode::invalid_argument,
                 "the default sandbox of this server ends with it; choose another name for a persistent one"};
  ASSIGN_OR_RETURN(const std::vector<SandboxRecord> kept, kept_of(principal, op));
  const auto same = [&spec](const SandboxRecord& record) { return record.name == spec.name; };
  if (std::any_of(kept.begin(), kept.end(), same))
    return Error{ErrorCode::already_exists, "there is a persistent sandbox \"" + spec.name + "\" already"};
  if (spec.persistent && kept.size() >= limits_.sandboxes_per_principal)
    return Error{ErrorCode::resource_exhausted, "there are " + std::to_string(kept.size()) +
                                                    " persistent sandboxes already, which is the limit; "
                                                    "delete one with sandbox_control first"};
  return {};
}

Result<SandboxTable::Entry> Manager::find_kept(const std::string& principal, const std::string& name,
                                               std::vector<std::string>& names, const Op& op) {
  const Work work(*this, op, limits_.create_deadline);
  ASSIGN_OR_RETURN(const std::vector<SandboxRecord> kept, kept_of(principal, work.op()));
  for (const SandboxRecord& record : kept) names.push_back(record.name);
  const auto same = [&name](const SandboxRecord& record) { return record.name == name; };
  const auto found = std::find_if(kept.begin(), kept.end(), same);
  if (found == kept.end()) return Entry();
  const MutexLock lock(mutex_);
  if (closing_) return shutting_down();
  if (table_.find(principal, name)) return Entry();
  return table_.adopt(principal, *found);
}

// Connects to a sandbox that is there. The entry is busy.
Status Manager::adopt(const Entry& entry, const Op& op) {
  Claim claimed(*this, entry, true);
  const Work work(*this, op, limits_.create_deadline);
  SandboxRecord record;
  {
    const MutexLock lock(mutex_);
    record = entry->record;
  }
  std::optional<Error> failure;
  std::shared_ptr<Runner> runner;
  if (record.status == SandboxStatus::running) {
    auto connected = connect(entry, record, work.op());
    if (connected) {
      runner = *std::move(connected);
    } else {
      failure =
          with_context("connecting to the sandbox \"" + record.name + "\"", std::move(connected).error());
    }
  } else {
    failure = Error{ErrorCode::failed_precondition,
                    "the sandbox \"" + record.name +
                        "\" is stopped: its files are there, what ran in it has ended" +
                        (record.ended.empty() ? "" : " (" + record.ended + ")") +
                        "; start it with sandbox_control, action start"};
  }
  {
    const MutexLock lock(mutex_);
    if (!failure && closing_) failure = shutting_down();
    if (failure) {
      entry->failure = failure;
      table_.remove(entry);
    } else {
      entry->runner = runner;
      entry->last_use = clock_.now();
    }
    claimed.end();
  }
  if (failure) {
    if (runner) runner->close();
    return *std::move(failure);
  }
  on_lost(entry, ended());  // nobody looks at a busy one
  return {};
}

// The caller has claimed the entry. Others are the business of the manager's clock.
Status Manager::extend_kept(const Entry& entry, Duration expires_in, const Op& op) {
  SandboxRecord record;
  std::shared_ptr<Runner> runner;
  {
    const MutexLock lock(mutex_);
    record = entry->record;
    runner = entry->runner;
  }
  if (!record.persistent) return {};
  const std::int64_t expires = clock_.unix_ms() + milliseconds_of(expires_in);
  RETURN_IF_ERROR(guarded([&] { return backend_->set_expiry(record.id, expires, op); }));
  if (record.status == SandboxStatus::running && !runner) {
    ASSIGN_OR_RETURN(runner, connect(entry, record, op));
  }
  if (runner) {
    struct Answer {
      Mutex mutex;
      CondVar changed;
      std::optional<Status> status REXEC_GUARDED_BY(mutex);
    };
    const auto answer = std::make_shared<Answer>();
    runner->set_lease(record.idle_expiry, expires, op, [answer](Status status) {
      const MutexLock lock(answer->mutex);
      answer->status = std::move(status);
      answer->changed.notify_all();
    });
    MutexLock lock(answer->mutex);
    while (!answer->status) answer->changed.wait(lock);
    RETURN_IF_ERROR(std::move(*answer->status));
  }
  const MutexLock lock(mutex_);
  entry->record.expires_unix_ms = expires;
  if (!entry->runner) entry->runner = std::move(runner);
  return {};
}

}  // namespace rexec::sandbox
