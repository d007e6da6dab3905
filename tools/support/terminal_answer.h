// The answer about a terminal, in its two forms: the only place that formats one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "mcp/tool.h"
#include "sandbox-client/manager.h"
#include "sandbox-client/terminal_view.h"
#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/terminal_wait.h"

namespace rexec::tools {

/// "t3" as 3; anything else adds a violation.
std::uint64_t terminal_number(const Arguments& arguments, std::string_view key, Violations& violations);
std::optional<std::uint64_t> parse_terminal_name(std::string_view name);
std::string terminal_name(std::uint64_t number);

/// Which part of a terminal an answer shows.
struct TerminalShow {
  enum class View { screen, scrollback, raw };
  View view = View::screen;
  bool colors = false;
  std::size_t lines = kDefaultLines;    // of the scrollback, at most
  std::optional<std::uint64_t> cursor;  // of the raw output; without it, its last bytes
  std::size_t max_chars = 0;

  static constexpr std::size_t kDefaultLines = 200;
};

/// What the calls about terminals are made with.
struct TerminalContext {
  std::shared_ptr<mcp::ToolCall> call;
  sandbox::SandboxHandle handle;
  std::shared_ptr<TerminalViews> views;
  Duration progress_interval{};
  TerminalShow show;
  const Secrets* secrets = nullptr;
  bool opening = false;  // the answer is the first one about the terminal
};

/// From a call and its sandbox; `show` as far as all calls have it.
TerminalContext terminal_context(const Services& services, const std::shared_ptr<mcp::ToolCall>& call,
                                 sandbox::SandboxHandle handle);

/// Answers the call with how the terminal is by then. `waited` is absent when nothing was waited for;
/// `given_up` is called when nobody wanted the answer any more.
void answer_terminal(const std::shared_ptr<const TerminalContext>& context,
                     const std::shared_ptr<sandbox::TerminalView>& view, std::optional<TerminalWaited> waited,
                     std::function<void()> given_up = {});

/// Answers the call with a failure about a terminal; not_found says how to get one.
void fail_terminal(const TerminalContext& context, std::uint64_t terminal, const Error& error);

}  // namespace rexec::tools
