#include "tools/support/process_answer.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "tools/support/durations.h"
#include "tools/support/output_hints.h"
#include "tools/support/retained_scan.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

using sandbox::ProcessReport;
using sandbox::ProcessStatus;

// Formatting this much costs less than handing it to a worker.
constexpr std::size_t kInlineBytes = 16 << 10;
// A wait that ends this much before its time has ended because of what was waited for.
constexpr Duration kEarly = std::chrono::milliseconds(20);

class ProgressWait : public std::enable_shared_from_this<ProgressWait> {
 public:
  ProgressWait(std::shared_ptr<const ProcessContext> context, std::uint64_t process, sandbox::Until until,
               Deadline deadline, sandbox::Completion<ProcessReport> done)
      : context_(std::move(context)),
        process_(process),
        until_(until),
        deadline_(deadline),
        done_(std::move(done)) {}

  void next() {
    const Duration wait = first_wait(*context_, deadline_.left());
    slice_ = Deadline::after(wait - std::min(wait, kEarly));
    context_->handle.runner->wait(
        process_, wait_spec(context_->request, wait > Duration{} ? until_ : sandbox::Until::now, wait),
        context_->call->op(),
        [self = shared_from_this()](Result<ProcessReport> report) { self->take(std::move(report)); });
  }

 private:
  void take(Result<ProcessReport> report) {
    if (!report || deadline_.passed() || !slice_.passed() || reached(*report))
      return done_(std::move(report));
    report_progress(*context_, *report);
    next();
  }

  bool reached(const ProcessReport& report) const {
    if (until_ == sandbox::Until::exit) return report.status != ProcessStatus::running;
    for (std::size_t i = 0; i < 2; ++i) {
      if (context_->request.wanted[i] && report.streams[i].produced > context_->request.from[i]) return true;
    }
    return until_ == sandbox::Until::now;
  }

  const std::shared_ptr<const ProcessContext> context_;
  const std::uint64_t process_;
  const sandbox::Until until_;
  const Deadline deadline_;
  Deadline slice_ = Deadline::infinite();
  const sandbox::Completion<ProcessReport> done_;
};

std::vector<std::string> notes_about(const ProcessContext& context, const ProcessReport& report) {
  std::vector<std::string> notes;
  if (context.handle.record.network == sandbox::Network::none && looks_like_missing_network(report)) {
    notes.push_back(
        context.network_possible
            ? "the network of this sandbox is off, so nothing outside can be reached; sandbox_create "
              "with network:\"host\" makes one that has it"
            : "the network of this sandbox is off, so nothing outside can be reached; the server's "
              "configuration decides that");
  }
  if (report.pipes_held) {
    notes.push_back("a process that it started in the background goes on and may write more output");
  }
  return notes;
}

void reply_now(const ProcessContext& context, const ProcessReport& report,
               const std::optional<Selected>& selected) {
  const bool seen = reply_if_wanted(
      context.handle, *context.call,
      present_process(context.handle, report, context.request, selected, notes_about(context, report)));
  if (!seen && context.given_up) context.given_up(report.process);
}

}  // namespace

Duration first_wait(const ProcessContext& context, Duration wait) {
  if (context.progress_interval <= Duration{} || !context.call->wants_progress()) return wait;
  return std::min(wait, context.progress_interval);
}

void wait_for_process(std::shared_ptr<const ProcessContext> context, std::uint64_t process,
                      sandbox::Until until, Deadline deadline, sandbox::Completion<ProcessReport> done) {
  std::make_shared<ProgressWait>(std::move(context), process, until, deadline, std::move(done))->next();
}

void report_progress(const ProcessContext& context, const ProcessReport& report) {
  if (!context.call->wants_progress()) return;
  const std::string line = last_output_line(report);
  context.call->progress(line.empty() ? "running for " + describe(report.duration) : line);
}

void answer_process(std::shared_ptr<const ProcessContext> context, ProcessReport report) {
  if (report.status == sandbox::ProcessStatus::signaled && report.signal == SIGKILL &&
      report.reason.empty() && context->handle.limit_reason)
    report.reason = context->handle.limit_reason(report.process);
  std::size_t bytes = 0;
  for (const sandbox::StreamReport& stream : report.streams) bytes += stream.head.size() + stream.tail.size();
  if (!context->request.selection.active() && bytes <= kInlineBytes)
    return reply_now(*context, report, std::nullopt);
  auto shared = std::make_shared<const ProcessReport>(std::move(report));
  mcp::ToolCall& call = *context->call;
  call.defer([context = std::move(context), shared] {
    if (!context->request.selection.active()) return reply_now(*context, *shared, std::nullopt);
    scan_retained(context, *shared, [context, shared](Result<Selected> selected) {
      if (!selected) return fail_process(*context, shared->process, selected.error());
      reply_now(*context, *shared, std::move(selected).value());
    });
  });
}

void fail_process(const ProcessContext& context, std::uint64_t process, const Error& error) {
  if (error.code != ErrorCode::not_found) {
    const bool seen = reply_if_wanted(context.handle, *context.call, runner_failure(context.handle, error));
    if (!seen && context.given_up) context.given_up(process);
    return;
  }
  reply_from(context.handle, *context.call,
             mcp::ToolResult::failure(
                 "There is no process " + process_name(process) + " in the sandbox " +
                 in_quotes(context.handle.record.name) +
                 ". Its output may have been dropped long after its end, or it belongs to another "
                 "sandbox; process_list shows what there is."));
}

}  // namespace rexec::tools
