// Waiting for a terminal, in the runner: an answer comes when the condition holds, not at a tick.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mcp/tool.h"
#include "sandbox-client/runner_client.h"
#include "tools/services.h"
#include "tools/support/terminal_expectation.h"

namespace rexec::tools {

/// The arguments wait_for, idle_s and wait_s.
struct TerminalPatience {
  std::shared_ptr<const re2::RE2> pattern;
  std::optional<Duration> idle;  // quiet for this long after the first output
  Duration wait{};               // at most

  static constexpr Duration kDefaultIdle = std::chrono::milliseconds(250);
  static constexpr Duration kDefaultWait = std::chrono::seconds(10);

  /// Without a pattern it is idle that is waited for, as long as there is any time to wait.
  static TerminalPatience from(const Arguments& arguments, const ToolLimits& limits, Duration default_wait,
                               Violations& violations);
};

enum class TerminalOutcome { matched, idle, timeout, exited };
std::string_view to_string(TerminalOutcome outcome);

struct TerminalWaited {
  TerminalOutcome outcome = TerminalOutcome::timeout;
  std::string matched;
};

/// A program that does not echo what is typed is known by its silence of this length, or by going on for this
/// long after what is waited for.
inline constexpr Duration kEchoPatience = std::chrono::milliseconds(100);
inline constexpr Duration kEchoLimit = std::chrono::milliseconds(500);

/// Waits for what the terminal writes from `from` on, reporting progress on `call` when that is wanted.
/// `typed` is what was written to it just before. Giving the call up ends the wait with its error. Any
/// thread; nothing holds a thread.
void wait_for_terminal(std::shared_ptr<sandbox::Runner> runner, std::uint64_t terminal, std::uint64_t from,
                       const TerminalPatience& patience, std::string_view typed,
                       std::shared_ptr<mcp::ToolCall> call, Duration progress_interval,
                       sandbox::Completion<TerminalWaited> done);

}  // namespace rexec::tools
