#include "app/terminals.h"

#include <algorithm>
#include <charconv>
#include <future>
#include <iterator>

#include "app/reachable.h"
#include "app/terminal_filter.h"
#include "app/text_table.h"
#include "base/utf8.h"

namespace rexec::app {
namespace {

using sandbox::SandboxRecord;
using sandbox::TerminalEntry;

constexpr std::chrono::seconds kAnswerLimit{5};  // for one sandbox, of many
constexpr std::size_t kMaxShownCommand = 60;

Result<std::vector<TerminalEntry>> terminals_of(sandbox::Runner& runner, const Op& op) {
  std::promise<Result<std::vector<TerminalEntry>>> promise;
  runner.list_terminals(
      op, [&promise](Result<std::vector<TerminalEntry>> entries) { promise.set_value(std::move(entries)); });
  return promise.get_future().get();
}

/// In one line, without control characters, and not too long.
std::string shown_command(const std::string& command) {
  std::string text = filter_for_terminal(to_valid_utf8(command));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  if (text.size() <= kMaxShownCommand) return text;
  std::size_t cut = kMaxShownCommand;
  while ((static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80) --cut;
  return text.substr(0, cut) + "...";
}

bool is_only_one(const std::vector<SandboxRecord>& records, const std::string& name) {
  return std::ranges::count(records, name, &SandboxRecord::name) == 1;
}

}  // namespace

Result<TerminalName> parse_terminal_name(std::string_view text) {
  TerminalName name;
  std::string_view number = text;
  if (const std::size_t colon = text.rfind(':'); colon != text.npos) {
    name.sandbox = text.substr(0, colon);
    number = text.substr(colon + 1);
  }
  const bool has_sandbox = number.size() == text.size() || !name.sandbox.empty();
  if (has_sandbox && number.starts_with('t')) {
    const char* const end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data() + 1, end, name.number);
    if (parsed.ec == std::errc() && parsed.ptr == end && name.number > 0) return name;
  }
  return Error{ErrorCode::invalid_argument,
               "a terminal is named like t1 or SANDBOX:t1, not \"" + std::string(text) + "\""};
}

Result<std::vector<ReachableTerminal>> reachable_terminals(Program& program, const std::string& sandbox,
                                                           const Op& op) {
  ASSIGN_OR_RETURN(const std::vector<SandboxRecord> all, reachable_sandboxes(program.backend(), op));
  const std::vector<SandboxRecord> wanted = sandbox.empty() ? all : sandboxes_named(all, sandbox);
  Error problem{ErrorCode::not_found, "there is no sandbox \"" + sandbox + "\" that could be joined"};
  bool answered = sandbox.empty();
  std::vector<ReachableTerminal> terminals;
  for (const SandboxRecord& record : wanted) {
    if (record.status != sandbox::SandboxStatus::running || !record.problem.empty()) continue;
    const Op bounded{op.stop, op.deadline.sooner(Deadline::after(kAnswerLimit))};
    // One that has ended meanwhile, or whose server has, is none.
    auto runner = connect_to(program, record, bounded);
    auto entries = runner ? terminals_of(**runner, bounded) : runner.error();
    if (!entries) {
      if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "interrupted"};
      problem.message += " (" + record.id + ": " + entries.error().message + ")";
      continue;
    }
    answered = true;
    const std::string prefix = (is_only_one(all, record.name) ? record.name : record.id) + ":t";
    for (TerminalEntry& entry : *entries) {
      const std::string name = prefix + std::to_string(entry.terminal);
      terminals.push_back({name, record, std::move(entry), *runner});
    }
  }
  if (!answered) return problem;
  return terminals;
}

Result<ReachableTerminal> choose_terminal(const std::vector<ReachableTerminal>& terminals,
                                          const TerminalName& name) {
  std::vector<ReachableTerminal> found;
  std::ranges::copy_if(terminals, std::back_inserter(found), [&name](const ReachableTerminal& terminal) {
    return terminal.entry.terminal == name.number;
  });
  if (found.size() == 1) return found.front();
  const std::string text = "t" + std::to_string(name.number);
  if (found.empty()) return Error{ErrorCode::not_found, "there is no terminal " + text};
  return Error{ErrorCode::failed_precondition, "several sandboxes have a terminal " + text + "; say which"};
}

std::string status_text(sandbox::ProcessStatus status, int exit_code, int signal) {
  if (status == sandbox::ProcessStatus::running) return "running";
  if (status == sandbox::ProcessStatus::exited) return "exited " + std::to_string(exit_code);
  return "killed by signal " + std::to_string(signal);
}

void print_terminals(std::ostream& out, const std::vector<ReachableTerminal>& terminals) {
  std::vector<std::vector<std::string>> rows = {{"TERMINAL", "SIZE", "STATUS", "COMMAND"}};
  for (const ReachableTerminal& terminal : terminals) {
    const TerminalEntry& entry = terminal.entry;
    rows.push_back({terminal.name, std::to_string(entry.size.cols) + "x" + std::to_string(entry.size.rows),
                    status_text(entry.status, entry.exit_code, entry.signal), shown_command(entry.command)});
  }
  print_table(out, rows);
}

}  // namespace rexec::app
