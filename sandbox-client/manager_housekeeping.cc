#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.h"
#include "sandbox-client/manager_core.h"

namespace rexec::sandbox {
namespace {

constexpr Duration kShutdownBound = std::chrono::milliseconds(1500);
constexpr Duration kIdleQuestionBound = std::chrono::seconds(5);  // asking what runs in an idle sandbox
constexpr Duration kClockStep =
    std::chrono::milliseconds(20);  // between looks at a clock that is not the reactor's
constexpr std::size_t kShutdownThreads = 8;
constexpr Duration kPruneDelay = std::chrono::seconds(1);  // the connection is the first to end

}  // namespace

void post_at(Reactor& reactor, std::weak_ptr<WorkerPool> pool, SteadyTime when, std::function<void()> task) {
  reactor.at(when, [&reactor, pool = std::move(pool), task = std::move(task)] {
    const auto living = pool.lock();
    if (living && !living->try_post(task))
      post_at(reactor, pool, std::chrono::steady_clock::now() + kPostAgain, task);
  });
}

void Manager::on_lost(const Entry& entry, const Error& why) {
  std::shared_ptr<Runner> runner;
  SandboxId id;
  bool kept = false;  // stopped, or over: the backend knows
  std::string reason;
  {
    const MutexLock lock(mutex_);
    if (closing_ || entry->busy || !entry->runner || entry->runner->alive()) return;
    runner = std::move(entry->runner);
    reason = runner->why_gone();
    if (reason.empty()) reason = why.message;
    if (table_.lose(entry, reason)) id = entry->record.id;
    kept = entry->record.persistent;
  }
  runner->close();
  if (id.empty()) return;
  log(LogLevel::warning, "sandbox", "lost " + entry->principal + "/" + entry->record.name + ": " + reason);
  if (!kept) {
    post([this, id] { destroy_quietly(id, Op{{}, Deadline::after(kCleanUpBound)}); });
    return;
  }
  post_at(reactor_, housekeeping_, std::chrono::steady_clock::now() + kPruneDelay, [this] {
    const Op op{stop_.get_token(), Deadline::after(kCleanUpBound)};
    if (const auto removed = guarded([&] { return backend_->prune(false, op); }); !removed)
      log(LogLevel::warning, "sandbox", "cleaning up: " + removed.error().message);
  });
}

void Manager::destroy_quietly(const SandboxId& id, const Op& op) {
  const Status destroyed = destroy(id, op);
  if (!destroyed) log(LogLevel::warning, "sandbox", "removing " + id + ": " + destroyed.error().message);
}

void Manager::post(std::function<void()> task) {
  if (!housekeeping_->try_post(std::move(task)))
    log(LogLevel::warning, "sandbox", "too much to clean up; something is left behind");
}

// One timer is set for the sandbox that may end first. Use moves that later, which the timer finds out.
void Manager::schedule(bool not_at_once) {
  std::optional<SteadyTime> next;
  {
    const MutexLock lock(mutex_);
    if (closing_) return;
    const auto sooner = [&next](SteadyTime when) { next = next ? std::min(*next, when) : when; };
    for (const Entry& entry : table_.all()) {
      if (entry->busy || entry->record.persistent) continue;
      if (entry->expires) sooner(*entry->expires);
      if (limits_.idle_expiry > Duration::zero() && entry->runner)
        sooner(entry->last_use + limits_.idle_expiry);
    }
    if (!next) return;
    if (not_at_once) next = std::max(*next, std::chrono::steady_clock::now() + kClockStep);
    if (scheduled_ && *scheduled_ <= *next) return;
    scheduled_ = next;
  }
  post_at(reactor_, housekeeping_, *next, [this, when = *next] { sweep(when); });
}

void Manager::sweep(SteadyTime when) {
  struct Due {
    Entry entry;
    std::shared_ptr<Runner> runner;  // to be asked first
    SteadyTime last_use;
    std::string why;
  };
  std::vector<Due> due;
  {
    const MutexLock lock(mutex_);
    if (scheduled_ != when) return;  // an earlier one was set since
    scheduled_.reset();
    const SteadyTime now = clock_.now();
    for (const Entry& entry : table_.all()) {
      if (entry->busy || entry->record.persistent) continue;
      if (entry->expires && now >= *entry->expires) {
        due.push_back({entry, nullptr, entry->last_use, "its time was over"});
      } else if (limits_.idle_expiry > Duration::zero() && entry->runner &&
                 now - entry->last_use >= limits_.idle_expiry) {
        due.push_back({entry, entry->runner, entry->last_use, "nobody used it for long"});
      }
    }
  }
  for (Due& end : due) {
    const bool running = end.runner && has_running(*end.runner);
    SandboxId id;
    {
      const MutexLock lock(mutex_);
      if (closing_) return;
      if (end.entry->busy || end.entry->last_use != end.last_use) continue;
      if (running) {
        end.entry->last_use = clock_.now();
        continue;
      }
      if (!table_.lose(end.entry, end.why)) continue;
      id = end.entry->record.id;
    }
    log(LogLevel::info, "sandbox",
        "ending " + end.entry->principal + "/" + end.entry->record.name + ": " + end.why);
    destroy_quietly(id, Op{{}, Deadline::after(kCleanUpBound)});
  }
  schedule(true);
}

// A runner that does not answer counts as one in which something runs.
bool Manager::has_running(Runner& runner) {
  struct Answer {
    Mutex mutex;
    CondVar changed;
    bool running REXEC_GUARDED_BY(mutex) = false;
    int missing REXEC_GUARDED_BY(mutex) = 2;

    void give(bool found) {
      const MutexLock lock(mutex);
      running = running || found;
      --missing;
      changed.notify_all();
    }
  };
  const auto answer = std::make_shared<Answer>();
  const Op op{stop_.get_token(), Deadline::after(kIdleQuestionBound)};
  const auto running = [](const auto& entry) { return entry.status == ProcessStatus::running; };
  runner.list(false, op, [answer, running](const Result<ProcessEntries>& list) {
    answer->give(!list || std::ranges::any_of(list->entries, running));
  });
  runner.list_terminals(op, [answer, running](const Result<std::vector<TerminalEntry>>& list) {
    answer->give(!list || std::ranges::any_of(*list, running));
  });
  MutexLock lock(answer->mutex);
  while (answer->missing > 0) answer->changed.wait(lock);
  return answer->running;
}

void Manager::shutdown() {
  std::vector<Entry> entries;
  std::vector<SandboxId> ending;
  std::vector<std::shared_ptr<Runner>> runners;
  const Deadline deadline = Deadline::after(kShutdownBound);
  {
    const MutexLock lock(mutex_);
    if (std::exchange(closing_, true)) return;
    entries = table_.take_all();
    for (const Entry& entry : entries) {
      if (entry->busy) continue;  // whoever works on it ends it
      if (!entry->record.persistent) ending.push_back(entry->record.id);
      runners.push_back(std::move(entry->runner));
    }
    changed_.notify_all();
  }
  stop_.request_stop();
  std::atomic<std::size_t> next = 0;
  const auto end_some = [&] {
    for (std::size_t i = next++; i < ending.size(); i = next++) destroy_quietly(ending[i], Op{{}, deadline});
  };
  std::vector<std::thread> threads;
  try {
    while (threads.size() + 1 < std::min(ending.size(), kShutdownThreads)) threads.emplace_back(end_some);
  } catch (const std::system_error&) {
    // Those that there are, this one at least, end all.
  }
  end_some();
  for (std::thread& thread : threads) thread.join();
  for (const auto& runner : runners) {
    if (runner) runner->close();
  }
  runners.clear();
  MutexLock lock(mutex_);
  changed_.wait_until(lock, deadline.time(), [&]() REXEC_REQUIRES(mutex_) {
    return working_ == 0 &&
           std::none_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry->busy; });
  });
}

}  // namespace rexec::sandbox
