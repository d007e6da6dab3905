// terminal_send: types, presses keys, pastes, resizes, then waits and shows the screen.
#include <utility>

#include "sandbox-client/terminal/keys.h"
#include "tools/services.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/secret_use.h"
#include "tools/support/terminal_answer.h"
#include "tools/support/terminal_recording.h"
#include "tools/support/terminal_views.h"

namespace rexec::tools {
namespace {

// How long a program may take to read what is typed, if the call does not wait longer anyway.
constexpr Duration kTypingDeadline = std::chrono::seconds(10);

struct Keystrokes {
  std::uint64_t terminal = 0;
  std::optional<sandbox::TerminalSize> size;
  std::string paste;
  std::string text;
  std::vector<std::string> keys;
  bool enter = false;
  TerminalPatience patience;

  bool types() const { return !paste.empty() || !text.empty() || !keys.empty() || enter; }
};

Keystrokes read_keystrokes(const Arguments& arguments, const Json& json, const Services& services,
                           Violations& violations) {
  Keystrokes strokes;
  strokes.terminal = terminal_number(arguments, "terminal", violations);
  if (const Json* size = find(json, "resize")) {
    const Arguments sides(*size);
    strokes.size = sandbox::TerminalSize{static_cast<unsigned>(sides.size("cols", 0)),
                                         static_cast<unsigned>(sides.size("rows", 0))};
  }
  strokes.paste = arguments.text("paste");
  strokes.text = arguments.text("text");
  strokes.keys = arguments.texts("keys");
  strokes.enter = arguments.flag("enter");
  for (std::size_t i = 0; i < strokes.keys.size(); ++i) {
    if (auto key = terminal::encode_key(strokes.keys[i], {}); !key)
      violations.push_back({"/keys/" + std::to_string(i), key.error().message});
  }
  check_no_mask(services.secrets, "/paste", strokes.paste, violations);
  check_no_mask(services.secrets, "/text", strokes.text, violations);
  if (!strokes.types() && !strokes.size) {
    violations.push_back({"",
                          "has nothing to do; expected at least one of text, enter, keys, paste, resize "
                          "(terminal_read looks without typing)"});
  }
  strokes.patience =
      TerminalPatience::from(arguments, services.limits, TerminalPatience::kDefaultWait, violations);
  return strokes;
}

/// Newlines are the Enter key.
std::string as_typed(std::string_view text) {
  std::string typed;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && i > 0 && text[i - 1] == '\r') continue;
    typed += text[i] == '\n' ? '\r' : text[i];
  }
  return typed;
}

class Sending : public std::enable_shared_from_this<Sending> {
 public:
  Sending(std::shared_ptr<const TerminalContext> context, Keystrokes strokes,
          std::shared_ptr<sandbox::TerminalView> view)
      : context_(std::move(context)), strokes_(std::move(strokes)), view_(std::move(view)) {}

  /// The answer is about what is written after this, so it begins where the output ends now.
  void run() {
    view_->refresh(op(), [self = shared_from_this()](Result<sandbox::TerminalReport> report) {
      if (!report) return self->fail(report.error());
      self->from_ = report->produced;
      self->echo_off_ = report->echo_off;
      if (report->end) return self->refuse_ended();
      self->resize();
    });
  }

 private:
  const Op& op() const { return context_->call->op(); }
  void fail(const Error& error) const { fail_terminal(*context_, strokes_.terminal, error); }
  void fail_with(std::string text) const {
    reply_from(context_->handle, *context_->call, mcp::ToolResult::failure(std::move(text)));
  }
  void refuse_ended() const {
    fail_with("The program of " + terminal_name(strokes_.terminal) +
              " has ended, so nothing can be typed. terminal_read shows its last screen, terminal_open opens "
              "another terminal.");
  }

  void resize() {
    if (!strokes_.size) return type();
    view_->runner().resize_terminal(strokes_.terminal, *strokes_.size, op(),
                                    [self = shared_from_this()](const Result<void>& done) {
                                      if (!done) return self->fail(done.error());
                                      self->type();
                                    });
  }

  void type() {
    if (!strokes_.types()) return wait();
    std::string bytes;
    view_->read([&](const terminal::Screen& screen) {
      const terminal::Modes& modes = screen.modes();
      if (!strokes_.paste.empty()) bytes += terminal::encode_paste(strokes_.paste, modes);
      bytes += as_typed(strokes_.text);
      for (const std::string& key : strokes_.keys) {
        if (auto encoded = terminal::encode_key(key, modes)) bytes += *encoded;
      }
      if (strokes_.enter) bytes += '\r';
    });
    Op bounded = op();
    bounded.deadline =
        bounded.deadline.sooner(Deadline::after(std::max(strokes_.patience.wait, kTypingDeadline)));
    const auto recording = context_->views->recording(context_->handle, strokes_.terminal);
    if (recording && !echo_off_) {
      std::string shown = bytes;
      hide_secrets(context_->secrets, shown);
      recording->typed(shown);
    }
    view_->runner().write_terminal(
        strokes_.terminal, std::move(bytes), bounded,
        [self = shared_from_this()](const Result<sandbox::InputState>& state) { self->typed(state); });
  }

  void typed(const Result<sandbox::InputState>& state) {
    if (!state && state.error().code == ErrorCode::deadline_exceeded) {
      return fail_with("The program of " + terminal_name(strokes_.terminal) +
                       " does not read what is typed: a part of it still waits. Look at the screen with "
                       "terminal_read; terminal_close ends the program.");
    }
    if (!state) return fail(state.error());
    if (state->closed) return refuse_ended();
    wait();
  }

  void wait() {
    const std::string typed = echo_off_ ? "" : strokes_.paste + strokes_.text;
    wait_for_terminal(context_->handle.runner, strokes_.terminal, from_, strokes_.patience, typed,
                      context_->call, context_->progress_interval,
                      [self = shared_from_this()](Result<TerminalWaited> waited) {
                        if (!waited) return self->fail(waited.error());
                        answer_terminal(self->context_, self->view_, std::move(*waited));
                      });
  }

  const std::shared_ptr<const TerminalContext> context_;
  const Keystrokes strokes_;
  const std::shared_ptr<sandbox::TerminalView> view_;
  std::uint64_t from_ = 0;
  bool echo_off_ = false;
};

}  // namespace

mcp::ToolHandler make_terminal_send(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    const Arguments arguments(call->arguments());
    Keystrokes strokes = read_keystrokes(arguments, call->arguments(), services, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(
        services, call, [services, call, strokes = std::move(strokes)](sandbox::SandboxHandle handle) {
          const auto context =
              std::make_shared<const TerminalContext>(terminal_context(services, call, std::move(handle)));
          context->views->find(context->handle, strokes.terminal, call->op(),
                               [context, strokes](Result<std::shared_ptr<sandbox::TerminalView>> view) {
                                 if (!view) return fail_terminal(*context, strokes.terminal, view.error());
                                 std::make_shared<Sending>(context, strokes, std::move(*view))->run();
                               });
        });
  });
}

}  // namespace rexec::tools
