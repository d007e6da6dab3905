// process_input: standard input and signals of a process, and what the process writes in return.
#include <csignal>
#include <utility>

#include "tools/services.h"
#include "tools/support/process_answer.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/secret_use.h"
#include "tools/support/signals.h"

namespace rexec::tools {
namespace {

constexpr Duration kDefaultGrace = std::chrono::seconds(5);
// How long a process may take to read its input, if the call does not wait longer anyway.
constexpr Duration kInputDeadline = std::chrono::seconds(10);

struct Input {
  std::uint64_t process = 0;
  std::string bytes;
  bool has_bytes = false;
  bool close = false;
  int signal = 0;
  Duration grace = kDefaultGrace;
  Duration wait{};
};

Input read_input_arguments(const Arguments& arguments, const ToolLimits& limits, Violations& violations) {
  Input input;
  input.process = process_number(arguments, "process", violations);
  input.has_bytes = arguments.has("text");
  input.bytes = decode_content(arguments, "text", violations);
  input.close = arguments.flag("close_stdin");
  input.signal = signal_number(arguments.text("signal"));
  // Zero would mean that no KILL follows.
  input.grace =
      std::max<Duration>(arguments.seconds("grace_s").value_or(kDefaultGrace), std::chrono::milliseconds(1));
  input.wait = std::min(arguments.seconds("wait_s").value_or(Duration{}), limits.max_wait);
  if (!input.has_bytes && !input.close && input.signal == 0) {
    violations.push_back({"", "has nothing to do; expected at least one of text, close_stdin, signal"});
  }
  if (arguments.has("grace_s") && input.signal != SIGTERM) {
    violations.push_back({"/grace_s", "is the time between TERM and KILL; expected signal \"TERM\" with it"});
  }
  return input;
}

class InputCall : public std::enable_shared_from_this<InputCall> {
 public:
  InputCall(ProcessContext context, Input input) : context_(std::move(context)), input_(std::move(input)) {}

  /// The answer shows what is written after this, so it begins where the output ends now.
  void run() {
    sandbox::WaitSpec where;
    where.until = sandbox::Until::now;
    runner().wait(input_.process, where, op(),
                  [self = shared_from_this()](Result<sandbox::ProcessReport> report) {
                    if (!report) return self->fail(report.error());
                    if (report->status != sandbox::ProcessStatus::running) return self->refuse_ended(*report);
                    for (std::size_t i = 0; i < 2; ++i)
                      self->context_.request.from[i] = report->streams[i].produced;
                    self->write();
                  });
  }

 private:
  sandbox::Runner& runner() const { return *context_.handle.runner; }
  const Op& op() const { return context_.call->op(); }
  void fail(const Error& error) const { fail_process(context_, input_.process, error); }
  void fail_with(std::string text) const {
    reply_from(context_.handle, *context_.call, mcp::ToolResult::failure(std::move(text)));
  }

  void refuse_ended(const sandbox::ProcessReport& report) const {
    fail_with("The process " + process_name(input_.process) + " has ended (" +
              std::string(to_string(report.status)) +
              "), so it takes no input and no signal. process_read returns its output.");
  }

  void write() {
    if (!input_.has_bytes && !input_.close) return signal();
    Op bounded = op();
    bounded.deadline = bounded.deadline.sooner(Deadline::after(std::max(input_.wait, kInputDeadline)));
    runner().write_input(
        input_.process, std::move(input_.bytes), input_.close, bounded,
        [self = shared_from_this()](Result<sandbox::InputState> state) { self->written(state); });
  }

  void written(const Result<sandbox::InputState>& state) {
    const std::string name = process_name(input_.process);
    if (!state && state.error().code == ErrorCode::deadline_exceeded) {
      return fail_with("The process " + name +
                       " does not read its standard input: a part of the text waits in its "
                       "pipe. Look at its output with process_read, or send a signal.");
    }
    if (!state) return fail(state.error());
    if (state->closed && input_.has_bytes && !input_.close) {
      return fail_with("The standard input of " + name +
                       " is closed, so the text was not delivered. It stays open only "
                       "for a process that exec started with wait_s:0 and without stdin, until close_stdin." +
                       std::string(input_.signal != 0 ? " The signal was not sent." : ""));
    }
    signal();
  }

  void signal() {
    if (input_.signal == 0) return wait();
    const auto scope = input_.signal == SIGKILL ? sandbox::SignalScope::tree : sandbox::SignalScope::group;
    const Duration kill_after = input_.signal == SIGTERM ? input_.grace : Duration{};
    runner().signal(input_.process, input_.signal, scope, kill_after,
                    signal_name(input_.signal) + " by process_input", op(),
                    [self = shared_from_this()](const Result<void>& sent) {
                      if (!sent) return self->fail(sent.error());
                      self->wait();
                    });
  }

  void wait() {
    const bool deadly = input_.signal != 0 && ends_processes(input_.signal);
    const auto until = deadly || input_.close ? sandbox::Until::exit : sandbox::Until::output;
    auto context = std::make_shared<const ProcessContext>(context_);
    wait_for_process(context, input_.process, until, Deadline::after(input_.wait),
                     [context, process = input_.process](Result<sandbox::ProcessReport> report) {
                       if (!report) return fail_process(*context, process, report.error());
                       answer_process(context, std::move(*report));
                     });
  }

  ProcessContext context_;
  Input input_;
};

}  // namespace

mcp::ToolHandler make_process_input(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    const Arguments arguments(call->arguments());
    Input input = read_input_arguments(arguments, services.limits, violations);
    check_no_mask(services.secrets, "/text", input.bytes, violations);
    OutputRequest output = output_request(arguments, services.limits, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(services, call,
                [services, call, input = std::move(input),
                 output = std::move(output)](sandbox::SandboxHandle handle) {
                  ProcessContext context{call, std::move(handle), output, services.limits.progress_interval,
                                         services.sandboxes.backend().capabilities().network_host};
                  std::make_shared<InputCall>(std::move(context), input)->run();
                });
  });
}

}  // namespace rexec::tools
