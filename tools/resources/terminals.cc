#include "tools/resources/terminals.h"

#include <utility>

#include "base/fd.h"
#include "tools/secrets.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/terminal_answer.h"
#include "tools/support/terminal_recording.h"
#include "tools/support/terminal_views.h"

namespace rexec::tools {
namespace {

using sandbox::TerminalView;

Error terminal_error(const sandbox::SandboxHandle& handle, std::uint64_t terminal, const Error& error) {
  if (error.code != ErrorCode::not_found) return resource_error(handle, error);
  return Error{ErrorCode::not_found, "there is no terminal " + terminal_name(terminal) + " in the sandbox " +
                                         in_quotes(handle.record.name)};
}

class ScreenWatch final : public sandbox::TerminalObserver {
 public:
  explicit ScreenWatch(std::function<void()> changed) : changed_(std::move(changed)) {}
  void output(std::string_view) override { changed_(); }
  void resized(const sandbox::TerminalSize&) override { changed_(); }
  void ended() override { changed_(); }

 private:
  const std::function<void()> changed_;
};

class ScreenInterest final : public mcp::ResourceWatch {
 public:
  ScreenInterest(std::shared_ptr<TerminalView> view, std::shared_ptr<ScreenWatch> watch)
      : view_(std::move(view)), watch_(std::move(watch)) {}

 private:
  const std::shared_ptr<TerminalView> view_;
  const std::shared_ptr<ScreenWatch> watch_;
};

}  // namespace

void read_screen(const Services& services, const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                 std::uint64_t terminal, mcp::Reply<std::string> reply) {
  services.terminals->find(
      handle, terminal, inquiry.op(),
      [inquiry, handle, terminal, secrets = services.secrets,
       reply = std::move(reply)](Result<std::shared_ptr<TerminalView>> view) {
        if (!view) return reply(terminal_error(handle, terminal, view.error()));
        (*view)->refresh(inquiry.op(), [view = *view, handle, terminal, secrets,
                                        reply](const Result<sandbox::TerminalReport>& report) {
          if (!report) return reply(terminal_error(handle, terminal, report.error()));
          std::string text;
          view->read([&](const terminal::Screen& screen) { text = screen.text(); });
          hide_secrets(secrets, text);  // what sequences between its parts hid from those who mask the output
          reply(std::move(text));
        });
      });
}

Result<std::string> read_recording(const Services& services, const sandbox::SandboxHandle& handle,
                                   std::uint64_t terminal) {
  const auto recording = services.terminals->recording(handle, terminal);
  if (recording == nullptr)
    return Error{ErrorCode::not_found, "the terminal " + terminal_name(terminal) +
                                           " is not recorded by this server; terminal_open with record:true "
                                           "does that"};
  auto text = read_whole_file(recording->path(), services.limits.read_cap);
  if (text) hide_secrets(services.secrets, *text);
  if (text) return text;
  if (text.error().code != ErrorCode::resource_exhausted)
    return Error{ErrorCode::not_found, "the recording " + recording->path() + ": " + text.error().message};
  return Error{ErrorCode::resource_exhausted, "the recording is too large to be read here; it is the file " +
                                                  recording->path() + " on the user's machine"};
}

void watch_screen(const Services& services, const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                  std::uint64_t terminal, std::function<void()> changed,
                  mcp::Reply<std::unique_ptr<mcp::ResourceWatch>> reply) {
  services.terminals->find(
      handle, terminal, inquiry.op(),
      [handle, terminal, changed = std::move(changed),
       reply = std::move(reply)](Result<std::shared_ptr<TerminalView>> view) {
        if (!view) return reply(terminal_error(handle, terminal, view.error()));
        auto watch = std::make_shared<ScreenWatch>(changed);
        if (!(*view)->observe(watch))
          return reply(
              Error{ErrorCode::resource_exhausted, "too many watch the terminal " + terminal_name(terminal)});
        reply(std::unique_ptr<mcp::ResourceWatch>(std::make_unique<ScreenInterest>(*view, std::move(watch))));
      });
}

}  // namespace rexec::tools
