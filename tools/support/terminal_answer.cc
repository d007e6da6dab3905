#include "tools/support/terminal_answer.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"
#include "tools/resources/uris.h"
#include "tools/support/process_result.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/signals.h"
#include "tools/support/terminal_recording.h"
#include "tools/support/terminal_views.h"

namespace rexec::tools {
namespace {

using sandbox::ProcessStatus;
using sandbox::TerminalReport;
using sandbox::TerminalView;

constexpr std::size_t kMaxTitleChars = 200;
constexpr std::size_t kMaxReasonBytes = 200;

/// What a screen says of itself.
struct Shown {
  std::string screen;
  std::string scrollback;
  terminal::CursorPosition cursor;
  terminal::Size size;
  std::string title;
  bool alternate_screen = false;
};

/// The end of a text, whole lines where that is possible.
std::string last_part(std::string text, std::size_t max_chars) {
  const std::string_view end = utf8_suffix(text, max_chars);
  if (end.size() == text.size()) return text;
  const std::size_t line = end.find('\n');
  const std::string_view kept = line == end.npos || line + 1 == end.size() ? end : end.substr(line + 1);
  return "[… " + std::to_string(text.size() - kept.size()) + " bytes above left out]\n" + std::string(kept);
}

Shown look_at(const TerminalView& view, const TerminalShow& show) {
  Shown shown;
  view.read([&](const terminal::Screen& screen) {
    const terminal::TextOptions options{show.colors, false};
    shown.cursor = screen.cursor();
    shown.size = screen.size();
    shown.title = std::string(utf8_prefix(screen.title(), kMaxTitleChars));
    shown.alternate_screen = screen.modes().alternate_screen;
    shown.screen = screen.text(options);
    if (show.view != TerminalShow::View::scrollback) return;
    const std::uint64_t end = screen.scrollback_end();
    const std::uint64_t begin =
        std::max(screen.scrollback_begin(), end - std::min<std::uint64_t>(end, show.lines));
    for (const std::string& line : screen.scrollback(begin, end, options)) shown.scrollback += line + "\n";
  });
  return shown;
}

std::string one_line(std::string_view text, std::size_t max) {
  std::string line = to_valid_utf8(utf8_prefix(text, max));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c >= '\0' && c < ' '; }, ' ');
  return line;
}

std::string how_it_is(const TerminalReport& report) {
  std::string text = std::string(to_string(report.status));
  if (report.status == ProcessStatus::exited) text += " " + std::to_string(report.exit_code);
  if (report.status == ProcessStatus::signaled) text += " " + signal_name(report.signal);
  if (!report.reason.empty()) text += " (" + one_line(report.reason, kMaxReasonBytes) + ")";
  return text;
}

std::string attach_command(const TerminalContext& context, const TerminalReport& report) {
  return "rexec-mcp attach " + context.handle.record.name + ":" + terminal_name(report.terminal);
}

std::string status_line(const TerminalContext& context, const TerminalReport& report, const Shown& shown,
                        const std::optional<TerminalWaited>& waited) {
  std::string line = "[" + terminal_name(report.terminal) + " · " + how_it_is(report) + " · " +
                     std::to_string(shown.size.columns) + "x" + std::to_string(shown.size.rows) +
                     " · cursor at line " + std::to_string(shown.cursor.row) + ", column " +
                     std::to_string(shown.cursor.column);
  if (shown.alternate_screen) line += " · full-screen program";
  if (waited && waited->outcome == TerminalOutcome::matched)
    line += " · matched " + in_quotes(waited->matched);
  if (waited && waited->outcome == TerminalOutcome::timeout) line += " · still waiting when wait_s was over";
  line += "]";
  if (report.echo_off && report.status == ProcessStatus::running)
    line +=
        "\n[the program reads a line without showing it, as it does for a password: ask the user to type "
        "it with: " +
        attach_command(context, report) + "]";
  return line;
}

mcp::ToolResult present(const TerminalContext& context, const TerminalReport& report, const Shown& shown,
                        const std::optional<TerminalWaited>& waited, const std::optional<std::string>& text) {
  const std::string body = last_part(text ? *text : shown.screen, context.show.max_chars);
  std::string answer = body;
  if (!answer.empty() && answer.back() != '\n') answer += '\n';
  answer += status_line(context, report, shown, waited);
  const auto recording = context.views->recording(context.handle, report.terminal);
  if (recording && context.opening) answer += "\n[recorded to " + recording->path() + "]";
  mcp::ToolResult result = mcp::ToolResult::text(std::move(answer));
  Json json = {{"sandbox", context.handle.record.name},
               {"terminal", terminal_name(report.terminal)},
               {"status", std::string(to_string(report.status))},
               {text ? "text" : "screen", body},
               {"cursor_row", shown.cursor.row},
               {"cursor_col", shown.cursor.column},
               {"cols", shown.size.columns},
               {"rows", shown.size.rows},
               {"alternate_screen", shown.alternate_screen},
               {"waiting_for_secret", report.echo_off && report.status == ProcessStatus::running},
               {"cursor", std::to_string(report.offset + report.data.size())}};
  if (report.status == ProcessStatus::exited) json["exit_code"] = report.exit_code;
  if (report.status == ProcessStatus::signaled) json["signal"] = signal_name(report.signal);
  if (!report.reason.empty()) json["reason"] = one_line(report.reason, kMaxReasonBytes);
  if (!shown.title.empty()) json["title"] = shown.title;
  if (report.lost > 0) json["lost_bytes"] = report.lost;
  if (recording) json["recording"] = recording_uri(context.handle.record.name, report.terminal);
  if (waited) json["wait"] = std::string(to_string(waited->outcome));
  if (waited && waited->outcome == TerminalOutcome::matched) json["matched"] = waited->matched;
  result.structured = std::move(json);
  return result;
}

class TerminalAnswer : public std::enable_shared_from_this<TerminalAnswer> {
 public:
  TerminalAnswer(std::shared_ptr<const TerminalContext> context, std::shared_ptr<TerminalView> view,
                 std::optional<TerminalWaited> waited, std::function<void()> given_up)
      : context_(std::move(context)),
        view_(std::move(view)),
        waited_(std::move(waited)),
        given_up_(std::move(given_up)) {}

  void run() {
    view_->refresh(context_->call->op(), [self = shared_from_this()](Result<TerminalReport> report) {
      if (!report) return self->fail(report.error());
      self->refreshed(std::move(*report));
    });
  }

 private:
  void fail(const Error& error) const {
    fail_terminal(*context_, view_->number(), error);
    // Only a call that was given up ends like this without the sandbox having gone too.
    if (given_up_) given_up_();
  }

  void refreshed(TerminalReport report) {
    report.lost = 0;  // of output that nobody asked for
    report.offset = report.produced;
    switch (context_->show.view) {
      case TerminalShow::View::screen:
        return reply(report, look(), std::nullopt);
      case TerminalShow::View::scrollback:
        // Thousands of lines take a while.
        return context_->call->defer([self = shared_from_this(), report = std::move(report)] {
          const Shown shown = self->look();
          self->reply(report, shown, shown.scrollback);
        });
      case TerminalShow::View::raw:
        return read(report.produced);
    }
  }

  void read(std::uint64_t produced) {
    sandbox::TerminalWait wait;
    wait.max = context_->show.max_chars;
    wait.from = context_->show.cursor.value_or(produced - std::min<std::uint64_t>(produced, wait.max));
    view_->runner().wait_terminal(
        view_->number(), wait, context_->call->op(),
        [self = shared_from_this(), from = wait.from](Result<TerminalReport> report) {
          if (!report) return self->fail(report.error());
          report->lost = report->offset - std::min(report->offset, from);
          // A character that is not complete is left for the next call.
          if (const std::size_t tail = utf8_incomplete_tail(report->data); tail < report->data.size())
            report->data.resize(report->data.size() - tail);
          self->reply(*report, self->look(), to_valid_utf8(report->data));
        });
  }

  Shown look() const { return look_at(*view_, context_->show); }

  void reply(const TerminalReport& report, const Shown& shown, const std::optional<std::string>& text) const {
    view_->set_seen(report.produced);
    const bool seen =
        reply_if_wanted(context_->handle, *context_->call, present(*context_, report, shown, waited_, text));
    if (!seen && given_up_) given_up_();
  }

  const std::shared_ptr<const TerminalContext> context_;
  const std::shared_ptr<TerminalView> view_;
  const std::optional<TerminalWaited> waited_;
  const std::function<void()> given_up_;
};

}  // namespace

std::optional<std::uint64_t> parse_terminal_name(std::string_view name) {
  return parse_numbered_name(name, 't');
}

std::string terminal_name(std::uint64_t number) {
  return "t" + std::to_string(number);
}

std::uint64_t terminal_number(const Arguments& arguments, std::string_view key, Violations& violations) {
  const std::string text = arguments.text(key);
  if (const auto number = parse_terminal_name(text)) return *number;
  violations.push_back({"/" + std::string(key), in_quotes(text) +
                                                    " is not a terminal handle; expected one that "
                                                    "terminal_open returned, such as \"t1\""});
  return 0;
}

TerminalContext terminal_context(const Services& services, const std::shared_ptr<mcp::ToolCall>& call,
                                 sandbox::SandboxHandle handle) {
  const Arguments arguments(call->arguments());
  TerminalContext context{
      call, std::move(handle), services.terminals, services.limits.progress_interval, {}, services.secrets,
      false};
  context.show.max_chars = arguments.max_chars(services.limits);
  return context;
}

void answer_terminal(const std::shared_ptr<const TerminalContext>& context,
                     const std::shared_ptr<TerminalView>& view, std::optional<TerminalWaited> waited,
                     std::function<void()> given_up) {
  std::make_shared<TerminalAnswer>(context, view, std::move(waited), std::move(given_up))->run();
}

void fail_terminal(const TerminalContext& context, std::uint64_t terminal, const Error& error) {
  if (error.code != ErrorCode::not_found)
    return reply_from(context.handle, *context.call, runner_failure(context.handle, error));
  context.handle.runner->list_terminals(
      context.call->op(), [context, terminal](Result<std::vector<sandbox::TerminalEntry>> found) {
        std::string known;
        if (found) {
          for (const sandbox::TerminalEntry& entry : *found)
            known += (known.empty() ? "" : ", ") + terminal_name(entry.terminal) +
                     (entry.status == ProcessStatus::running ? "" : " (ended)");
        }
        reply_from(context.handle, *context.call,
                   mcp::ToolResult::failure("There is no terminal " + terminal_name(terminal) +
                                            " in the sandbox " + in_quotes(context.handle.record.name) +
                                            (known.empty() ? "" : ", only: " + known) +
                                            ". terminal_open opens one."));
      });
}

}  // namespace rexec::tools
