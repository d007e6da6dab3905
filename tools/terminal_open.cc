// terminal_open: starts a program on a new terminal and answers with its first screen.
#include <algorithm>
#include <utility>

#include "tools/services.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/secret_use.h"
#include "tools/support/terminal_answer.h"
#include "tools/support/terminal_recording.h"
#include "tools/support/terminal_views.h"

namespace rexec::tools {
namespace {

constexpr Duration kHangUpDeadline = std::chrono::seconds(5);
constexpr Duration kHangUpGrace = std::chrono::seconds(2);

struct Opening {
  sandbox::TerminalSpec spec;
  std::vector<std::string> secrets;
  TerminalPatience patience;
  bool record = false;
};

Opening read_opening(const Arguments& arguments, const Services& services, Violations& violations) {
  Opening opening;
  sandbox::TerminalSpec& spec = opening.spec;
  check_command(arguments, "command", violations);
  check_path(arguments, "cwd", violations);
  check_environment(arguments, "env", violations);
  spec.command = arguments.text("command");
  spec.cwd = arguments.text("cwd");
  spec.env = arguments.string_map("env");
  // What the screen understands, whatever commands without a terminal are told.
  if (std::ranges::find(spec.env, "TERM", [](const auto& variable) { return variable.first; }) ==
      spec.env.end())
    spec.env.emplace_back("TERM", "xterm-256color");
  spec.size.cols = static_cast<unsigned>(arguments.size("cols", spec.size.cols));
  spec.size.rows = static_cast<unsigned>(arguments.size("rows", spec.size.rows));
  opening.secrets = secret_names(arguments, services.secrets, violations);
  opening.record = arguments.flag("record", services.recording.always);
  opening.patience =
      TerminalPatience::from(arguments, services.limits, TerminalPatience::kDefaultWait, violations);
  return opening;
}

/// A call that was given up leaves no terminal behind; its own op is over, so this has another.
std::function<void()> hang_up(std::shared_ptr<sandbox::Runner> runner, std::uint64_t terminal) {
  return [runner = std::move(runner), terminal] {
    runner->close_terminal(terminal, kHangUpGrace, Op{{}, Deadline::after(kHangUpDeadline)},
                           [](Result<void>) {});
  };
}

void wait_and_answer(const std::shared_ptr<const TerminalContext>& context, const TerminalPatience& patience,
                     const sandbox::TerminalReport& opened, std::shared_ptr<TerminalRecording> recording) {
  const auto view = context->views->opened(context->handle, opened, std::move(recording));
  auto given_up = hang_up(context->handle.runner, opened.terminal);
  wait_for_terminal(context->handle.runner, opened.terminal, 0, patience, {}, context->call,
                    context->progress_interval,
                    [context, view, given_up = std::move(given_up)](Result<TerminalWaited> waited) {
                      if (waited) return answer_terminal(context, view, std::move(*waited), given_up);
                      fail_terminal(*context, view->number(), waited.error());
                      given_up();
                    });
}

using RecordingPtr = std::shared_ptr<TerminalRecording>;  // null: not recorded

void start(const std::shared_ptr<const TerminalContext>& context, const Services& services, Opening opening,
           const RecordingPtr& recording) {
  add_secrets(services.secrets, opening.secrets, opening.spec.env);
  context->handle.runner->open_terminal(
      std::move(opening.spec), context->call->op(),
      [context, recording, patience = opening.patience](Result<sandbox::TerminalReport> opened) {
        if (opened) return wait_and_answer(context, patience, *opened, recording);
        if (recording) recording->discard();
        reply_from(context->handle, *context->call, runner_failure(context->handle, opened.error()));
      });
}

Result<RecordingPtr> make_recording(const TerminalContext& context, const Services& services,
                                    const sandbox::TerminalSpec& spec) {
  std::string command = spec.command;
  hide_secrets(services.secrets, command);
  const std::string name = context.handle.record.name + "-" + context.handle.record.id;
  return TerminalRecording::make(services.recording, name, spec.size, command, system_clock());
}

/// Nothing waits for a disk but a worker.
void open(const std::shared_ptr<const TerminalContext>& context, const Services& services,
          const Opening& opening) {
  if (!opening.record) return start(context, services, opening, nullptr);
  context->call->defer([context, services, opening] {
    const auto recording = make_recording(*context, services, opening.spec);
    if (recording) return start(context, services, opening, *recording);
    reply_from(context->handle, *context->call,
               mcp::to_tool_failure(with_context("recording the terminal", recording.error())));
  });
}

}  // namespace

mcp::ToolHandler make_terminal_open(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    Opening opening = read_opening(Arguments(call->arguments()), services, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call,
                [services, call, opening = std::move(opening)](sandbox::SandboxHandle handle) {
                  TerminalContext context = terminal_context(services, call, std::move(handle));
                  context.opening = true;
                  open(std::make_shared<const TerminalContext>(std::move(context)), services, opening);
                });
  });
}

}  // namespace rexec::tools
