// Terminals of sandboxes by the names that people give them: SANDBOX:TERMINAL, or TERMINAL where that is
// clear.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "app/program.h"
#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/backend.h"

namespace rexec::app {

/// "t3" or "box:t3".
struct TerminalName {
  std::string sandbox;  // a name or an id; empty: any
  std::uint64_t number = 0;
};

/// invalid_argument says how it is written.
Result<TerminalName> parse_terminal_name(std::string_view text);

/// A terminal that can be joined.
struct ReachableTerminal {
  std::string name;  // SANDBOX:TERMINAL, with the sandbox's id where its name is not the only one
  sandbox::SandboxRecord sandbox;
  sandbox::TerminalEntry entry;
  std::shared_ptr<sandbox::Runner> runner;
};

/// Those of the sandboxes that run and answer; of one (a name or an id) or, if that is empty, of all.
/// not_found when there is no such sandbox.
Result<std::vector<ReachableTerminal>> reachable_terminals(Program& program, const std::string& sandbox,
                                                           const Op& op);

/// The one that is meant. not_found when there is none, failed_precondition when there are several.
Result<ReachableTerminal> choose_terminal(const std::vector<ReachableTerminal>& terminals,
                                          const TerminalName& name);

/// "running", "exited 1", "killed by signal 9".
std::string status_text(sandbox::ProcessStatus status, int exit_code, int signal);

/// One on a line, with sizes, status and commands, from which nothing harmful reaches a terminal.
void print_terminals(std::ostream& out, const std::vector<ReachableTerminal>& terminals);

}  // namespace rexec::app
