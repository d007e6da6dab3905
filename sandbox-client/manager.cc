#include "sandbox-client/manager_core.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "sandbox-client/op_watch.h"

namespace rexec::sandbox {
namespace {

constexpr int kMaxAttempts = 3;  // to make the default sandbox in one call, when it vanishes again

bool is_over(ErrorCode code) {
  return code == ErrorCode::cancelled || code == ErrorCode::deadline_exceeded;
}

}  // namespace

Manager::Claim::~Claim() {
  if (!entry_) return;
  const MutexLock lock(manager_.mutex_);
  if (half_made_) {
    entry_->failure = Error{ErrorCode::internal, "making the sandbox failed"};
    manager_.table_.remove(entry_);
  }
  end();
}

void Manager::Claim::end() {
  entry_->busy = false;
  entry_.reset();
  manager_.changed_.notify_all();
}

Result<SandboxHandle> Manager::use(const Entry& entry) {
  if (entry->record.status == SandboxStatus::stopped)
    return Error{
        ErrorCode::failed_precondition,
        "the sandbox \"" + entry->record.name + "\" is stopped; start it with sandbox_control, action start"};
  entry->last_use = clock_.now();
  const std::weak_ptr<Backend> weak = backend_;
  auto limit_reason = [weak, id = entry->record.id](std::uint64_t process) {
    const auto backend = weak.lock();
    return backend ? backend->limit_reason(id, process) : std::string();
  };
  return SandboxHandle{entry->record, entry->runner, false, std::move(limit_reason)};
}

Status Manager::wait_idle(MutexLock& lock, const Entry& entry, const Op& op) {
  const auto idle = [&]() REXEC_REQUIRES(mutex_) { return !entry->busy || closing_; };
  if (op.deadline.is_infinite()) {
    changed_.wait(lock, op.stop, idle);
  } else {
    changed_.wait_until(lock, op.stop, op.deadline.time(), idle);
  }
  if (closing_) return shutting_down();
  if (!entry->busy) return {};
  return op.stop.stop_requested() ? given_up(ErrorCode::cancelled) : given_up(ErrorCode::deadline_exceeded);
}

Result<SandboxHandle> Manager::acquire(const Caller& caller, const std::optional<std::string>& name,
                                       const Op& op) {
  const std::string wanted = name.value_or(std::string(kDefaultName));
  bool took_part = false;
  int attempts = 0;
  for (;;) {
    Entry dead;
    {
      MutexLock lock(mutex_);
      if (closing_) return shutting_down();
      const Entry entry = table_.find(caller.principal, wanted);
      if (!entry) {
        if (++attempts > kMaxAttempts)
          return Error{ErrorCode::data_loss, "the sandbox ends as soon as it has been made"};
      } else if (entry->busy) {
        took_part = true;
        RETURN_IF_ERROR(wait_idle(lock, entry, op));
        if (entry->failure && !is_over(entry->failure->code)) return *entry->failure;
        continue;
      } else if (entry->runner && !entry->runner->alive()) {
        dead = entry;
      } else {
        auto handle = use(entry);
        if (handle && took_part && entry->lost) {
          handle->recreated = true;
          handle->lost_because = *entry->lost;
        }
        return handle;
      }
    }
    if (dead) {
      on_lost(dead, ended());
      continue;
    }
    std::vector<std::string> names;
    ASSIGN_OR_RETURN(Entry made, find_kept(caller.principal, wanted, names, op));
    if (made) {
      RETURN_IF_ERROR(adopt(made, op));
      continue;
    }
    {
      const MutexLock lock(mutex_);
      if (closing_) return shutting_down();
      if (table_.find(caller.principal, wanted)) continue;
      if (wanted != kDefaultName) return table_.missing(caller.principal, wanted, names);
      ASSIGN_OR_RETURN(made, table_.add(caller.principal, wanted));
    }
    SandboxSpec spec = default_spec_;
    spec.name = wanted;
    const Status done = make(made, std::move(spec), std::nullopt, op);
    // Another server was faster.
    if (!done && default_spec_.persistent && done.error().code == ErrorCode::already_exists) continue;
    RETURN_IF_ERROR(done);
    took_part = true;  // somebody may have removed it already, so it is looked up like any other
  }
}

std::optional<Result<SandboxHandle>> Manager::try_acquire(const Caller& caller,
                                                          const std::optional<std::string>& name) {
  const std::string wanted = name.value_or(std::string(kDefaultName));
  const MutexLock lock(mutex_);
  if (closing_) return shutting_down();
  const Entry entry = table_.find(caller.principal, wanted);
  if (!entry) {
    if (wanted == kDefaultName || backend_->capabilities().persistent) return std::nullopt;
    return table_.missing(caller.principal, wanted);
  }
  if (entry->busy || (entry->runner && !entry->runner->alive())) return std::nullopt;
  return use(entry);
}

Result<SandboxHandle> Manager::find(const Caller& caller, const std::string& name, const Op& op) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (closing_) return shutting_down();
      const Entry entry = table_.find(caller.principal, name);
      if (entry && !entry->busy) {
        if (!entry->runner || entry->runner->alive()) return use(entry);
        return Error{ErrorCode::not_found, "the sandbox \"" + name + "\" has ended"};
      }
      if (entry) {
        RETURN_IF_ERROR(wait_idle(lock, entry, op));
        continue;
      }
    }
    std::vector<std::string> names;
    ASSIGN_OR_RETURN(const Entry kept, find_kept(caller.principal, name, names, op));
    if (kept) {
      RETURN_IF_ERROR(adopt(kept, op));
      continue;
    }
    const MutexLock lock(mutex_);
    if (!table_.find(caller.principal, name)) return table_.missing(caller.principal, name, names);
  }
}

Status Manager::check_spec(const SandboxSpec& spec) const {
  const Capabilities can = backend_->capabilities();
  const auto cannot = [this](const char* what) {
    return Error{ErrorCode::unsupported, "the " + std::string(backend_->name()) + " backend cannot " + what};
  };
  if (!spec.name.empty()) RETURN_IF_ERROR(check_sandbox_name(spec.name));
  if (spec.image && !can.images) return cannot("run an image of your choice; leave image out");
  if (spec.persistent && !can.persistent)
    return cannot("keep a sandbox beyond the life of this server; leave persistent out");
  if (spec.network == Network::host && !can.network_host)
    return cannot("give a sandbox the network; use network none");
  return {};
}

Status Manager::check_lifetime(std::optional<Duration> expires_in) const {
  if (!expires_in) return {};
  if (*expires_in <= Duration::zero())
    return Error{ErrorCode::invalid_argument, "expires_in_s has to be greater than zero"};
  if (*expires_in > limits_.max_lifetime)
    return Error{
        ErrorCode::invalid_argument,
        "expires_in_s may be at most " +
            std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limits_.max_lifetime).count())};
  return {};
}

void Manager::set_expiry(SandboxEntry& entry, std::optional<Duration> expires_in) {
  if (!expires_in) return;
  entry.expires = clock_.now() + *expires_in;
  entry.record.expires_unix_ms = clock_.unix_ms() + milliseconds_of(*expires_in);
}

Result<SandboxRecord> Manager::create(const Caller& caller, CreateRequest request, const Op& op) {
  RETURN_IF_ERROR(check_spec(request.spec));
  RETURN_IF_ERROR(check_lifetime(request.expires_in));
  RETURN_IF_ERROR(check_new(caller.principal, request.spec, op));
  Entry entry;
  {
    const MutexLock lock(mutex_);
    if (closing_) return shutting_down();
    ASSIGN_OR_RETURN(entry, table_.add(caller.principal, request.spec.name));
    request.spec.name = entry->record.name;
  }
  RETURN_IF_ERROR(make(entry, std::move(request.spec), request.expires_in, op));
  const MutexLock lock(mutex_);
  return entry->record;
}

Status Manager::make(const Entry& entry, SandboxSpec spec, std::optional<Duration> expires_in, const Op& op) {
  Claim claimed(*this, entry, true);
  const Work work(*this, op, limits_.create_deadline);
  const std::string name = spec.name;
  spec.principal = entry->principal;
  if (spec.persistent) {
    spec.idle_expiry = limits_.persistent_idle_expiry;
    if (expires_in) spec.expires_unix_ms = clock_.unix_ms() + milliseconds_of(*expires_in);
    expires_in.reset();  // the sandbox's own affair
  }
  auto record = guarded([&] { return backend_->create(spec, work.op()); });
  std::shared_ptr<Runner> runner;
  std::optional<Error> failure;
  if (!record) {
    failure = record.error();
  } else {
    record->name = name;
    record->persistent = spec.persistent;
    if (spec.persistent) record->expires_unix_ms = spec.expires_unix_ms;
    if (record->created_unix_ms == 0) record->created_unix_ms = clock_.unix_ms();
    auto connected = connect(entry, *record, work.op());
    if (connected) {
      runner = *std::move(connected);
    } else {
      failure = with_context("connecting to the new sandbox", std::move(connected).error());
    }
  }
  {
    const MutexLock lock(mutex_);
    if (!failure && closing_) failure = shutting_down();
    if (failure) {
      entry->failure = failure;
      table_.remove(entry);
    } else {
      entry->record = *record;
      entry->record.status = SandboxStatus::running;
      entry->runner = runner;
      entry->last_use = clock_.now();
      entry->lost = table_.take_lost(entry->principal, name);
      set_expiry(*entry, expires_in);
    }
    claimed.end();
  }
  if (failure) {
    runner.reset();
    if (record) destroy_quietly(record->id, Op{{}, Deadline::after(kCleanUpBound)});
    return *std::move(failure);
  }
  on_lost(entry, ended());  // nobody looks at a busy one
  schedule(false);
  return {};
}

Result<std::shared_ptr<Runner>> Manager::connect(const Entry& entry, const SandboxRecord& record,
                                                 const Op& op) {
  ASSIGN_OR_RETURN(auto channel, guarded([&] { return backend_->open_channel(record.id, op); }));
  const std::weak_ptr<Backend> backend = backend_;
  Reconnect reconnect = [backend, id = record.id](const Op& again) -> Result<std::unique_ptr<Channel>> {
    const auto alive = backend.lock();
    if (!alive) return shutting_down();
    return guarded([&] { return alive->open_channel(id, again); });
  };
  const std::weak_ptr<WorkerPool> housekeeping = housekeeping_;
  const std::weak_ptr<SandboxEntry> weak_entry = entry;
  auto lost = [this, &reactor = reactor_, housekeeping, weak_entry](const Error& why) {
    post_at(reactor, housekeeping, std::chrono::steady_clock::now(), [this, weak_entry, why] {
      if (const Entry gone = weak_entry.lock()) on_lost(gone, why);
    });
  };
  return guarded([&] {
    return make_runner_client(std::move(channel), reactor_, record.settings, std::move(reconnect),
                              std::move(lost), op);
  });
}

Result<std::vector<SandboxRecord>> Manager::list(const Caller& caller, const Op& op) {
  ASSIGN_OR_RETURN(std::vector<SandboxRecord> records, kept_of(caller.principal, op));
  const MutexLock lock(mutex_);
  for (const Entry& entry : table_.of(caller.principal)) {
    if (entry->record.persistent && !entry->record.id.empty()) continue;  // the backend knows it better
    records.push_back(entry->record);
    if (entry->runner && !entry->runner->alive()) records.back().status = SandboxStatus::error;
  }
  return records;
}

Result<SandboxTable::Entry> Manager::claim(const Caller& caller, const std::string& name, const Op& op) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (closing_) return shutting_down();
      if (const Entry entry = table_.find(caller.principal, name)) {
        if (!entry->busy) {
          entry->busy = true;
          return entry;
        }
        RETURN_IF_ERROR(wait_idle(lock, entry, op));
        continue;
      }
    }
    std::vector<std::string> names;
    ASSIGN_OR_RETURN(Entry kept, find_kept(caller.principal, name, names, op));
    if (kept) return kept;
    const MutexLock lock(mutex_);
    if (!table_.find(caller.principal, name)) return table_.missing(caller.principal, name, names);
  }
}

Result<SandboxRecord> Manager::control(const Caller& caller, const std::string& name, ControlAction action,
                                       std::optional<Duration> expires_in, const Op& op) {
  if (action == ControlAction::extend && !expires_in)
    return Error{ErrorCode::invalid_argument, "extend needs expires_in_s"};
  if (action == ControlAction::extend) RETURN_IF_ERROR(check_lifetime(expires_in));
  const bool stops = action == ControlAction::stop || action == ControlAction::restart;
  if (stops && !backend_->capabilities().stop_and_start)
    return Error{ErrorCode::unsupported,
                 "a sandbox of the " + std::string(backend_->name()) +
                     " backend cannot be stopped and started again; delete it instead"};
  ASSIGN_OR_RETURN(const Entry entry, claim(caller, name, op));

  Claim claimed(*this, entry, false);
  const Work work(*this, op, limits_.create_deadline);
  const Status done = act(entry, action, expires_in, work.op());
  std::shared_ptr<Runner> dropped;
  SandboxRecord record;
  bool orphaned = false;
  {
    const MutexLock lock(mutex_);
    const bool kept = entry->record.persistent;
    if (done && action == ControlAction::extend && !kept) set_expiry(*entry, expires_in);
    if (done && action == ControlAction::remove) {
      entry->record.status = SandboxStatus::stopped;
      dropped = std::move(entry->runner);
      table_.remove(entry);
    } else {
      orphaned = closing_ && !entry->record.persistent;
      if (closing_) dropped = std::move(entry->runner);
      if (kept && !entry->runner) table_.remove(entry);  // looked up again when somebody wants it
    }
    record = entry->record;
    claimed.end();
  }
  if (dropped) dropped->close();
  if (orphaned) destroy_quietly(record.id, Op{{}, Deadline::after(kCleanUpBound)});
  on_lost(entry, ended());  // nobody looks at a busy one
  schedule(false);
  RETURN_IF_ERROR(done);
  return record;
}

// The caller has claimed the entry.
Status Manager::act(const Entry& entry, ControlAction action, std::optional<Duration> expires_in,
                    const Op& op) {
  switch (action) {
    case ControlAction::extend:
      return extend_kept(entry, *expires_in, op);
    case ControlAction::start:
      return start(entry, op);
    case ControlAction::stop:
      return stop(entry, op);
    case ControlAction::restart: {
      RETURN_IF_ERROR(stop(entry, op));
      return start(entry, op);
    }
    case ControlAction::remove:
      return remove(entry, op);
  }
  return {};
}

Status Manager::destroy(const SandboxId& id, const Op& op) {
  Status destroyed = guarded([&] { return backend_->destroy(id, op); });
  if (!destroyed && destroyed.error().code == ErrorCode::not_found) return {};
  return destroyed;
}

Status Manager::remove(const Entry& entry, const Op& op) {
  SandboxId id;
  std::shared_ptr<Runner> runner;
  {
    const MutexLock lock(mutex_);
    id = entry->record.id;
    runner = entry->runner;
  }
  Status destroyed = destroy(id, op);
  if (destroyed || !runner) return destroyed;
  // One that has ended, and only left files behind, is told from one that lives by asking it something.
  (void)has_running(*runner);
  if (runner->alive()) return destroyed;
  log(LogLevel::warning, "sandbox", "removing " + id + ": " + destroyed.error().message);
  return {};
}

Status Manager::stop(const Entry& entry, const Op& op) {
  SandboxRecord record;
  {
    const MutexLock lock(mutex_);
    record = entry->record;
  }
  if (record.status == SandboxStatus::stopped) return {};
  RETURN_IF_ERROR(guarded([&] { return backend_->stop(record.id, op); }));
  std::shared_ptr<Runner> dropped;
  {
    const MutexLock lock(mutex_);
    entry->record.status = SandboxStatus::stopped;
    dropped.swap(entry->runner);
  }
  if (dropped) dropped->close();
  return {};
}

Status Manager::start(const Entry& entry, const Op& op) {
  SandboxRecord record;
  bool connected = false;
  {
    const MutexLock lock(mutex_);
    record = entry->record;
    connected = entry->runner != nullptr && entry->runner->alive();
  }
  if (record.status != SandboxStatus::stopped && (connected || !record.persistent)) return {};
  RETURN_IF_ERROR(guarded([&] { return backend_->start(record.id, op); }));
  auto runner = connect(entry, record, op);
  if (!runner) {
    if (!record.persistent) (void)guarded([&] { return backend_->stop(record.id, op); });
    return std::move(runner).error();
  }
  const MutexLock lock(mutex_);
  entry->record.status = SandboxStatus::running;
  entry->runner = *std::move(runner);
  entry->last_use = clock_.now();
  return {};
}

std::unique_ptr<SandboxManager> make_sandbox_manager(std::unique_ptr<Backend> backend, Reactor& reactor,
                                                     const Clock& clock, ManagerLimits limits,
                                                     SandboxSpec default_spec) {
  return std::make_unique<Manager>(std::move(backend), reactor, clock, limits, std::move(default_spec));
}

}  // namespace rexec::sandbox
