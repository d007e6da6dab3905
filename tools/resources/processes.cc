#include "tools/resources/processes.h"

#include <stop_token>
#include <utility>

#include "tools/support/arguments.h"
#include "tools/support/process_result.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

// A wait of the runner has an end; this one is asked for again until there is something to tell.
constexpr Duration kWatchSlice = std::chrono::hours(1);

Error process_error(const sandbox::SandboxHandle& handle, std::uint64_t process, const Error& error) {
  if (error.code != ErrorCode::not_found) return resource_error(handle, error);
  return Error{ErrorCode::not_found, "there is no process " + process_name(process) + " in the sandbox " +
                                         in_quotes(handle.record.name) +
                                         ", or its output was dropped long after its end"};
}

sandbox::WaitSpec until(sandbox::Until what, Duration wait) {
  sandbox::WaitSpec spec;
  spec.until = what;
  spec.wait = wait;
  return spec;
}

class EndWatch : public std::enable_shared_from_this<EndWatch> {
 public:
  EndWatch(sandbox::SandboxHandle handle, std::uint64_t process, std::function<void()> changed)
      : handle_(std::move(handle)), process_(process), changed_(std::move(changed)) {}

  void next() {
    handle_.runner->wait(process_, until(sandbox::Until::exit, kWatchSlice), Op{stop_.get_token()},
                         [self = shared_from_this()](Result<sandbox::ProcessReport> report) {
                           if (self->stop_.stop_requested()) return;
                           if (report && report->status == sandbox::ProcessStatus::running)
                             return self->next();
                           self->changed_();
                         });
  }
  void stop() { stop_.request_stop(); }

 private:
  const sandbox::SandboxHandle handle_;
  const std::uint64_t process_;
  const std::function<void()> changed_;
  std::stop_source stop_;
};

class Interest final : public mcp::ResourceWatch {
 public:
  explicit Interest(std::shared_ptr<EndWatch> watch) : watch_(std::move(watch)) {}
  ~Interest() override { watch_->stop(); }

 private:
  const std::shared_ptr<EndWatch> watch_;
};

}  // namespace

void read_output_text(const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle,
                      std::uint64_t process, std::size_t max_chars, mcp::Reply<std::string> reply) {
  OutputRequest request;
  request.max_chars = max_chars;
  request.max_chars_cap = max_chars;
  request.sandbox = handle.record.name;
  const sandbox::WaitSpec spec = wait_spec(request, sandbox::Until::now, Duration{});
  handle.runner->wait(
      process, spec, inquiry.op(),
      [inquiry, handle, process, request, reply = std::move(reply)](Result<sandbox::ProcessReport> report) {
        if (!report) return reply(process_error(handle, process, report.error()));
        auto shared = std::make_shared<const sandbox::ProcessReport>(*std::move(report));
        inquiry.defer([handle, request, shared, reply] {
          mcp::ToolResult result = present_process(handle, *shared, request, std::nullopt, {});
          reply(result.content.empty() ? std::string() : std::move(result.content.front().text));
        });
      });
}

void watch_end(const mcp::Inquiry& inquiry, const sandbox::SandboxHandle& handle, std::uint64_t process,
               std::function<void()> changed, mcp::Reply<std::unique_ptr<mcp::ResourceWatch>> reply) {
  handle.runner->wait(process, until(sandbox::Until::now, Duration{}), inquiry.op(),
                      [handle, process, changed = std::move(changed),
                       reply = std::move(reply)](const Result<sandbox::ProcessReport>& report) {
                        if (!report) return reply(process_error(handle, process, report.error()));
                        const auto watch = std::make_shared<EndWatch>(handle, process, changed);
                        reply(std::unique_ptr<mcp::ResourceWatch>(std::make_unique<Interest>(watch)));
                        watch->next();
                      });
}

}  // namespace rexec::tools
