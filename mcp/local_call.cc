#include "mcp/local_call.h"

#include <atomic>
#include <deque>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/log.h"
#include "base/thread_annotations.h"
#include "mcp/tool_call.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kMaxQueuedProgress = 64;  // the oldest are dropped

std::string next_local_id() {
  static std::atomic<std::uint64_t> next = 1;
  return "local-" + std::to_string(next++);
}

class LocalCall final : public CallHost {
 public:
  LocalCall(std::string principal, const Op& op, bool wants_progress)
      : principal_(std::move(principal)),
        op_{stop_.get_token(), op.deadline},
        wants_progress_(wants_progress) {}

  const std::string& principal() const override { return principal_; }
  const Op& op() const override { return op_; }
  bool finish(ToolResult result) override {
    const bool wanted = !stop_.stop_requested();
    settle(std::move(result));
    return wanted;
  }
  bool wants_progress() const override { return wants_progress_; }
  bool can_ask(std::string_view) const override { return false; }

  void fail_internally(std::string_view reason) override {
    log(LogLevel::error, "mcp", "local call: " + std::string(reason));
    settle(Error{ErrorCode::internal, "internal error in the tool; the log has the details"});
  }

  void progress(std::string_view message) override {
    MutexLock lock(mutex_);
    if (progress_.size() == kMaxQueuedProgress) progress_.pop_front();
    progress_.emplace_back(message);
    changed_.notify_all();
  }

  void ask(std::map<std::string, InputRequest>, Json) override {
    settle(ToolResult::failure("This needs an answer from the user, and there is nobody to ask."));
  }

  void hold(RequestRegistry::Ticket ticket) {
    MutexLock lock(mutex_);
    ticket_ = std::move(ticket);
  }

  void stop() { stop_.request_stop(); }

  Result<ToolResult> wait(const Op& op, const std::function<void(std::string_view)>& progress) {
    for (;;) {
      std::deque<std::string> messages;
      std::optional<Result<ToolResult>> result;
      bool woken = false;
      {
        MutexLock lock(mutex_);
        const auto ready = [this]() REXEC_REQUIRES(mutex_) { return result_ || !progress_.empty(); };
        woken = op.deadline.is_infinite() ? changed_.wait(lock, op.stop, ready)
                                          : changed_.wait_until(lock, op.stop, op.deadline.time(), ready);
        messages.swap(progress_);
        result.swap(result_);
      }
      for (const std::string& message : messages) progress(message);
      if (result) return *std::move(result);
      if (woken) continue;
      stop();
      return op.stop.stop_requested() ? Error{ErrorCode::cancelled, "the call was cancelled"}
                                      : Error{ErrorCode::deadline_exceeded, "the call took too long"};
    }
  }

 private:
  void settle(Result<ToolResult> result) {
    RequestRegistry::Ticket released;
    MutexLock lock(mutex_);
    result_ = std::move(result);
    released = std::move(ticket_);
    changed_.notify_all();
  }

  const std::string principal_;
  std::stop_source stop_;
  const Op op_;
  const bool wants_progress_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> progress_ REXEC_GUARDED_BY(mutex_);
  std::optional<Result<ToolResult>> result_ REXEC_GUARDED_BY(mutex_);
  RequestRegistry::Ticket ticket_ REXEC_GUARDED_BY(mutex_);
};

Error refusal_error(RequestRegistry::Refusal refusal) {
  if (refusal == RequestRegistry::Refusal::shutting_down) {
    return Error{ErrorCode::unavailable, "the server is ending"};
  }
  return Error{ErrorCode::resource_exhausted, "too many calls are under way; wait for some to finish"};
}

}  // namespace

Result<ToolResult> call_locally(const std::shared_ptr<ServerCore>& core, const ToolEntry& tool,
                                Json arguments, const std::string& principal, const Op& op,
                                const std::function<void(std::string_view)>& progress) {
  if (!arguments.is_object()) return Error{ErrorCode::invalid_argument, "arguments must be a JSON object"};
  auto prepared = prepare_arguments(tool, std::move(arguments));
  if (auto* failure = std::get_if<ToolResult>(&prepared)) return std::move(*failure);

  const auto call = std::make_shared<LocalCall>(principal, op, progress != nullptr);
  auto admitted = core->requests->admit(
      {RequestKind::call, nullptr, next_local_id(), principal, [call](EndReason) { call->stop(); }});
  if (const auto* refusal = std::get_if<RequestRegistry::Refusal>(&admitted)) return refusal_error(*refusal);
  call->hold(std::get<RequestRegistry::Ticket>(std::move(admitted)));
  const bool posted = core->pool.try_post([core, &tool, call, prepared = std::move(prepared)] {
    run_tool(tool, CallInput{std::get<0>(prepared), {}, nullptr}, call, core->pool);
  });
  if (!posted) {
    call->hold({});
    return Error{ErrorCode::resource_exhausted, "the queue of work is full; wait for other calls to finish"};
  }
  return call->wait(op, progress);
}

}  // namespace rexec::mcp
