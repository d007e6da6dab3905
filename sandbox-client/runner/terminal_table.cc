#include "sandbox-client/runner/terminal_table.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "sandbox-client/runner/program.h"

namespace rexec::runner {

TerminalTable::TerminalTable(Loop& loop, Replies& replies, Children& children, Spawner& spawner,
                             OutputBudget& budget, InputDesk& desk, std::string home)
    : loop_(loop),
      replies_(replies),
      children_(children),
      spawner_(spawner),
      budget_(budget),
      desk_(desk),
      home_(std::move(home)) {}

TerminalTable::~TerminalTable() = default;

void TerminalTable::open(RequestId request, OpenTerminal open) {
  std::string nonce(open.nonce.begin(), open.nonce.end());
  const auto known = by_nonce_.find(nonce);
  if (known != by_nonce_.end()) {
    Terminal& terminal = *terminals_.at(known->second);
    terminal.open = request;
    return reply_report(request, terminal, 0, open.max);
  }
  const Program program{open.command, open.argv, open.env, open.cwd};
  Failure failure;
  if (!open.command.empty() && !open.argv.empty()) {
    failure = {EINVAL, "start", "at most one of command and argv may be given"};
    return replies_.reply_error(request, failure);
  }
  if (!program.check(failure)) return replies_.reply_error(request, failure);
  if (terminals_.size() - ended_.size() >= kMaxTerminals)
    return replies_.reply_error(
        request, EAGAIN, "limit",
        std::to_string(kMaxTerminals) +
            " terminals are open in this sandbox; terminal_close makes room for another");

  Pty pty;
  if (!open_pty(open.size, pty, failure)) return replies_.reply_error(request, failure);
  SpawnRequest spawn;
  spawn.number = kFirstTag + next_number_;
  spawn.terminal = pty.slave.get();
  std::string text = open.command.empty() && open.argv.empty() ? spawner_.shell() : program.text();
  spawn.command = std::move(open.command);
  spawn.argv = std::move(open.argv);
  spawn.env = std::move(open.env);
  spawn.cwd = open.cwd.empty() ? home_ : std::move(open.cwd);
  Spawned spawned;
  if (!spawner_.spawn(spawn, spawned, failure)) return replies_.reply_error(request, failure);

  const std::uint64_t number = next_number_++;
  Children::Owner& child_owner = *this;
  children_.started(kFirstTag + number, spawned.pid, SIGHUP, child_owner);
  Terminal::Owner& owner = *this;
  auto owned =
      std::make_unique<Terminal>(loop_, budget_, owner, number, spawned.pid, std::move(pty), open.size);
  Terminal& terminal = *owned;
  terminals_.emplace(number, std::move(owned));
  by_nonce_.emplace(nonce, number);
  terminal.open = request;
  terminal.nonce = std::move(nonce);
  terminal.command = std::move(text);
  reply_report(request, terminal, 0, open.max);
}

void TerminalTable::reply_report(RequestId request, const Terminal& terminal, std::uint64_t from,
                                 std::size_t max) {
  const TerminalReport report = terminal.report(from, max);
  replies_.reply(request, MessageType::terminal_report, report, report.data.size() + 256);
}

void TerminalTable::wait(RequestId request, const WaitTerminal& wait) {
  Terminal* terminal = find(request, wait.terminal);
  if (terminal == nullptr) return;
  TerminalWaiter waiter;
  waiter.request = request;
  waiter.wait = wait.wait;
  waiter.due = wait.wait.until == TerminalUntil::now || wait.wait.wait_ms == 0;
  if (!is_ready(*terminal, waiter)) {
    waiter.timer = loop_.after_ms(wait.wait.wait_ms, [this, request, number = wait.terminal] {
      Terminal& waited = *terminals_.at(number);
      for (TerminalWaiter& each : waited.waiters)
        if (each.request == request) each.due = true;
      check(waited);
    });
  }
  terminal->waiters.push_back(waiter);
  check(*terminal);
}

bool TerminalTable::is_ready(const Terminal& terminal, const TerminalWaiter& waiter) const {
  if (waiter.due) return true;
  switch (waiter.wait.until) {
    case TerminalUntil::now:
      return true;
    case TerminalUntil::output:
      return terminal.settled() || terminal.produced() > waiter.wait.from;
    case TerminalUntil::end:
      return terminal.settled() && !children_.ending(kFirstTag + terminal.number());
  }
  return true;
}

void TerminalTable::check(Terminal& terminal) {
  if (terminal.settled()) loop_.cancel(terminal.cut_timer);
  for (std::size_t i = 0; i < terminal.waiters.size();) {
    TerminalWaiter& waiter = terminal.waiters[i];
    if (!is_ready(terminal, waiter) || replies_.congested(waiter.request.connection)) {
      ++i;
      continue;
    }
    TerminalWaiter ready = waiter;
    terminal.waiters.erase(terminal.waiters.begin() + static_cast<std::ptrdiff_t>(i));
    loop_.cancel(ready.timer);
    reply_report(ready.request, terminal, ready.wait.from, ready.wait.max);
  }
}

void TerminalTable::child_ended(std::uint64_t tag, int wait_status, const rusage&) {
  const std::uint64_t number = tag - kFirstTag;
  Terminal& terminal = *terminals_.at(number);
  terminal.end(wait_status);
  desk_.admit(terminal);
  if (!terminal.settled()) cut_after(terminal, kDrainGraceMs);
  check(terminal);
  ended_.push_back(number);
  if (ended_.size() <= kMaxEndedTerminals) return;
  const std::uint64_t oldest = ended_.front();
  ended_.pop_front();
  forget(oldest);
}

void TerminalTable::cut_after(Terminal& terminal, std::uint64_t delay_ms) {
  const std::uint64_t when = monotonic_us() + std::min(delay_ms, Children::kMaxKillDelayMs) * 1000;
  if (terminal.cut_timer.serial != 0 && terminal.cut_timer.when <= when) return;
  loop_.cancel(terminal.cut_timer);
  terminal.cut_timer = loop_.at(when, [this, number = terminal.number()] {
    Terminal& due = *terminals_.at(number);
    due.cut_timer = {};
    due.hang_up();
    desk_.admit(due);
    check(due);
  });
}

void TerminalTable::tree_ended(std::uint64_t tag) {
  check(*terminals_.at(tag - kFirstTag));
}

void TerminalTable::killed_for(std::uint64_t tag, const std::string& reason) {
  terminals_.at(tag - kFirstTag)->reason = reason;
}

void TerminalTable::forget(std::uint64_t number) {
  const auto found = terminals_.find(number);
  Terminal& terminal = *found->second;
  for (TerminalWaiter& waiter : terminal.waiters) {
    loop_.cancel(waiter.timer);
    reply_report(waiter.request, terminal, waiter.wait.from, 0);
  }
  terminal.waiters.clear();
  drop_checkpoint(terminal);
  by_nonce_.erase(terminal.nonce);
  children_.forget(kFirstTag + number);
  terminals_.erase(found);
}

bool TerminalTable::cancel(RequestId request, bool kill_too) {
  for (auto& [number, terminal] : terminals_) {
    if (desk_.cancel(*terminal, request)) return true;
    const auto found = std::find_if(terminal->waiters.begin(), terminal->waiters.end(),
                                    [&](const TerminalWaiter& waiter) { return waiter.request == request; });
    if (found == terminal->waiters.end()) continue;
    loop_.cancel(found->timer);
    terminal->waiters.erase(found);
    replies_.reply_error(request, ECANCELED, "cancelled", "cancelled");
    if (kill_too) kill(*terminal, "cancelled");
    return true;
  }
  return false;
}

void TerminalTable::kill(Terminal& terminal, const std::string& reason) {
  if (!terminal.ended()) terminal.reason = reason;
  children_.kill_tree(kFirstTag + terminal.number());
}

void TerminalTable::kill_opened_by(RequestId open) {
  for (auto& [number, terminal] : terminals_) {
    if (terminal->ended() || !(terminal->open == open)) continue;
    return kill(*terminal, "cancelled");
  }
}

void TerminalTable::drop_connection(std::uint64_t connection) {
  for (auto& [number, terminal] : terminals_) {
    for (TerminalWaiter& waiter : terminal->waiters)
      if (waiter.request.connection == connection) loop_.cancel(waiter.timer);
    std::erase_if(terminal->waiters,
                  [&](const TerminalWaiter& waiter) { return waiter.request.connection == connection; });
    desk_.drop_connection(*terminal, connection);
  }
}

void TerminalTable::resume_connection(std::uint64_t connection) {
  for (auto& [number, terminal] : terminals_)
    if (std::any_of(terminal->waiters.begin(), terminal->waiters.end(),
                    [&](const TerminalWaiter& waiter) { return waiter.request.connection == connection; }))
      check(*terminal);
}

}  // namespace rexec::runner
