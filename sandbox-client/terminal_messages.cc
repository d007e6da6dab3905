// Terminals, between what the tools say and what the runner's protocol says.
#include <algorithm>
#include <cerrno>

#include "sandbox-client/runner_messages.h"

namespace rexec::sandbox {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

Error too_much_output() {
  return invalid("more than " + std::to_string(runner::kMaxData) +
                 " bytes of output cannot be asked for at once");
}

TerminalSize size_from_wire(const runner::TerminalSize& size) {
  return {size.cols, size.rows};
}

}  // namespace

Result<runner::TerminalSize> to_wire(const TerminalSize& size) {
  const auto fits = [](unsigned side) { return side >= 1 && side <= runner::kMaxTerminalSide; };
  if (!fits(size.cols) || !fits(size.rows))
    return invalid("a terminal has 1 to " + std::to_string(runner::kMaxTerminalSide) +
                   " columns and as many rows, not " + std::to_string(size.cols) + " by " +
                   std::to_string(size.rows));
  return runner::TerminalSize{size.cols, size.rows};
}

Result<runner::OpenTerminal> to_wire(const TerminalSpec& spec, const RunnerSettings& settings) {
  runner::OpenTerminal open;
  ASSIGN_OR_RETURN(open.size, to_wire(spec.size));
  if (spec.max > runner::kMaxData) return too_much_output();
  open.max = static_cast<std::uint32_t>(spec.max);
  ProcessSpec program;
  program.command = spec.command;
  program.argv = spec.argv;
  program.env = spec.env;
  program.cwd = spec.cwd;
  const bool is_shell = spec.command.empty() && spec.argv.empty();
  if (is_shell) program.argv = {"sh"};  // the runner chooses it; its environment is checked like any other's
  ASSIGN_OR_RETURN(runner::Start start, to_wire(program, settings));
  if (!is_shell) {
    open.command = std::move(start.command);
    open.argv = std::move(start.argv);
  }
  open.env = std::move(start.env);
  open.cwd = std::move(start.cwd);
  return open;
}

Result<runner::TerminalWait> to_wire(const TerminalWait& wait) {
  if (wait.max > runner::kMaxData) return too_much_output();
  runner::TerminalWait result;
  result.from = wait.from;
  switch (wait.until) {
    case TerminalUntil::now:
      result.until = runner::TerminalUntil::now;
      break;
    case TerminalUntil::output:
      result.until = runner::TerminalUntil::output;
      break;
    case TerminalUntil::end:
      result.until = runner::TerminalUntil::end;
      break;
  }
  result.wait_ms = milliseconds(wait.wait);
  result.max = static_cast<std::uint32_t>(wait.max);
  return result;
}

std::optional<TerminalReport> from_wire(runner::TerminalReport&& report, const runner::TerminalWait& asked,
                                        std::optional<std::uint64_t> terminal) {
  if (report.terminal == 0 || (terminal && report.terminal != *terminal)) return std::nullopt;
  if (report.from != asked.from || report.data.size() > asked.max) return std::nullopt;
  if (asked.from >= report.produced) {
    if (!report.data.empty() || report.offset != asked.from || report.lost != 0) return std::nullopt;
  } else {
    if (report.offset < asked.from || report.offset > report.produced) return std::nullopt;
    if (report.lost != report.offset - asked.from) return std::nullopt;
    if (report.data.size() > report.produced - report.offset) return std::nullopt;
  }
  const bool running = report.status == runner::ProcessStatus::running;
  if (running && report.end) return std::nullopt;
  TerminalReport result;
  result.terminal = report.terminal;
  result.pid = report.pid;
  result.status = status_from_wire(report.status);
  result.exit_code = report.exit_code;
  result.signal = report.signal;
  result.reason = quotable(report.reason);
  result.started_unix_ms = report.started_unix_ms;
  result.duration = microseconds(report.duration_us);
  result.size = size_from_wire(report.size);
  result.echo_off = running && report.echo_off;
  result.from = report.from;
  result.produced = report.produced;
  result.lost = report.lost;
  result.end = report.end;
  result.offset = report.offset;
  result.data = std::move(report.data);
  return result;
}

std::optional<std::vector<TerminalEntry>> from_wire(runner::TerminalList&& list) {
  std::vector<TerminalEntry> result;
  for (runner::TerminalEntry& entry : list.entries) {
    // By number, each once.
    if (entry.terminal == 0 || (!result.empty() && entry.terminal <= result.back().terminal))
      return std::nullopt;
    TerminalEntry& added = result.emplace_back();
    added.terminal = entry.terminal;
    added.pid = entry.pid;
    added.command = std::move(entry.command);
    added.status = status_from_wire(entry.status);
    added.exit_code = entry.exit_code;
    added.signal = entry.signal;
    added.size = size_from_wire(entry.size);
    added.produced = entry.produced;
    added.started_unix_ms = entry.started_unix_ms;
    added.duration = microseconds(entry.duration_us);
  }
  return result;
}

std::optional<TerminalCheckpoint> from_wire(runner::Checkpoint&& checkpoint) {
  return TerminalCheckpoint{checkpoint.offset, std::move(checkpoint.bytes)};
}

Error explain_open(const runner::Failure& failure, const runner::Start& program) {
  if (failure.number == ENOSYS) return explain_terminal(failure, 0);
  if (failure.step == "pty")
    return {ErrorCode::unsupported, "a terminal could not be made: " + quotable(failure.text)};
  if (failure.step == "limit" && failure.number == EAGAIN)
    return {ErrorCode::resource_exhausted, quotable(failure.text)};
  return explain_start(failure, program);
}

Error explain_terminal(const runner::Failure& failure, std::uint64_t terminal) {
  const std::string name = "t" + std::to_string(terminal);
  if (failure.number == ENOSYS)
    return {ErrorCode::unsupported,
            "this sandbox was started by an older version, which has no terminals; restart the sandbox"};
  if (failure.step == "ended") return {ErrorCode::failed_precondition, "terminal " + name + " has ended"};
  if (failure.number == ESRCH)
    return {ErrorCode::not_found, "there is no terminal " + name +
                                      " in this sandbox; it may have ended long ago and been forgotten"};
  return explain(failure, terminal == 0 ? "terminals" : "terminal " + name);
}

}  // namespace rexec::sandbox
