#include "sandbox-client/local/local_backend.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "base/thread_annotations.h"
#include "sandbox-client/local/bubblewrap_arguments.h"
#include "sandbox-client/local/diagnose.h"
#include "sandbox-client/local/host_check.h"
#include "sandbox-client/local/kept_sandboxes.h"
#include "sandbox-client/local/launch.h"
#include "sandbox-client/local/runner_image.h"
#include "sandbox-client/local/sandbox_socket.h"
#include "sandbox-client/local/specification.h"
#include "sandbox-client/local/state_directory.h"
#include "sandbox-client/local/system_view.h"
#include "sandbox-client/local/visitors.h"

namespace rexec::sandbox {
namespace {

constexpr auto kCleanUpLimit = std::chrono::seconds(5);           // for what a failed create leaves
constexpr auto kShutdownLimit = std::chrono::milliseconds(1000);  // for files, after all processes are dead

/// What the first sandbox needs and every later one uses.
struct Machinery {
  std::unique_ptr<Launcher> launcher;
  Spawner spawner;
};

/// One sandbox. `busy` belongs to the backend's mutex; whoever set it owns the other members until clearing
/// it, except `record` and `cgroup`, which are changed and read under the mutex only.
struct Entry {
  bool busy = false;
  SandboxRecord record;
  std::shared_ptr<Cgroup> cgroup;  // like record
  SandboxLimits limits;            // constant
  std::unique_ptr<SandboxDirectory> directory;
  std::unique_ptr<RunningSandbox> running;
  UniqueFd channel;
};

class LocalBackend final : public Backend {
 public:
  LocalBackend(LocalOptions options, Reactor& reactor)
      : options_(std::move(options)),
        reactor_(reactor),
        user_(geteuid() == 0 ? std::optional<uid_t>(options_.sandbox_uid) : std::nullopt),
        state_(options_.state_directory.empty() ? default_state_directory() : options_.state_directory,
               user_),
        kept_(state_, [this](const SandboxSpec& spec, const SandboxId& id, const std::string& home,
                             const KeptInputs& inputs,
                             const Op& op) { return launch_kept(spec, id, home, inputs, op); }) {}
  ~LocalBackend() override;

  std::string_view name() const override { return "local"; }
  Capabilities capabilities() const override { return {false, true, options_.allow_host_network, true}; }
  Result<SandboxRecord> create(const SandboxSpec& spec, const Op& op) override;
  Result<std::vector<SandboxRecord>> list(const Op& op) override;
  Status start(const SandboxId& id, const Op& op) override;
  Status stop(const SandboxId& id, const Op& op) override;
  Status destroy(const SandboxId& id, const Op& op) override;
  Result<std::unique_ptr<Channel>> open_channel(const SandboxId& id, const Op& op) override;
  Result<std::vector<SandboxRecord>> list_visitable(const Op& op) override;
  Result<std::unique_ptr<Channel>> visit(const SandboxId& id, const Op& op) override;
  std::string limit_reason(const SandboxId& id, std::uint64_t process) override;
  Status set_expiry(const SandboxId& id, std::int64_t expires_unix_ms, const Op& op) override {
    return kept_.set_expiry(id, expires_unix_ms, op);
  }
  Result<std::uint64_t> disk_usage(const SandboxId& id, const Op& op) override {
    return kept_.disk_usage(id, op);
  }
  Result<std::vector<SandboxId>> prune(bool dry_run, const Op& op) override;
  std::vector<Finding> diagnose(const Op& op) override {
    return diagnose_local(options_.bubblewrap, user_, state_, op);
  }

 private:
  /// Exclusive use of an entry; given back by release().
  class Use {
   public:
    Use(LocalBackend& backend, std::shared_ptr<Entry> entry) : backend_(&backend), entry_(std::move(entry)) {}
    Use(Use&& other) noexcept = default;
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (entry_) backend_->release(*entry_);
    }
    Entry& operator*() const { return *entry_; }
    Entry* operator->() const { return entry_.get(); }

   private:
    LocalBackend* backend_;
    std::shared_ptr<Entry> entry_;
  };

  Status check(const SandboxSpec& spec) const;
  Result<std::shared_ptr<Machinery>> machinery();
  /// What launch() is told of any sandbox whose `home` is on the host.
  LaunchSpec launch_spec(const SandboxId& id, const std::string& home, Network network,
                         const SandboxLimits& limits) const;
  Result<Launched> launch(LaunchSpec spec, const Op& op);
  /// One that ends with this server. Visitors and the server say `secret`.
  Result<Launched> launch_own(const SandboxDirectory& directory, Network network, const SandboxLimits& limits,
                              const std::string& secret, const Op& op);
  Result<Launched> launch_kept(const SandboxSpec& spec, const SandboxId& id, const std::string& home,
                               const KeptInputs& inputs, const Op& op);
  /// Whether it ends with this server; any other is a persistent one.
  bool is_own(const SandboxId& id);
  Result<Use> use(const SandboxId& id, const Op& op);
  void release(Entry& entry);
  void set_status(Entry& entry, SandboxStatus status);

  const LocalOptions options_;
  Reactor& reactor_;
  const std::optional<uid_t> user_;  // whom the sandboxes run as, when that is not the server's user
  const StateDirectory state_;
  KeptSandboxes kept_;

  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<Machinery> machinery_ REXEC_GUARDED_BY(mutex_);
  std::map<SandboxId, std::shared_ptr<Entry>> entries_ REXEC_GUARDED_BY(mutex_);
  // Of persistent ones that are in use.
  std::map<SandboxId, std::shared_ptr<Cgroup>> kept_groups_ REXEC_GUARDED_BY(mutex_);
  std::jthread janitor_ REXEC_GUARDED_BY(mutex_);  // removes what earlier servers left
};

LocalBackend::~LocalBackend() {
  std::map<SandboxId, std::shared_ptr<Entry>> entries;
  std::jthread janitor;
  {
    MutexLock lock(mutex_);
    entries.swap(entries_);
    janitor.swap(janitor_);
  }
  janitor.request_stop();
  for (const auto& [id, entry] : entries)
    if (entry->running) entry->running->kill();
  for (const auto& [id, entry] : entries) entry->running.reset();
  const Op op{{}, Deadline::after(kShutdownLimit)};
  for (const auto& [id, entry] : entries)
    if (const Status status = entry->directory->remove(op); !status)
      log(LogLevel::warning, "local", "sandbox " + id + ": " + status.error().message);
}

Status LocalBackend::check(const SandboxSpec& spec) const {
  if (spec.image)
    return Error{ErrorCode::unsupported, "local sandboxes use this machine's system; leave out image"};
  if (!spec.cwd.empty() && spec.cwd.front() != '/')
    return Error{ErrorCode::invalid_argument, "cwd is not an absolute path"};
  if (spec.network == Network::host && !options_.allow_host_network)
    return Error{ErrorCode::permission_denied,
                 "the configuration of this server does not allow network \"host\" "
                 "for local sandboxes; use network \"none\""};
  if (user_ == uid_t{0})
    return Error{ErrorCode::failed_precondition,
                 "sandboxes must not run as root: configure another sandbox uid than 0"};
  return {};
}

Result<std::shared_ptr<Machinery>> LocalBackend::machinery() {
  {
    MutexLock lock(mutex_);
    if (machinery_) return machinery_;
  }
  ASSIGN_OR_RETURN(auto launcher, Launcher::make(runner_image()));
  auto made = std::make_shared<Machinery>();
  made->launcher = std::move(launcher);
  MutexLock lock(mutex_);
  if (!machinery_) {
    try {
      janitor_ = std::jthread([this](const std::stop_token& stop) {
        if (const auto removed = prune(false, Op{stop, Deadline::infinite()}); removed && !removed->empty())
          log(LogLevel::info, "local", "removed " + std::to_string(removed->size()) + " left-over sandboxes");
      });
    } catch (const std::system_error&) {
      return no_thread();
    }
    machinery_ = std::move(made);
  }
  return machinery_;
}

Result<std::vector<SandboxId>> LocalBackend::prune(bool dry_run, const Op& op) {
  if (!dry_run) {
    remove_stale_cgroups(find_cgroup_site());
    remove_stale_placeholders(state_.path(), op);
  }
  ASSIGN_OR_RETURN(auto removed, state_.prune(op, dry_run));
  ASSIGN_OR_RETURN(const auto over, kept_.prune(dry_run, op));
  removed.insert(removed.end(), over.begin(), over.end());
  return removed;
}

bool LocalBackend::is_own(const SandboxId& id) {
  MutexLock lock(mutex_);
  return entries_.count(id) != 0;
}

LaunchSpec LocalBackend::launch_spec(const SandboxId& id, const std::string& home, Network network,
                                     const SandboxLimits& limits) const {
  LaunchSpec spec;
  spec.user = user_;
  spec.home = home;
  spec.id = id;
  spec.limits = limits;
  spec.network = network;
  spec.mounts = options_.mounts;
  spec.state = state_.path();
  return spec;
}

Result<Launched> LocalBackend::launch(LaunchSpec spec, const Op& op) {
  ASSIGN_OR_RETURN(spec.bubblewrap, find_bubblewrap(options_.bubblewrap));
  ASSIGN_OR_RETURN(const std::shared_ptr<Machinery> tools, machinery());
  return tools->launcher->launch(spec, tools->spawner, op);
}

Result<Launched> LocalBackend::launch_kept(const SandboxSpec& spec, const SandboxId& id,
                                           const std::string& home, const KeptInputs& inputs, const Op& op) {
  ASSIGN_OR_RETURN(const SandboxLimits limits, limits_for(spec, options_));
  LaunchSpec wanted = launch_spec(id, home, spec.network, limits);
  wanted.kept = inputs;
  return launch(std::move(wanted), op);
}

Result<Launched> LocalBackend::launch_own(const SandboxDirectory& directory, Network network,
                                          const SandboxLimits& limits, const std::string& secret,
                                          const Op& op) {
  LaunchSpec spec = launch_spec(directory.id(), directory.home(), network, limits);
  ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(directory.id(), false, op));
  // Without visitors rather than not at all: not every file system takes a socket.
  const auto socket = make_sandbox_socket(opened.directory.get());
  if (socket) {
    spec.visit = VisitInputs{socket->get(), secret};
  } else {
    log(LogLevel::warning, "local", "nobody can attach to the sandbox: " + socket.error().message);
  }
  return launch(std::move(spec), op);
}

Result<SandboxRecord> LocalBackend::create(const SandboxSpec& spec, const Op& op) {
  RETURN_IF_ERROR(check(spec));
  RETURN_IF_ERROR(check_mounts(options_.mounts));
  ASSIGN_OR_RETURN(const SandboxLimits limits, limits_for(spec, options_));
  SandboxRecord record;
  ASSIGN_OR_RETURN(record.settings.env, environment_for(spec));
  // Before anything is on disk: without bwrap nothing is to be left.
  ASSIGN_OR_RETURN(const std::string bubblewrap, find_bubblewrap(options_.bubblewrap));

  record.name = spec.name;
  record.backend = name();
  record.home = kSandboxHome;
  if (spec.template_name) record.template_name = *spec.template_name;
  record.cwd = !spec.cwd.empty() ? spec.cwd : options_.mounts.workspace.empty() ? kSandboxHome : kWorkspace;
  record.settings.home = kSandboxHome;
  record.settings.cwd = record.cwd;
  record.network = spec.network;
  record.created_unix_ms = system_clock().unix_ms();
  record.labels = spec.labels;
  if (spec.persistent) {
    return kept_.create(spec, std::move(record), op);
  }

  ASSIGN_OR_RETURN(auto directory, state_.make(op));
  record.id = directory->id();
  record.principal = spec.principal;
  record.settings.secret = random_hex(kSandboxSecretBytes);
  auto launched = launch_own(*directory, spec.network, limits, record.settings.secret, op);
  if (!launched) {
    if (const Status status = directory->remove(Op{{}, Deadline::after(kCleanUpLimit)}); !status)
      log(LogLevel::warning, "local", status.error().message);
    return std::move(launched).error();
  }

  record.status = SandboxStatus::running;
  record.mounts = launched->mounts;
  record.capabilities = launched->notes;
  record.isolation = launched->isolation;
  record.limits = std::move(launched->limits);
  if (const Status invited = invite(state_, record, op); !invited)
    log(LogLevel::warning, "local", "nobody can attach to the sandbox: " + invited.error().message);

  auto entry = std::make_shared<Entry>();
  entry->record = record;
  entry->directory = std::move(directory);
  entry->running = std::move(launched->sandbox);
  entry->channel = std::move(launched->channel);
  entry->cgroup = std::move(launched->cgroup);
  entry->limits = limits;
  MutexLock lock(mutex_);
  entries_.emplace(record.id, std::move(entry));
  return record;
}

Result<std::vector<SandboxRecord>> LocalBackend::list(const Op& op) {
  ASSIGN_OR_RETURN(std::vector<SandboxRecord> records, kept_.list(op));
  for (SandboxRecord& record : records) record.backend = name();
  MutexLock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    if (!entry->busy && entry->running && !entry->running->alive()) {
      entry->record.status = SandboxStatus::error;
      entry->record.ended = entry->running->reason();
    }
    records.push_back(entry->record);
  }
  return records;
}

Result<LocalBackend::Use> LocalBackend::use(const SandboxId& id, const Op& op) {
  MutexLock lock(mutex_);
  while (true) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return Error{ErrorCode::not_found, "there is no local sandbox " + id};
    const std::shared_ptr<Entry> entry = found->second;
    if (!entry->busy) {
      entry->busy = true;
      return Use(*this, entry);
    }
    if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "cancelled"};
    if (op.deadline.passed())
      return Error{ErrorCode::deadline_exceeded, "another operation on the sandbox takes too long"};
    changed_.wait_until(lock, op.stop, op.deadline.time(), [&entry] { return !entry->busy; });
  }
}

void LocalBackend::release(Entry& entry) {
  {
    MutexLock lock(mutex_);
    entry.busy = false;
  }
  changed_.notify_all();
}

void LocalBackend::set_status(Entry& entry, SandboxStatus status) {
  MutexLock lock(mutex_);
  entry.record.status = status;
}

Status LocalBackend::start(const SandboxId& id, const Op& op) {
  if (!is_own(id)) return kept_.start(id, op);
  ASSIGN_OR_RETURN(const Use entry, use(id, op));
  if (entry->running && entry->running->alive()) return {};
  entry->channel.reset();
  if (entry->running) {
    RETURN_IF_ERROR(entry->running->end(op));
    entry->running.reset();
  }
  const SandboxDirectory& directory = *entry->directory;
  auto launched =
      launch_own(directory, entry->record.network, entry->limits, entry->record.settings.secret, op);
  if (!launched) {
    set_status(*entry, SandboxStatus::error);
    return std::move(launched).error();
  }
  entry->running = std::move(launched->sandbox);
  entry->channel = std::move(launched->channel);
  MutexLock lock(mutex_);
  entry->record.isolation = launched->isolation;
  entry->cgroup = launched->cgroup;
  entry->record.mounts = launched->mounts;
  entry->record.capabilities = launched->notes;
  entry->record.status = SandboxStatus::running;
  return {};
}

Status LocalBackend::stop(const SandboxId& id, const Op& op) {
  if (!is_own(id)) return kept_.stop(id, op);
  ASSIGN_OR_RETURN(const Use entry, use(id, op));
  entry->channel.reset();
  if (entry->running) {
    RETURN_IF_ERROR(entry->running->end(op));
    entry->running.reset();
  }
  set_status(*entry, SandboxStatus::stopped);
  return {};
}

Status LocalBackend::destroy(const SandboxId& id, const Op& op) {
  if (!is_own(id)) {
    {
      MutexLock lock(mutex_);
      kept_groups_.erase(id);
    }
    return kept_.destroy(id, op);
  }
  ASSIGN_OR_RETURN(const Use entry, use(id, op));
  entry->channel.reset();
  if (entry->running) {
    RETURN_IF_ERROR(entry->running->end(op));
    entry->running.reset();
  }
  set_status(*entry, SandboxStatus::stopped);
  RETURN_IF_ERROR(entry->directory->remove(op));
  MutexLock lock(mutex_);
  entries_.erase(id);
  return {};
}

std::string LocalBackend::limit_reason(const SandboxId& id, std::uint64_t process) {
  std::shared_ptr<Cgroup> cgroup;
  {
    MutexLock lock(mutex_);
    if (const auto own = entries_.find(id); own != entries_.end()) {
      cgroup = own->second->cgroup;
    } else if (const auto kept = kept_groups_.find(id); kept != kept_groups_.end()) {
      cgroup = kept->second;
    }
  }
  if (cgroup == nullptr || !cgroup->killed_by_memory(process)) return {};
  return "memory limit " + std::to_string(cgroup->memory_mb()) + " MB";
}

Result<std::unique_ptr<Channel>> LocalBackend::open_channel(const SandboxId& id, const Op& op) {
  if (!is_own(id)) {
    ASSIGN_OR_RETURN(UniqueFd socket, kept_.connect(id, op));
    std::shared_ptr<Cgroup> group = Cgroup::find(find_cgroup_site(), id);
    {
      MutexLock lock(mutex_);
      kept_groups_.insert_or_assign(id, std::move(group));
    }
    return make_socket_channel(std::move(socket), reactor_);
  }
  ASSIGN_OR_RETURN(const Use entry, use(id, op));
  if (!entry->running) return Error{ErrorCode::failed_precondition, "the sandbox is stopped; start it first"};
  // Known before its pid 1 has ended altogether.
  if (std::string reason = entry->running->reason(); !reason.empty())
    return Error{ErrorCode::data_loss, std::move(reason)};
  if (!entry->running->alive())
    return Error{ErrorCode::data_loss, "the sandbox has ended; start it again or make a new one"};
  if (!entry->channel.valid())
    return Error{ErrorCode::data_loss, "the connection to the sandbox is lost; restart it or make a new one"};
  return make_socket_channel(std::move(entry->channel), reactor_);
}

Result<std::vector<SandboxRecord>> LocalBackend::list_visitable(const Op& op) {
  ASSIGN_OR_RETURN(std::vector<SandboxRecord> records, invitations(state_, op));
  std::erase_if(records, [this](const SandboxRecord& record) { return is_own(record.id); });
  for (SandboxRecord& record : records) record.backend = name();
  return records;
}

Result<std::unique_ptr<Channel>> LocalBackend::visit(const SandboxId& id, const Op& op) {
  ASSIGN_OR_RETURN(UniqueFd socket, sandbox::visit(state_, id, op));
  return make_socket_channel(std::move(socket), reactor_);
}

}  // namespace

std::unique_ptr<Backend> make_local_backend(LocalOptions options, Reactor& reactor) {
  return std::make_unique<LocalBackend>(std::move(options), reactor);
}

}  // namespace rexec::sandbox
