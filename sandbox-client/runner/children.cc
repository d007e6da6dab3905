#include "sandbox-client/runner/children.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rexec::runner {

Children::Children(Loop& loop, Guard& guard, Lineage& lineage)
    : loop_(loop),
      guard_(guard),
      lineage_(lineage),
      killer_(loop, guard, lineage, [this](std::uint64_t tag) { dead(tag); }) {}

void Children::started(std::uint64_t tag, pid_t pid, int end_signal, Owner& owner) {
  guard_.started(pid);
  for (auto& [number, other] : children_)
    if (other.session == pid) other.session = 0;
  children_.emplace(tag, Child{pid, pid, end_signal, true, &owner});
  running_.emplace(pid, tag);
}

void Children::forget(std::uint64_t tag) {
  children_.erase(tag);
  ends_.erase(tag);
}

void Children::reap() {
  int status = 0;
  rusage usage{};
  pid_t pid = 0;
  while ((pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0 || (pid < 0 && errno == EINTR)) {
    if (pid < 0) continue;
    guard_.reaped(pid);
    const auto found = running_.find(pid);
    if (found == running_.end()) continue;
    const std::uint64_t tag = found->second;
    running_.erase(found);
    Child& child = children_.at(tag);
    child.alive = false;
    child.owner->child_ended(tag, status, usage);
  }
  killer_.poke();
  look_at_ends();
}

void Children::each(std::uint64_t tag, const std::function<void(const Descendant&)>& found) {
  const auto child = children_.find(tag);
  lineage_.each(tag, child == children_.end() ? 0 : child->second.session, found);
}

void Children::kill_tree(std::uint64_t tag) {
  const auto child = children_.find(tag);
  killer_.kill(tag, child == children_.end() ? 0 : child->second.session);
}

void Children::kill_tree_after(std::uint64_t tag, std::uint64_t delay_ms, bool also_leftovers) {
  const std::uint64_t when = monotonic_us() + std::min(delay_ms, kMaxKillDelayMs) * 1000;
  PendingKill& pending = pending_kills_[tag];
  pending.also_leftovers = pending.also_leftovers || also_leftovers;
  if (pending.timer.serial != 0 && pending.timer.when <= when) return;
  loop_.cancel(pending.timer);
  pending.timer = loop_.at(when, [this, tag] {
    const bool leftovers = pending_kills_.at(tag).also_leftovers;
    pending_kills_.erase(tag);
    const auto found = children_.find(tag);
    if (leftovers || (found != children_.end() && found->second.alive)) kill_tree(tag);
  });
}

void Children::end_tree(std::uint64_t tag, int number, std::uint64_t grace_ms) {
  each(tag, [&](const Descendant& descendant) {
    guard_.signal_descendant(descendant, number);
    guard_.signal_descendant(descendant, SIGCONT);
  });
  ends_.insert(tag);
  if (grace_ms == 0) return kill_tree(tag);
  kill_tree_after(tag, grace_ms, true);
  look_at_ends();
}

void Children::look_at_ends() {
  const std::vector<std::uint64_t> tags(ends_.begin(), ends_.end());
  for (const std::uint64_t tag : tags) {
    const auto child = children_.find(tag);
    if (child == children_.end() || child->second.alive || killer_.active(tag)) continue;
    bool left = false;
    each(tag, [&](const Descendant&) { left = true; });
    if (left) continue;
    const auto pending = pending_kills_.find(tag);
    if (pending != pending_kills_.end()) {
      loop_.cancel(pending->second.timer);
      pending_kills_.erase(pending);
    }
    dead(tag);
  }
}

void Children::dead(std::uint64_t tag) {
  ends_.erase(tag);
  const auto found = children_.find(tag);
  if (found != children_.end()) found->second.owner->tree_ended(tag);
}

std::vector<pid_t> Children::sessions() const {
  std::vector<pid_t> sessions;
  for (const auto& [tag, child] : children_)
    if (child.session != 0) sessions.push_back(child.session);
  return sessions;
}

std::uint64_t Children::total(const std::function<std::uint64_t(pid_t)>& size_of) {
  std::uint64_t total = 0;
  lineage_.each_of_all(sessions(), [&](const Descendant& descendant) { total += size_of(descendant.pid()); });
  return total;
}

void Children::kill_for(std::uint64_t tag, const std::string& reason) {
  const Child& child = children_.at(tag);
  if (child.alive) child.owner->killed_for(tag, reason);
  kill_tree(tag);
}

void Children::kill_largest(const std::function<std::uint64_t(pid_t)>& size_of, const std::string& reason) {
  std::uint64_t largest = 0;
  std::uint64_t tag_of_largest = 0;
  for (const auto& [tag, child] : children_) {
    std::uint64_t size = 0;
    each(tag, [&](const Descendant& descendant) { size += size_of(descendant.pid()); });
    if (size <= largest) continue;
    largest = size;
    tag_of_largest = tag;
  }
  if (largest > 0) return kill_for(tag_of_largest, reason);
  kill_running(reason);  // it was left by children that are no longer remembered
}

void Children::kill_running(const std::string& reason) {
  std::vector<std::uint64_t> tags;
  for (const auto& [pid, tag] : running_) tags.push_back(tag);
  for (const std::uint64_t tag : tags) kill_for(tag, reason);
  lineage_.each_of_all(sessions(),
                       [&](const Descendant& descendant) { guard_.signal_descendant(descendant, SIGKILL); });
}

void Children::terminate_all() {
  for (const auto& [pid, tag] : running_) {
    guard_.signal_group(pid, children_.at(tag).end_signal);
  }
}

void Children::kill_all() {
  const std::vector<pid_t> all = sessions();
  constexpr int kAttempts = 1000;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::size_t alive = 0;
    lineage_.each_of_all(all, [&](const Descendant& descendant) {
      ++alive;
      guard_.signal_descendant(descendant, SIGKILL);
    });
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (alive == 0) return;
    ::usleep(1000);
  }
}

}  // namespace rexec::runner
