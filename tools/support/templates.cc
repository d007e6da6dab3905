#include "tools/support/templates.h"

#include <algorithm>

#include "base/utf8.h"
#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/durations.h"
#include "tools/support/process_answer.h"

namespace rexec::tools {
namespace {

using sandbox::ProcessReport;
using sandbox::ProcessStatus;

constexpr std::size_t kTail = 1200;  // bytes of a failed command's output that its error shows
constexpr std::size_t kShownCommand = 120;

class Setup : public std::enable_shared_from_this<Setup> {
 public:
  Setup(std::shared_ptr<const ProcessContext> context, const Template& chosen,
        std::function<void(Status)> done)
      : context_(std::move(context)),
        commands_(chosen.setup),
        limit_(chosen.setup_timeout),
        deadline_(Deadline::after(limit_)),
        home_(context_->handle.record.home),
        done_(std::move(done)) {}

  void next() {
    if (at_ == commands_.size()) return finish({});
    context_->call->progress("set-up " + std::to_string(at_ + 1) + " of " + std::to_string(commands_.size()) +
                             ": " + commands_[at_]);
    sandbox::ProcessSpec process;
    process.command = commands_[at_];
    process.cwd = home_;
    process.input = "";
    process.timeout = std::max<Duration>(deadline_.left(), std::chrono::milliseconds(1));
    context_->handle.runner->start(
        std::move(process), wait_spec(context_->request, sandbox::Until::exit, first_wait(*context_, limit_)),
        context_->call->op(),
        [self = shared_from_this()](Result<ProcessReport> report) { self->started(std::move(report)); });
  }

 private:
  void started(Result<ProcessReport> report) {
    if (!report || report->status != ProcessStatus::running) return ended(std::move(report));
    report_progress(*context_, *report);
    // The process ends by its own timeout; this wait is only longer than that.
    wait_for_process(
        context_, report->process, sandbox::Until::exit, Deadline::after(limit_ + kGrace),
        [self = shared_from_this()](Result<ProcessReport> next) { self->ended(std::move(next)); });
  }

  void ended(Result<ProcessReport> report) {
    if (!report) return finish(std::move(report).error());
    if (report->status == ProcessStatus::exited && report->exit_code == 0) {
      ++at_;
      return next();
    }
    finish(Error{ErrorCode::failed_precondition, describe_failure(*report)});
  }

  std::string describe_failure(const ProcessReport& report) const {
    std::string how = "ended with status " + std::to_string(report.exit_code);
    if (report.status == ProcessStatus::timed_out || report.status == ProcessStatus::running)
      how = "was not done within the set-up's " + describe(limit_);
    if (report.status == ProcessStatus::signaled)
      how = "was killed by signal " + std::to_string(report.signal);
    std::string output;
    for (const sandbox::StreamReport& stream : report.streams) output += stream.head + stream.tail;
    if (output.size() > kTail) output = "…" + output.substr(output.size() - kTail);
    return "the set-up command " + in_quotes(commands_[at_].substr(0, kShownCommand)) + " " + how +
           (output.empty() ? "" : "; the end of its output:\n" + to_valid_utf8(output));
  }

  void finish(Status status) {
    context_->call->defer([done = done_, status = std::move(status)] { done(status); });
  }

  static constexpr Duration kGrace = std::chrono::seconds(5);

  const std::shared_ptr<const ProcessContext> context_;
  const std::vector<std::string> commands_;
  const Duration limit_;
  const Deadline deadline_;
  const std::string home_;
  const std::function<void(Status)> done_;
  std::size_t at_ = 0;
};

}  // namespace

Result<const Template*> find_template(const std::vector<Template>& templates, const std::string& name) {
  std::string known;
  for (const Template& candidate : templates) {
    if (candidate.name == name) return &candidate;
    known += (known.empty() ? "" : ", ") + candidate.name;
  }
  return Error{ErrorCode::not_found, "there is no template " + in_quotes(name) + "; " +
                                         (known.empty() ? "this server has none" : "there are: " + known)};
}

void apply_template(const Template& chosen, sandbox::CreateRequest& request) {
  sandbox::SandboxSpec& spec = request.spec;
  spec.template_name = chosen.name;
  spec.env = chosen.env;
  if (chosen.network) spec.network = *chosen.network;
  spec.memory_mb = chosen.memory_mb;
  spec.cpus = chosen.cpus;
  spec.disk_mb = chosen.disk_mb;
  spec.cwd = chosen.cwd;
  request.expires_in = chosen.expires_in;
}

void set_up_sandbox(const Services& services, std::shared_ptr<mcp::ToolCall> call,
                    sandbox::SandboxHandle handle, const Template& chosen, std::function<void(Status)> done) {
  OutputRequest output;
  output.max_chars = 2 * kTail;
  output.max_chars_cap = 2 * kTail;
  auto context = std::make_shared<const ProcessContext>(
      ProcessContext{std::move(call), std::move(handle), output, services.limits.progress_interval});
  std::make_shared<Setup>(std::move(context), chosen, std::move(done))->next();
}

}  // namespace rexec::tools
