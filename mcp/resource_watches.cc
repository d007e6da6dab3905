#include "mcp/resource_watches.h"

#include <optional>
#include <utility>
#include <vector>

namespace rexec::mcp {

ResourceWatches::Entry* ResourceWatches::current(const std::string& uri, std::uint64_t generation) {
  const auto found = entries_.find(uri);
  return found == entries_.end() || found->second.generation != generation ? nullptr : &found->second;
}

Result<std::uint64_t> ResourceWatches::admit(const std::string& uri) {
  MutexLock lock(mutex_);
  if (closed_) return Error{ErrorCode::unavailable, "the connection is ending"};
  if (entries_.contains(uri)) return std::uint64_t{0};
  if (entries_.size() >= limits_.resources) {
    return Error{ErrorCode::resource_exhausted, "too many resources are watched (" +
                                                    std::to_string(limits_.resources) +
                                                    "); unsubscribe from some first"};
  }
  const auto generation = next_generation_++;
  entries_[uri].generation = generation;
  return generation;
}

void ResourceWatches::add(const Inquiry& inquiry, const std::string& uri, Reply<void> done) {
  const auto admitted = admit(uri);
  if (!admitted) return done(admitted.error());
  const std::uint64_t generation = *admitted;
  if (generation == 0) return done({});
  const std::weak_ptr<ResourceWatches> weak = weak_from_this();
  provider_->watch(
      inquiry, uri,
      [weak, uri, generation] {
        if (const auto self = weak.lock()) self->changed(uri, generation);
      },
      [self = shared_from_this(), uri, generation,
       done = std::move(done)](Result<std::unique_ptr<ResourceWatch>> watch) {
        self->begun(uri, generation, std::move(watch), done);
      });
}

void ResourceWatches::begun(const std::string& uri, std::uint64_t generation,
                            Result<std::unique_ptr<ResourceWatch>> watch, const Reply<void>& done) {
  std::unique_ptr<ResourceWatch> unwanted;
  {
    MutexLock lock(mutex_);
    Entry* entry = current(uri, generation);
    if (!watch) {
      if (entry) entries_.erase(uri);
    } else if (entry) {
      entry->watch = *std::move(watch);
    } else {
      unwanted = *std::move(watch);
    }
  }
  if (!watch) return done(std::move(watch).error());
  done({});
  bool missed = false;
  {
    MutexLock lock(mutex_);
    if (Entry* entry = current(uri, generation)) {
      entry->ready = true;
      missed = open_ && std::exchange(entry->changed, false);
    }
  }
  if (missed) changed(uri, generation);
}

void ResourceWatches::changed(const std::string& uri, std::uint64_t generation) {
  std::optional<SteadyTime> later;
  {
    MutexLock lock(mutex_);
    Entry* entry = current(uri, generation);
    if (!entry || entry->delayed) return;
    if (!entry->ready || !open_) {
      entry->changed = true;
      return;
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now < entry->next) {
      entry->delayed = true;
      later = entry->next;
    } else {
      entry->next = now + limits_.interval;
    }
  }
  if (!later) return notify_(uri);
  const std::weak_ptr<ResourceWatches> weak = weak_from_this();
  timers_->at(*later, [weak, uri, generation] {
    if (const auto self = weak.lock()) self->tell_delayed(uri, generation);
  });
}

void ResourceWatches::tell_delayed(const std::string& uri, std::uint64_t generation) {
  {
    MutexLock lock(mutex_);
    Entry* entry = current(uri, generation);
    if (!entry) return;
    entry->delayed = false;
    entry->next = std::chrono::steady_clock::now() + limits_.interval;
  }
  notify_(uri);
}

void ResourceWatches::remove(const std::string& uri) {
  Entries::node_type removed;
  MutexLock lock(mutex_);
  removed = entries_.extract(uri);
}

void ResourceWatches::open() {
  std::vector<std::pair<std::string, std::uint64_t>> missed;
  {
    MutexLock lock(mutex_);
    open_ = true;
    for (auto& [uri, entry] : entries_) {
      if (entry.ready && std::exchange(entry.changed, false)) missed.emplace_back(uri, entry.generation);
    }
  }
  for (const auto& [uri, generation] : missed) changed(uri, generation);
}

void ResourceWatches::close() {
  Entries ended;
  MutexLock lock(mutex_);
  closed_ = true;
  ended.swap(entries_);
}

std::size_t ResourceWatches::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace rexec::mcp
