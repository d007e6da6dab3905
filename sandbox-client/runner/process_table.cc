#include "sandbox-client/runner/process_table.h"

#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "sandbox-client/runner/program.h"

namespace rexec::runner {
namespace {

std::string seconds_text(std::uint64_t ms) {
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 == 0) return text + " s";
  std::string fraction = std::to_string(ms % 1000 + 1000).substr(1);
  while (fraction.back() == '0') fraction.pop_back();
  return text + "." + fraction + " s";
}

std::string name_of(std::uint64_t number) {
  return "p" + std::to_string(number);
}

}  // namespace

/// Reads for nobody what is still written by children of a command that is no longer remembered, so that they
/// neither block nor get SIGPIPE.
class ProcessTable::Discard final : public Watcher {
 public:
  Discard(ProcessTable& table, Fd pipe) : table_(table), pipe_(std::move(pipe)) {
    table_.loop_.watch(pipe_.get(), EPOLLIN, *this);
  }
  ~Discard() override { table_.loop_.unwatch(pipe_.get()); }

  void ready(std::uint32_t) override {
    static char nowhere[64 << 10];
    const ssize_t size = ::read(pipe_.get(), nowhere, sizeof nowhere);
    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return;
    table_.discards_.remove_if([this](const auto& discard) { return discard.get() == this; });
  }

 private:
  ProcessTable& table_;
  Fd pipe_;
};

ProcessTable::ProcessTable(Loop& loop, Replies& replies, Guard& guard, Children& children, Spawner& spawner,
                           OutputBudget& budget, InputDesk& desk, std::string home)
    : loop_(loop),
      replies_(replies),
      guard_(guard),
      children_(children),
      spawner_(spawner),
      budget_(budget),
      desk_(desk),
      home_(std::move(home)) {}

ProcessTable::~ProcessTable() = default;

Process* ProcessTable::find(RequestId request, std::uint64_t number) {
  const auto found = processes_.find(number);
  if (found != processes_.end()) return found->second.get();
  replies_.reply_error(request, ESRCH, "process",
                       number < next_number_ && number > 0
                           ? name_of(number) + " ended long ago and is no longer remembered"
                           : "there is no process " + name_of(number));
  return nullptr;
}

bool ProcessTable::validate(RequestId request, const Start& start) {
  const auto refuse = [&](int number, const char* step, std::string text) {
    replies_.reply_error(request, number, step, std::move(text));
    return false;
  };
  if (start.command.empty() == start.argv.empty())
    return refuse(EINVAL, "start", "exactly one of command and argv must be given");
  Failure failure;
  if (!Program{start.command, start.argv, start.env, start.cwd}.check(failure)) {
    replies_.reply_error(request, failure);
    return false;
  }
  if (start.writer.size() > InputQueue::kMaxWriterName)
    return refuse(EINVAL, "input", "the writer's name is too long");
  if (running_ >= kMaxRunning)
    return refuse(
        EAGAIN, "limit",
        std::to_string(kMaxRunning) + " commands are running in this sandbox; end one or wait for one");
  return true;
}

void ProcessTable::start(RequestId request, Start start) {
  std::string nonce(start.nonce.begin(), start.nonce.end());
  const auto known = by_nonce_.find(nonce);
  if (known != by_nonce_.end()) {
    Process& process = *processes_.at(known->second);
    process.start = request;
    add_waiter(process, request, start.wait);
    return;
  }
  if (!validate(request, start)) return;

  SpawnRequest spawn;
  spawn.number = next_number_;
  spawn.stdin_pipe = start.stdin_pipe || !start.input.empty();
  std::string text = Program{start.command, start.argv, start.env, start.cwd}.text();
  spawn.command = std::move(start.command);
  spawn.argv = std::move(start.argv);
  spawn.env = std::move(start.env);
  spawn.cwd = start.cwd.empty() ? home_ : std::move(start.cwd);
  Spawned spawned;
  Failure failure;
  if (!spawner_.spawn(spawn, spawned, failure)) {
    replies_.reply_error(request, failure);
    return;
  }
  const std::uint64_t number = next_number_++;
  Children::Owner& child_owner = *this;
  children_.started(number, spawned.pid, SIGTERM, child_owner);
  Process::Owner& owner = *this;
  auto owned = std::make_unique<Process>(loop_, budget_, owner, number, std::move(spawned));
  Process& process = *owned;
  processes_.emplace(number, std::move(owned));
  ++running_;
  by_nonce_.emplace(nonce, number);
  process.start = request;
  process.nonce = std::move(nonce);
  process.command = std::move(text);

  if (process.has_input()) {
    process.input().accept(start.writer, 0, start.input);
    if (start.close_after_input || !start.stdin_pipe) process.input().close();
    process.push_input();
  }
  if (start.timeout_ms > 0) {
    process.timeout_timer =
        loop_.after_ms(start.timeout_ms, [this, number, timeout = start.timeout_ms, grace = start.grace_ms] {
          time_out(number, timeout, grace);
        });
    process.deadline_us = process.timeout_timer.when;
  }
  add_waiter(process, request, start.wait);
}

void ProcessTable::wait(RequestId request, const Wait& wait) {
  Process* process = find(request, wait.process);
  if (process != nullptr) add_waiter(*process, request, wait.spec);
}

void ProcessTable::add_waiter(Process& process, RequestId request, const WaitSpec& spec) {
  Waiter waiter;
  waiter.request = request;
  waiter.spec = spec;
  waiter.due = spec.until == Until::none || spec.wait_ms == 0;
  if (!is_ready(process, waiter)) {
    waiter.timer = loop_.after_ms(spec.wait_ms, [this, request, number = process.number()] {
      Process& waited = *processes_.at(number);
      for (Waiter& each : waited.waiters)
        if (each.request == request) each.due = true;
      check(waited);
    });
  }
  process.waiters.push_back(std::move(waiter));
  check(process);
}

bool ProcessTable::is_ready(const Process& process, const Waiter& waiter) const {
  if (waiter.for_death) return waiter.due || (process.ended() && !children_.ending(process.number()));
  if (waiter.due || process.settled()) return true;
  if (waiter.spec.until != Until::output) return false;
  for (std::size_t i = 0; i < kStreams; ++i)
    if (waiter.spec.wanted[i] && process.window(static_cast<Stream>(i)).produced() > waiter.spec.from[i])
      return true;
  return false;
}

void ProcessTable::check(Process& process) {
  if (process.ended() && !process.settled() && process.outputs_at_end()) {
    loop_.cancel(process.grace_timer);
    process.settle();
  }
  for (std::size_t i = 0; i < process.waiters.size();) {
    Waiter& waiter = process.waiters[i];
    if (!is_ready(process, waiter) || replies_.congested(waiter.request.connection)) {
      ++i;
      continue;
    }
    const Waiter ready = waiter;
    process.waiters.erase(process.waiters.begin() + static_cast<std::ptrdiff_t>(i));
    TimerId timer = ready.timer;
    loop_.cancel(timer);
    const Report report = process.report(ready.spec);
    std::size_t size = 512;
    for (const StreamReport& stream : report.streams) size += stream.head.size() + stream.tail.size();
    replies_.reply(ready.request, MessageType::report, report, size);
  }
}

void ProcessTable::drop_connection(std::uint64_t connection) {
  for (auto& [number, process] : processes_) {
    for (Waiter& waiter : process->waiters)
      if (waiter.request.connection == connection) loop_.cancel(waiter.timer);
    std::erase_if(process->waiters,
                  [&](const Waiter& waiter) { return waiter.request.connection == connection; });
    desk_.drop_connection(*process, connection);
  }
}

void ProcessTable::resume_connection(std::uint64_t connection) {
  for (auto& [number, process] : processes_)
    if (std::any_of(process->waiters.begin(), process->waiters.end(),
                    [&](const Waiter& waiter) { return waiter.request.connection == connection; }))
      check(*process);
}

void ProcessTable::time_out(std::uint64_t number, std::uint64_t timeout_ms, std::uint64_t grace_ms) {
  Process& process = *processes_.at(number);
  process.timeout_timer = {};
  process.timed_out = true;
  process.reason = "timeout " + seconds_text(timeout_ms);
  guard_.signal_group(process.pid(), SIGTERM);
  children_.kill_tree_after(number, grace_ms, true);
}

void ProcessTable::child_ended(std::uint64_t number, int wait_status, const rusage& usage) {
  Process& process = *processes_.at(number);
  --running_;
  loop_.cancel(process.timeout_timer);
  process.end(wait_status, usage);
  finished(process);
}

void ProcessTable::tree_ended(std::uint64_t number) {
  check(*processes_.at(number));
}

void ProcessTable::killed_for(std::uint64_t number, const std::string& reason) {
  Process& process = *processes_.at(number);
  process.signal_sent = SIGKILL;
  process.reason = reason;
}

void ProcessTable::finished(Process& process) {
  const std::uint64_t number = process.number();
  desk_.admit(process);
  if (!process.outputs_at_end()) {
    process.grace_timer = loop_.after_ms(kDrainGraceMs, [this, number] {
      Process& ended = *processes_.at(number);
      ended.grace_timer = {};
      ended.settle();
      check(ended);
    });
  }
  check(process);
  finished_.push_back(number);
  if (finished_.size() > kMaxFinished) {
    const std::uint64_t oldest = finished_.front();
    finished_.pop_front();
    forget(oldest);
  }
}

void ProcessTable::forget(std::uint64_t number) {
  const auto found = processes_.find(number);
  Process& process = *found->second;
  for (Waiter& waiter : process.waiters) {
    loop_.cancel(waiter.timer);
    replies_.reply(waiter.request, MessageType::report, process.report(waiter.spec));
  }
  process.waiters.clear();
  for (Fd& pipe : process.release_pipes()) {
    if (discards_.size() >= kMaxDiscards) discards_.pop_front();
    discards_.push_back(std::make_unique<Discard>(*this, std::move(pipe)));
  }
  by_nonce_.erase(process.nonce);
  children_.forget(number);
  processes_.erase(found);
}

}  // namespace rexec::runner
