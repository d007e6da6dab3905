// What may be asked about a process that has been started: output, input, signals, the list, giving up.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "sandbox-client/runner/process_list.h"
#include "sandbox-client/runner/process_table.h"

namespace rexec::runner {
namespace {

std::string name_of(std::uint64_t number) {
  return "p" + std::to_string(number);
}

}  // namespace

void ProcessTable::read_output(RequestId request, const ReadOutput& read) {
  const Process* process = find(request, read.process);
  if (process == nullptr) return;
  const Output output = process->window(read.stream).read(read.offset, read.max);
  replies_.reply(request, MessageType::output, output, output.data.size() + 64);
}

void ProcessTable::write_input(RequestId request, WriteInput input) {
  Process* process = find(request, input.process);
  if (process == nullptr) return;
  if (!process->has_input())
    return replies_.reply_error(request, EINVAL, "input",
                                name_of(input.process) + " was started without standard input");
  desk_.write(*process, request, std::move(input), name_of(process->number()));
}

void ProcessTable::signal(RequestId request, const Signal& signal) {
  Process* process = find(request, signal.process);
  if (process == nullptr) return;
  if (signal.number < 1 || signal.number > 64)
    return replies_.reply_error(request, EINVAL, "signal",
                                "there is no signal " + std::to_string(signal.number));
  const bool fatal = signal.number == SIGKILL || signal.number == SIGTERM || signal.number == SIGINT ||
                     signal.number == SIGHUP || signal.number == SIGQUIT;
  if (!process->ended() && (fatal || signal.kill_after_ms > 0)) {
    process->signal_sent = signal.number;
    process->reason = signal.reason;
  }
  int error = 0;
  if (signal.scope == SignalScope::group && !process->ended()) {
    error = guard_.signal_group(process->pid(), signal.number);
  } else if (signal.scope == SignalScope::tree && signal.number == SIGKILL) {
    children_.kill_tree(signal.process);
  } else {
    // After the leader has been reaped its group's number proves nothing; the tag and the group together do.
    error = ESRCH;
    const pid_t group = signal.scope == SignalScope::group ? process->pid() : 0;
    children_.each(signal.process, [&](const Descendant& descendant) {
      if (group != 0 && ::getpgid(descendant.pid()) != group) return;
      if (guard_.signal_descendant(descendant, signal.number) == 0) error = 0;
    });
  }
  if (error == ESRCH)
    return replies_.reply_error(request, ESRCH, "ended", name_of(signal.process) + " has ended");
  if (error != 0)
    return replies_.reply_error(
        request, errno_failure(error, "signal", "cannot send the signal to " + name_of(signal.process)));
  if (signal.kill_after_ms > 0) children_.kill_tree_after(signal.process, signal.kill_after_ms, false);
  replies_.reply_done(request);
}

void ProcessTable::list(RequestId request, bool all) {
  std::vector<ProcessEntry> known;
  for (const auto& [number, process] : processes_) {
    ProcessEntry entry;
    entry.process = number;
    entry.pid = process->pid();
    entry.command = process->command;
    entry.status = process->status();
    entry.started_unix_ms = process->started_unix_ms();
    entry.cpu_us = process->cpu_us();
    entry.age_us = process->age_us();
    known.push_back(std::move(entry));
  }
  // What runs is never cut off by what has ended.
  std::stable_partition(known.begin(), known.end(),
                        [](const ProcessEntry& entry) { return entry.status == ProcessStatus::running; });
  replies_.reply(request, MessageType::process_list, process_list(std::move(known), all), 16 << 10);
}

bool ProcessTable::cancel(RequestId request, bool kill) {
  for (auto& [number, process] : processes_) {
    for (std::size_t i = 0; i < process->waiters.size(); ++i) {
      Waiter& waiter = process->waiters[i];
      if (!(waiter.request == request)) continue;
      loop_.cancel(waiter.timer);
      if (!kill) {
        process->waiters.erase(process->waiters.begin() + static_cast<std::ptrdiff_t>(i));
        replies_.reply_error(request, ECANCELED, "cancelled", "cancelled");
        return true;
      }
      waiter.for_death = true;
      waiter.due = false;
      waiter.timer = loop_.after_ms(kDeathPatienceMs, [this, request, number = number] {
        Process& waited = *processes_.at(number);
        for (Waiter& each : waited.waiters)
          if (each.request == request) each.due = true;
        check(waited);
      });
      if (!process->ended()) {
        process->cancelled = true;
        process->reason = "cancelled";
      }
      children_.kill_tree(number);
      return true;
    }
    if (desk_.cancel(*process, request)) return true;
  }
  return false;
}

void ProcessTable::kill_started_by(RequestId start) {
  for (auto& [number, process] : processes_) {
    if (process->ended() || !(process->start == start)) continue;
    process->cancelled = true;
    process->reason = "cancelled";
    return children_.kill_tree(number);
  }
}

}  // namespace rexec::runner
