// terminal_read: the screen of a terminal, its scrollback or its raw output, now or when something is there.
#include <charconv>
#include <utility>

#include "tools/services.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/terminal_answer.h"
#include "tools/support/terminal_views.h"

namespace rexec::tools {
namespace {

struct Look {
  std::uint64_t terminal = 0;
  TerminalShow show;
  TerminalPatience patience;
};

std::optional<std::uint64_t> read_offset(const Arguments& arguments, Violations& violations) {
  const auto text = arguments.optional_text("cursor");
  if (!text) return std::nullopt;
  std::uint64_t offset = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, offset);
  if (parsed.ec == std::errc() && parsed.ptr == end) return offset;
  violations.push_back(
      {"/cursor", in_quotes(*text) + " is not a cursor; expected one of an earlier answer, or none"});
  return std::nullopt;
}

Look read_look(const Arguments& arguments, const ToolLimits& limits, Violations& violations) {
  Look look;
  look.terminal = terminal_number(arguments, "terminal", violations);
  const std::string view = arguments.text("view", "screen");
  look.show.view = view == "raw"          ? TerminalShow::View::raw
                   : view == "scrollback" ? TerminalShow::View::scrollback
                                          : TerminalShow::View::screen;
  look.show.colors = arguments.flag("colors");
  look.show.lines = arguments.size("lines", TerminalShow::kDefaultLines);
  look.show.cursor = read_offset(arguments, violations);
  if (look.show.cursor && look.show.view != TerminalShow::View::raw)
    violations.push_back({"/cursor", "is a place in the raw output; expected view \"raw\" with it"});
  look.patience = TerminalPatience::from(arguments, limits, Duration{}, violations);
  return look;
}

void look_at_terminal(const std::shared_ptr<const TerminalContext>& context,
                      const std::shared_ptr<sandbox::TerminalView>& view, const TerminalPatience& patience) {
  if (patience.wait == Duration{}) return answer_terminal(context, view, std::nullopt);
  // What was shown already was not waited for.
  const std::uint64_t from = context->show.cursor.value_or(view->seen());
  wait_for_terminal(context->handle.runner, view->number(), from, patience, {}, context->call,
                    context->progress_interval, [context, view](Result<TerminalWaited> waited) {
                      if (!waited) return fail_terminal(*context, view->number(), waited.error());
                      answer_terminal(context, view, std::move(*waited));
                    });
}

}  // namespace

mcp::ToolHandler make_terminal_read(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    Look look = read_look(Arguments(call->arguments()), services.limits, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call, [services, call, look = std::move(look)](sandbox::SandboxHandle handle) {
      TerminalContext made = terminal_context(services, call, std::move(handle));
      const std::size_t max_chars = made.show.max_chars;
      made.show = look.show;
      made.show.max_chars = max_chars;
      const auto context = std::make_shared<const TerminalContext>(std::move(made));
      context->views->find(context->handle, look.terminal, call->op(),
                           [context, look](Result<std::shared_ptr<sandbox::TerminalView>> view) {
                             if (!view) return fail_terminal(*context, look.terminal, view.error());
                             look_at_terminal(context, *view, look.patience);
                           });
    });
  });
}

}  // namespace rexec::tools
