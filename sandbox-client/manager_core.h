// The implementation of SandboxManager: the calls in manager.cc, what concerns persistent sandboxes in
// manager_kept.cc, what happens without a call in manager_housekeeping.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "base/worker_pool.h"
#include "sandbox-client/manager.h"
#include "sandbox-client/sandbox_table.h"

namespace rexec::sandbox {

/// Between attempts to hand a task to a pool that has no room.
inline constexpr Duration kPostAgain = std::chrono::seconds(1);

/// Hands `task` to the pool at `when`, from the reactor's thread, or as soon afterwards as the pool takes it.
/// The pool need not live that long; then there is nobody left to do it.
void post_at(Reactor& reactor, std::weak_ptr<WorkerPool> pool, SteadyTime when, std::function<void()> task);

inline Error shutting_down() {
  return Error{ErrorCode::unavailable, "the server is shutting down"};
}

inline Error ended() {
  return Error{ErrorCode::data_loss, "it ended"};
}

inline std::int64_t milliseconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

/// What `call` answers. Starting a thread is what throws there, when the system grants none.
template <class Call>
auto guarded(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::system_error& failure) {
    return Error{ErrorCode::resource_exhausted,
                 std::string("the system grants no more threads or descriptors: ") + failure.what()};
  }
}

/// For removing what nobody waits for.
inline constexpr Duration kCleanUpBound = std::chrono::seconds(10);

class Manager final : public SandboxManager {
 public:
  Manager(std::unique_ptr<Backend> backend, Reactor& reactor, const Clock& clock, ManagerLimits limits,
          SandboxSpec default_spec)
      : backend_(std::move(backend)),
        reactor_(reactor),
        clock_(clock),
        limits_(limits),
        default_spec_(std::move(default_spec)),
        housekeeping_(std::make_shared<WorkerPool>(WorkerPool::Options{2, 1024})),
        table_(limits) {}
  ~Manager() override {
    shutdown();
    housekeeping_->stop();
  }

  Result<SandboxHandle> acquire(const Caller& caller, const std::optional<std::string>& name,
                                const Op& op) override;
  std::optional<Result<SandboxHandle>> try_acquire(const Caller& caller,
                                                   const std::optional<std::string>& name) override;
  Result<SandboxHandle> find(const Caller& caller, const std::string& name, const Op& op) override;
  Result<SandboxRecord> create(const Caller& caller, CreateRequest request, const Op& op) override;
  Result<std::vector<SandboxRecord>> list(const Caller& caller, const Op& op) override;
  Result<SandboxRecord> control(const Caller& caller, const std::string& name, ControlAction action,
                                std::optional<Duration> expires_in, const Op& op) override;
  Backend& backend() override { return *backend_; }
  void shutdown() override;

 private:
  using Entry = SandboxTable::Entry;

  // A call that shutdown() waits for, with an Op that shutdown() ends.
  class Work {
   public:
    Work(Manager& manager, const Op& op, Duration bound)
        : manager_(manager),
          by_caller_(op.stop, Ender{stop_}),
          by_shutdown_(manager.stop_.get_token(), Ender{stop_}),
          op_{stop_.get_token(), op.deadline.sooner(Deadline::after(bound))} {
      const MutexLock lock(manager_.mutex_);
      ++manager_.working_;
    }
    ~Work() {
      const MutexLock lock(manager_.mutex_);
      --manager_.working_;
      manager_.changed_.notify_all();
    }
    const Op& op() const { return op_; }

   private:
    struct Ender {
      std::stop_source source;
      void operator()() { source.request_stop(); }
    };
    Manager& manager_;
    std::stop_source stop_;
    std::stop_callback<Ender> by_caller_;
    std::stop_callback<Ender> by_shutdown_;
    Op op_;
  };

  // Work on a busy entry: an exception does not leave it busy for ever, and takes one that is half made out.
  class Claim {
   public:
    Claim(Manager& manager, Entry entry, bool half_made)
        : manager_(manager), entry_(std::move(entry)), half_made_(half_made) {}
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    /// Ends the work in the ordinary way. The caller holds the manager's mutex, which the analysis cannot
    /// tell from manager_.mutex_.
    void end() REXEC_NO_THREAD_SAFETY_ANALYSIS;

   private:
    Manager& manager_;
    Entry entry_;
    const bool half_made_;
  };

  Result<SandboxHandle> use(const Entry& entry) REXEC_REQUIRES(mutex_);
  /// Waits until nobody works on `entry`. The lock is released meanwhile.
  Status wait_idle(MutexLock& lock, const Entry& entry, const Op& op) REXEC_REQUIRES(mutex_);
  Result<Entry> claim(const Caller& caller, const std::string& name, const Op& op);
  Status make(const Entry& entry, SandboxSpec spec, std::optional<Duration> expires_in, const Op& op);
  /// The principal's persistent sandboxes, whichever server made them.
  Result<std::vector<SandboxRecord>> kept_of(const std::string& principal, const Op& op);
  Status check_new(const std::string& principal, const SandboxSpec& spec, const Op& op);
  /// A busy entry for a sandbox that is not in the table: a persistent one that is there, or nullptr.
  /// `names` gets those that are there.
  Result<Entry> find_kept(const std::string& principal, const std::string& name,
                          std::vector<std::string>& names, const Op& op);
  Status adopt(const Entry& entry, const Op& op);
  Status extend_kept(const Entry& entry, Duration expires_in, const Op& op);
  Result<std::shared_ptr<Runner>> connect(const Entry& entry, const SandboxRecord& record, const Op& op);
  Status check_spec(const SandboxSpec& spec) const;
  Status check_lifetime(std::optional<Duration> expires_in) const;
  void set_expiry(SandboxEntry& entry, std::optional<Duration> expires_in) REXEC_REQUIRES(mutex_);
  Status act(const Entry& entry, ControlAction action, std::optional<Duration> expires_in, const Op& op);
  Status start(const Entry& entry, const Op& op);
  Status stop(const Entry& entry, const Op& op);
  Status remove(const Entry& entry, const Op& op);
  Status destroy(const SandboxId& id, const Op& op);
  void destroy_quietly(const SandboxId& id, const Op& op);

  void post(std::function<void()> task);
  void on_lost(const Entry& entry, const Error& why);
  void schedule(bool not_at_once);
  void sweep(SteadyTime when);
  bool has_running(Runner& runner);

  const std::shared_ptr<Backend> backend_;
  Reactor& reactor_;
  const Clock& clock_;
  const ManagerLimits limits_;
  const SandboxSpec default_spec_;
  // Callbacks of the reactor reach the manager only by a task in here, and it is stopped first.
  const std::shared_ptr<WorkerPool> housekeeping_;
  std::stop_source stop_;

  Mutex mutex_;
  CondVar changed_;
  SandboxTable table_ REXEC_GUARDED_BY(mutex_);  // and the entries in it
  std::size_t working_ REXEC_GUARDED_BY(mutex_) = 0;
  bool closing_ REXEC_GUARDED_BY(mutex_) = false;
  std::optional<SteadyTime> scheduled_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::sandbox
