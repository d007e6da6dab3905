#include "mcp/request_registry.h"

namespace rexec::mcp {

RequestRegistry::Ticket& RequestRegistry::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    release();
    registry_ = std::move(other.registry_);
    cookie_ = other.cookie_;
  }
  return *this;
}

void RequestRegistry::Ticket::release() {
  if (const auto registry = std::exchange(registry_, nullptr)) registry->release(cookie_);
}

std::size_t& RequestRegistry::count(RequestKind kind, const std::string& principal) {
  return counts_[{kind, principal}];
}

std::variant<RequestRegistry::Ticket, RequestRegistry::Refusal> RequestRegistry::admit(Admission admission) {
  std::uint64_t cookie = 0;
  {
    MutexLock lock(mutex_);
    if (shutting_down_) return Refusal::shutting_down;
    Key key{admission.session.get(), admission.id};
    if (ids_.contains(key)) return Refusal::duplicate_id;
    const bool is_call = admission.kind == RequestKind::call;
    std::size_t& used = count(admission.kind, admission.principal);
    if (used >= (is_call ? limits_.calls : limits_.subscriptions)) return Refusal::limit;
    ++used;
    if (is_call) ++calls_;
    cookie = next_cookie_++;
    ids_.emplace(std::move(key), cookie);
    entries_.emplace(cookie, Entry{std::move(admission)});
  }
  return Ticket(shared_from_this(), cookie);
}

RequestRegistry::EndFunction RequestRegistry::take_end(Entry& entry, std::uint64_t cookie) {
  if (entry.keyed) {
    const auto found = ids_.find(Key{entry.admission.session.get(), entry.admission.id});
    if (found != ids_.end() && found->second == cookie) ids_.erase(found);
    entry.keyed = false;
  }
  return std::exchange(entry.admission.end, nullptr);
}

void RequestRegistry::cancel(const Session* session, const std::string& id) {
  std::uint64_t cookie = 0;
  {
    MutexLock lock(mutex_);
    const auto found = ids_.find(Key{session, id});
    if (found == ids_.end()) return;
    cookie = found->second;
  }
  end(cookie, EndReason::cancelled);
}

void RequestRegistry::end(std::uint64_t cookie, EndReason reason) {
  EndFunction end;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(cookie);
    if (found == entries_.end()) return;
    end = take_end(found->second, cookie);
  }
  if (end) end(reason);
}

void RequestRegistry::release(std::uint64_t cookie) {
  EndFunction discarded;
  Entry removed;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(cookie);
    if (found == entries_.end()) return;
    discarded = take_end(found->second, cookie);
    removed = std::move(found->second);
    entries_.erase(found);
    const auto counted = counts_.find({removed.admission.kind, removed.admission.principal});
    if (--counted->second == 0) counts_.erase(counted);
    if (removed.admission.kind == RequestKind::call) --calls_;
    if (idle()) idle_.notify_all();
  }
}

void RequestRegistry::shutdown() {
  std::vector<EndFunction> ends;
  {
    MutexLock lock(mutex_);
    shutting_down_ = true;
    for (auto& [cookie, entry] : entries_) ends.push_back(take_end(entry, cookie));
  }
  for (const auto& end : ends) {
    if (end) end(EndReason::shutdown);
  }
}

bool RequestRegistry::shutting_down() const {
  MutexLock lock(mutex_);
  return shutting_down_;
}

std::size_t RequestRegistry::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

bool RequestRegistry::wait_idle(const Op& op) const {
  MutexLock lock(mutex_);
  const auto is_idle = [this]() REXEC_REQUIRES(mutex_) { return idle(); };
  if (op.deadline.is_infinite()) return idle_.wait(lock, op.stop, is_idle);
  return idle_.wait_until(lock, op.stop, op.deadline.time(), is_idle);
}

}  // namespace rexec::mcp
