// terminal_close: hangs up, kills what does not end by that, and shows the last screen.
#include <utility>

#include "tools/services.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/terminal_answer.h"
#include "tools/support/terminal_views.h"

namespace rexec::tools {
namespace {

constexpr Duration kCloseGrace = std::chrono::seconds(2);  // between HUP and KILL
constexpr Duration kEndLimit = std::chrono::seconds(5);    // for all to be gone

void close(const std::shared_ptr<const TerminalContext>& context,
           const std::shared_ptr<sandbox::TerminalView>& view) {
  const auto closed = [context, view](const Result<void>& done) {
    if (!done) return fail_terminal(*context, view->number(), done.error());
    sandbox::TerminalWait end;
    end.until = sandbox::TerminalUntil::end;
    end.wait = kEndLimit;
    view->runner().wait_terminal(view->number(), end, context->call->op(),
                                 [context, view](const Result<sandbox::TerminalReport>& report) {
                                   if (!report)
                                     return fail_terminal(*context, view->number(), report.error());
                                   answer_terminal(context, view, std::nullopt);
                                 });
  };
  view->runner().close_terminal(view->number(), kCloseGrace, context->call->op(), closed);
}

}  // namespace

mcp::ToolHandler make_terminal_close(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    const std::uint64_t terminal = terminal_number(Arguments(call->arguments()), "terminal", violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call, [services, call, terminal](sandbox::SandboxHandle handle) {
      const auto context =
          std::make_shared<const TerminalContext>(terminal_context(services, call, std::move(handle)));
      context->views->find(context->handle, terminal, call->op(),
                           [context, terminal](Result<std::shared_ptr<sandbox::TerminalView>> view) {
                             if (!view) return fail_terminal(*context, terminal, view.error());
                             close(context, *view);
                           });
    });
  });
}

}  // namespace rexec::tools
