#include "sandbox-client/runner/tree_killer.h"

#include <signal.h>

#include <algorithm>
#include <vector>

namespace rexec::runner {
namespace {

constexpr std::uint64_t kLongestPauseMs = 50;

}  // namespace

TreeKiller::TreeKiller(Loop& loop, Guard& guard, Lineage& lineage, std::function<void(std::uint64_t)> dead)
    : loop_(loop), guard_(guard), lineage_(lineage), dead_(std::move(dead)) {}

void TreeKiller::kill(std::uint64_t number, pid_t session) {
  const auto [found, inserted] = kills_.try_emplace(number);
  if (inserted) {
    found->second.session = session;
    found->second.begun_us = monotonic_us();
    // A group is signalled as one, so that the bulk of a fork bomb cannot outrun the sweep; refused when the
    // first process is gone.
    guard_.signal_group(session, SIGKILL);
  }
  sweep_all();
}

void TreeKiller::poke() {
  if (!kills_.empty()) sweep_all();
}

bool TreeKiller::sweep(std::uint64_t number, Kill& kill) {
  for (int i = 0; i < kMaxSweeps; ++i) {
    std::size_t alive = 0;
    bool news = false;
    lineage_.each(number, kill.session, [&](const Descendant& descendant) {
      ++alive;
      news = kill.seen.insert(descendant.pid()).second || news;
      guard_.signal_descendant(descendant, SIGKILL);
    });
    if (alive == 0) return true;
    if (!news) break;
  }
  return monotonic_us() - kill.begun_us > kPatienceUs;
}

void TreeKiller::sweep_all() {
  std::vector<std::uint64_t> dead;
  std::uint64_t pause_ms = kLongestPauseMs;
  for (auto& [number, kill] : kills_) {
    if (sweep(number, kill)) {
      dead.push_back(number);
    } else {
      pause_ms = std::min(pause_ms, ++kill.attempts);
    }
  }
  for (const std::uint64_t number : dead) kills_.erase(number);
  loop_.cancel(timer_);
  if (!kills_.empty()) timer_ = loop_.after_ms(pause_ms, [this] { sweep_all(); });
  for (const std::uint64_t number : dead) dead_(number);
}

}  // namespace rexec::runner
