// exec: runs a shell command and answers when it has ended, or after wait_s with a handle to go on with.
#include <csignal>
#include <utility>

#include "tools/services.h"
#include "tools/support/process_answer.h"
#include "tools/support/sandbox_use.h"
#include "tools/support/secret_use.h"

namespace rexec::tools {
namespace {

constexpr Duration kKillDeadline = std::chrono::seconds(5);

struct ExecCommand {
  sandbox::ProcessSpec process;
  std::vector<std::string> secrets;
  Duration wait{};
  OutputRequest output;
};

ExecCommand read_command(const Arguments& arguments, const Services& services, Violations& violations) {
  const ToolLimits& limits = services.limits;
  ExecCommand command;
  command.process.command = arguments.text("command");
  check_command(arguments, "command", violations);
  check_path(arguments, "cwd", violations);
  check_environment(arguments, "env", violations);
  command.process.cwd = arguments.text("cwd");
  command.process.env = arguments.string_map("env");
  command.process.input = arguments.optional_text("stdin");
  if (command.process.input) check_no_mask(services.secrets, "/stdin", *command.process.input, violations);
  command.secrets = secret_names(arguments, services.secrets, violations);
  command.wait = std::min(arguments.seconds("wait_s").value_or(limits.default_wait), limits.max_wait);
  const bool background = command.wait == Duration{};
  command.process.stdin_pipe = background && !command.process.input;
  const Duration timeout =
      arguments.seconds("timeout_s").value_or(background ? limits.max_timeout : limits.default_timeout);
  command.process.timeout = std::min(timeout, limits.max_timeout);
  command.output = output_request(arguments, limits, violations);
  return command;
}

/// A cancelled call leaves nothing behind; its own op is over, so this has another.
void kill_process(sandbox::Runner& runner, std::uint64_t process, sandbox::Completion<void> done) {
  runner.signal(process, SIGKILL, sandbox::SignalScope::tree, Duration{}, "cancelled",
                Op{{}, Deadline::after(kKillDeadline)}, std::move(done));
}

class Execution : public std::enable_shared_from_this<Execution> {
 public:
  Execution(std::shared_ptr<const ProcessContext> context, Duration wait)
      : context_(std::move(context)), wait_(wait) {}

  void start(sandbox::ProcessSpec process) {
    deadline_ = Deadline::after(wait_);
    const auto until = wait_ > Duration{} ? sandbox::Until::exit : sandbox::Until::now;
    context_->handle.runner->start(
        std::move(process), wait_spec(context_->request, until, first_wait(*context_, wait_)),
        context_->call->op(), [self = shared_from_this()](Result<sandbox::ProcessReport> report) {
          self->started(std::move(report));
        });
  }

 private:
  void started(Result<sandbox::ProcessReport> report) {
    if (!report) {
      return reply_from(context_->handle, *context_->call, runner_failure(context_->handle, report.error()));
    }
    if (report->status != sandbox::ProcessStatus::running || deadline_.passed())
      return answer(std::move(*report));
    process_ = report->process;
    if (context_->call->op().stop.stop_requested()) return kill();
    if (first_wait(*context_, wait_) == wait_) return answer(std::move(*report));
    report_progress(*context_, *report);
    wait_for_process(
        context_, process_, sandbox::Until::exit, deadline_,
        [self = shared_from_this()](Result<sandbox::ProcessReport> next) { self->waited(std::move(next)); });
  }

  void waited(Result<sandbox::ProcessReport> report) {
    if (report) return answer(std::move(*report));
    const ErrorCode code = report.error().code;
    if (code == ErrorCode::cancelled || code == ErrorCode::deadline_exceeded) return kill();
    fail_process(*context_, process_, report.error());
  }

  void answer(sandbox::ProcessReport report) {
    const bool running = report.status == sandbox::ProcessStatus::running;
    if (running && context_->call->op().stop.stop_requested()) {
      process_ = report.process;
      return kill();
    }
    answer_process(context_, std::move(report));
  }

  void kill() {
    kill_process(*context_->handle.runner, process_, [context = context_](Result<void>) {
      (void)context->call->reply(mcp::ToolResult::failure(
          "The call was cancelled; the command and all that it started was killed."));
    });
  }

  const std::shared_ptr<const ProcessContext> context_;
  const Duration wait_;
  Deadline deadline_ = Deadline::infinite();
  std::uint64_t process_ = 0;
};

}  // namespace

mcp::ToolHandler make_exec(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    Violations violations;
    ExecCommand command = read_command(Arguments(call->arguments()), services, violations);
    if (!violations.empty()) return call->reject(violations);
    use_sandbox(
        services, call, [services, call, command = std::move(command)](sandbox::SandboxHandle handle) {
          const auto runner = handle.runner;
          auto context = std::make_shared<const ProcessContext>(ProcessContext{
              call, std::move(handle), command.output, services.limits.progress_interval,
              services.sandboxes.backend().capabilities().network_host,
              [runner](std::uint64_t process) { kill_process(*runner, process, [](Result<void>) {}); }});
          sandbox::ProcessSpec process = command.process;
          add_secrets(services.secrets, command.secrets, process.env);
          std::make_shared<Execution>(std::move(context), command.wait)->start(std::move(process));
        });
  });
}

}  // namespace rexec::tools
