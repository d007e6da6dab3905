#include "mcp/tool_call.h"

#include <atomic>
#include <cassert>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/utf8.h"
#include "mcp/schema.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kMaxProgressChars = 200;

class Call final : public ToolCall, public std::enable_shared_from_this<Call> {
 public:
  Call(const ToolEntry& tool, CallInput input, std::shared_ptr<CallHost> host, WorkerPool& pool)
      : tool_(tool), input_(std::move(input)), host_(std::move(host)), pool_(pool) {}

  ~Call() override {
    if (take_turn()) host_->fail_internally("the handler dropped the call without an answer");
  }

  const std::string& tool() const override { return tool_.name; }
  const Json& arguments() const override { return *input_.arguments; }
  const std::string& principal() const override { return host_->principal(); }
  const Op& op() const override { return host_->op(); }

  bool reply(ToolResult result) override {
    if (!take_only_turn()) return false;
    if (const auto problem = output_problem(result); !problem.empty()) {
      host_->fail_internally(problem);
      return true;
    }
    return host_->finish(std::move(result));
  }

  void reject(const std::vector<Violation>& violations) override {
    if (!take_only_turn()) return;
    (void)host_->finish(ToolResult::failure(describe_violations(tool_.name, violations)));
  }

  bool wants_progress() const override { return host_->wants_progress(); }

  void progress(std::string_view message) override {
    if (answered_ || !host_->wants_progress()) return;
    const std::string valid = to_valid_utf8(message);
    host_->progress(utf8_prefix(valid, kMaxProgressChars));
  }

  void defer(std::function<void()> next) override {
    pool_.post([self = shared_from_this(), next = std::move(next)] { self->guard(next); });
  }

  void ask(std::map<std::string, InputRequest> requests, Json state) override {
    if (!take_only_turn()) return;
    if (requests.empty()) {
      host_->fail_internally("the handler asked nothing");
    } else {
      host_->ask(std::move(requests), std::move(state));
    }
  }

  bool can_ask(std::string_view mode) const override { return host_->can_ask(mode); }
  const std::map<std::string, Json>& input_responses() const override { return input_.responses; }
  const Json& request_state() const override { return input_.state; }

  /// Runs code of the handler: the one place that catches what it throws.
  void guard(const std::function<void()>& code) {
    std::string reason;
    try {
      code();
      return;
    } catch (const std::exception& exception) {
      reason = std::string("the handler threw: ") + exception.what();
    } catch (...) {
      reason = "the handler threw something that is no exception";
    }
    failed_ = true;
    if (take_turn()) {
      host_->fail_internally(reason);
    } else {
      log(LogLevel::error, "mcp", "tool " + tool_.name + ": after its answer, " + reason);
    }
  }

 private:
  bool take_turn() { return !answered_.exchange(true); }

  bool take_only_turn() {
    if (take_turn()) return true;
    // An answer that arrives after its handler has thrown is late, not a second one.
    assert(failed_ && "a tool call was answered twice");
    if (!failed_) log(LogLevel::error, "mcp", "tool " + tool_.name + " answered a call twice");
    return false;
  }

  std::string output_problem(const ToolResult& result) const {
    if (!tool_.output || result.is_error) return {};
    if (!result.structured) return "the result lacks the structured content that the tool declares";
    const auto violations = tool_.output->validate(*result.structured);
    if (violations.empty()) return {};
    return "the structured content violates the tool's output schema: " + violations.front().pointer + ": " +
           violations.front().message;
  }

  const ToolEntry& tool_;
  const CallInput input_;
  const std::shared_ptr<CallHost> host_;
  WorkerPool& pool_;
  std::atomic<bool> answered_ = false;
  std::atomic<bool> failed_ = false;
};

}  // namespace

void run_tool(const ToolEntry& tool, CallInput input, std::shared_ptr<CallHost> host, WorkerPool& pool) {
  const auto call = std::make_shared<Call>(tool, std::move(input), std::move(host), pool);
  call->guard([&] { tool.handler.run(call); });
}

std::variant<std::shared_ptr<const Json>, ToolResult> prepare_arguments(const ToolEntry& tool,
                                                                        Json arguments) {
  Json normalised = tool.input->normalise(std::move(arguments));
  const auto violations = tool.input->validate(normalised);
  if (!violations.empty()) return ToolResult::failure(describe_violations(tool.name, violations));
  return std::make_shared<const Json>(std::move(normalised));
}

}  // namespace rexec::mcp
