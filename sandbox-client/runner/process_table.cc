#include "sandbox-client/runner/process_table.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace rexec::runner {
namespace {

constexpr std::size_t kMaxCommandText = 1000;

std::string command_text(const Start& start) {
  std::string text = start.command;
  if (text.empty())
    for (const std::string& argument : start.argv) {
      if (!text.empty()) text += ' ';
      text += argument.substr(0, kMaxCommandText);
      if (text.size() > kMaxCommandText) break;
    }
  if (text.size() > kMaxCommandText) text.resize(kMaxCommandText);
  return text;
}

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

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
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

ProcessTable::ProcessTable(Loop& loop, Replies& replies, Guard& guard, Lineage& lineage, Spawner& spawner,
                           std::string home)
    : loop_(loop),
      replies_(replies),
      guard_(guard),
      lineage_(lineage),
      spawner_(spawner),
      home_(std::move(home)),
      killer_(loop, guard, lineage, [this](std::uint64_t number) {
        const auto found = processes_.find(number);
        if (found != processes_.end()) check(*found->second);
      }) {}

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
  if (!start.argv.empty() && start.argv.front().empty())
    return refuse(ENOENT, "exec", "the program's name is empty");
  std::size_t total = start.command.size();
  const auto check_string = [&](const std::string& text) {
    total += text.size() + 1;
    return text.size() <= kMaxStringArgument;
  };
  bool fits = check_string(start.command);
  bool clean = !has_nul(start.command) && !has_nul(start.cwd);
  for (const auto* strings : {&start.argv, &start.env})
    for (const std::string& text : *strings) {
      fits = check_string(text) && fits;
      clean = clean && !has_nul(text);
    }
  if (!clean) return refuse(EINVAL, "start", "a NUL byte in a command, argument, variable or directory");
  if (!fits)
    return refuse(E2BIG, "limit",
                  "a single argument is longer than " + std::to_string(kMaxStringArgument) +
                      " bytes, the kernel's limit; pass it on standard input or in a file");
  if (total > kMaxArgumentBytes)
    return refuse(E2BIG, "limit", "arguments and environment are larger than 1 MiB");
  if (start.cwd.size() > kMaxPath)
    return refuse(ENAMETOOLONG, "cwd", "the working directory's path is too long");
  if (!start.cwd.empty() && start.cwd.front() != '/')
    return refuse(EINVAL, "cwd", "the working directory must be absolute");
  if (start.writer.size() > InputQueue::kMaxWriterName)
    return refuse(EINVAL, "input", "the writer's name is too long");
  if (running_.size() >= kMaxRunning)
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
  std::string text = command_text(start);
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
  const pid_t pid = spawned.pid;
  guard_.started(pid);
  for (auto& [number, other] : processes_)
    if (other->session == pid) other->session = 0;
  const std::uint64_t number = next_number_++;
  Process::Owner& owner = *this;
  auto owned = std::make_unique<Process>(loop_, budget_, owner, number, std::move(spawned));
  Process& process = *owned;
  processes_.emplace(number, std::move(owned));
  running_.emplace(pid, &process);
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
  if (waiter.for_death) return waiter.due || (process.ended() && !killer_.active(process.number()));
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
    for (const HeldInput& held : process->held_input)
      if (held.request.connection == connection) held_bytes_ -= held.input.data.size();
    std::erase_if(process->held_input,
                  [&](const HeldInput& held) { return held.request.connection == connection; });
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
  kill_tree_after(number, grace_ms, true);
}

void ProcessTable::kill_tree(std::uint64_t number) {
  const auto found = processes_.find(number);
  killer_.kill(number, found == processes_.end() ? 0 : found->second->session);
}

void ProcessTable::kill_tree_after(std::uint64_t number, std::uint64_t delay_ms, bool also_leftovers) {
  const std::uint64_t when = monotonic_us() + std::min(delay_ms, kMaxKillDelayMs) * 1000;
  PendingKill& pending = pending_kills_[number];
  pending.also_leftovers = pending.also_leftovers || also_leftovers;
  if (pending.timer.serial != 0 && pending.timer.when <= when) return;
  loop_.cancel(pending.timer);
  pending.timer = loop_.at(when, [this, number] {
    const bool leftovers = pending_kills_.at(number).also_leftovers;
    pending_kills_.erase(number);
    const auto found = processes_.find(number);
    if (leftovers || (found != processes_.end() && !found->second->ended())) kill_tree(number);
  });
}

void ProcessTable::reap() {
  int status = 0;
  rusage usage{};
  pid_t pid = 0;
  while ((pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0 || (pid < 0 && errno == EINTR)) {
    if (pid < 0) continue;
    guard_.reaped(pid);
    const auto found = running_.find(pid);
    if (found == running_.end()) continue;
    Process& process = *found->second;
    running_.erase(found);
    loop_.cancel(process.timeout_timer);
    process.end(status, usage);
    finished(process);
  }
  killer_.poke();
}

void ProcessTable::finished(Process& process) {
  const std::uint64_t number = process.number();
  admit_input(process);
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
  processes_.erase(found);
}

void ProcessTable::terminate_all() {
  for (const auto& [pid, process] : running_) guard_.signal_group(pid, SIGTERM);
}

std::vector<pid_t> ProcessTable::sessions() const {
  std::vector<pid_t> sessions;
  for (const auto& [number, process] : processes_)
    if (process->session != 0) sessions.push_back(process->session);
  return sessions;
}

std::uint64_t ProcessTable::total(const std::function<std::uint64_t(pid_t)>& size_of) {
  std::uint64_t total = 0;
  lineage_.each_of_all(sessions(), [&](const Descendant& descendant) { total += size_of(descendant.pid()); });
  return total;
}

void ProcessTable::kill_for(std::uint64_t number, const std::string& reason) {
  Process& process = *processes_.at(number);
  if (!process.ended()) {
    process.signal_sent = SIGKILL;
    process.reason = reason;
  }
  kill_tree(number);
}

void ProcessTable::kill_largest(const std::function<std::uint64_t(pid_t)>& size_of,
                                const std::string& reason) {
  std::uint64_t largest = 0;
  std::uint64_t number_of_largest = 0;
  for (const auto& [number, process] : processes_) {
    std::uint64_t size = 0;
    lineage_.each(number, process->session,
                  [&](const Descendant& descendant) { size += size_of(descendant.pid()); });
    if (size <= largest) continue;
    largest = size;
    number_of_largest = number;
  }
  if (largest > 0) return kill_for(number_of_largest, reason);
  kill_running(reason);  // it was left by commands that are no longer remembered
}

void ProcessTable::kill_running(const std::string& reason) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [pid, process] : running_) numbers.push_back(process->number());
  for (const std::uint64_t number : numbers) kill_for(number, reason);
  lineage_.each_of_all(sessions(),
                       [&](const Descendant& descendant) { guard_.signal_descendant(descendant, SIGKILL); });
}

void ProcessTable::kill_all() {
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
