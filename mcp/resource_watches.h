// The resources that one subscriber watches: a bounded set, and updates that are rare enough to be sent.
//
// The first change of a resource is told at once; what follows within the interval is told as one update at
// its end, so the last state is never kept from the subscriber. Thread-safe; nothing is called under the
// lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/deadline.h"
#include "base/thread_annotations.h"
#include "mcp/resource.h"
#include "mcp/timer_queue.h"

namespace rexec::mcp {

class ResourceWatches : public std::enable_shared_from_this<ResourceWatches> {
 public:
  struct Limits {
    std::size_t resources = 64;
    Duration interval = std::chrono::milliseconds(100);  // between updates of one resource
  };
  using Notify = std::function<void(const std::string& uri)>;

  /// `notify` runs on any thread and must not block.
  ResourceWatches(std::shared_ptr<ResourceProvider> provider, std::shared_ptr<TimerQueue> timers,
                  Limits limits, Notify notify)
      : provider_(std::move(provider)),
        timers_(std::move(timers)),
        limits_(limits),
        notify_(std::move(notify)) {}

  /// `done` comes once it is known whether the resource can be watched; updates follow it. One that is
  /// watched already is fine; resource_exhausted beyond the limit.
  void add(const Inquiry& inquiry, const std::string& uri, Reply<void> done);
  void remove(const std::string& uri);
  /// Until then nothing is told.
  void open();
  /// Ends every watch, for good. At most what is being told comes afterwards.
  void close();
  std::size_t size() const;

 private:
  struct Entry {
    std::uint64_t generation = 0;
    std::unique_ptr<ResourceWatch> watch;  // none while it is not known whether there is one
    bool ready = false;
    bool changed = false;  // while that could not be told
    bool delayed = false;  // a timer will tell
    SteadyTime next{};     // when the next update may be told
  };
  using Entries = std::map<std::string, Entry>;

  /// The generation of a new entry; 0 when it is watched already.
  Result<std::uint64_t> admit(const std::string& uri);
  void begun(const std::string& uri, std::uint64_t generation, Result<std::unique_ptr<ResourceWatch>> watch,
             const Reply<void>& done);
  void changed(const std::string& uri, std::uint64_t generation);
  void tell_delayed(const std::string& uri, std::uint64_t generation);
  Entry* current(const std::string& uri, std::uint64_t generation) REXEC_REQUIRES(mutex_);

  const std::shared_ptr<ResourceProvider> provider_;
  const std::shared_ptr<TimerQueue> timers_;
  const Limits limits_;
  const Notify notify_;
  mutable Mutex mutex_;
  Entries entries_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t next_generation_ REXEC_GUARDED_BY(mutex_) = 1;
  bool open_ REXEC_GUARDED_BY(mutex_) = false;
  bool closed_ REXEC_GUARDED_BY(mutex_) = false;
};

}  // namespace rexec::mcp
