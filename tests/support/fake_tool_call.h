// Calls of tools without a server: the real table, schemas and validation, and an answer to look at.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "mcp/schema.h"
#include "mcp/tool.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_sandbox.h"
#include "tools/services.h"
#include "tools/support/masking_manager.h"

namespace rexec::test {

/// What deferred runs on the thread that waits for the answer, so a test needs no other thread.
class FakeToolCall final : public mcp::ToolCall {
 public:
  FakeToolCall(std::string tool, Json arguments) : tool_(std::move(tool)), arguments_(std::move(arguments)) {
    op_.stop = stop_.get_token();
  }

  bool progress_wanted = false;
  bool given_up = false;  // reply() says that nobody sees the answer

  void cancel() { stop_.request_stop(); }
  /// Runs what was deferred until the call is answered; nothing when that does not happen in time.
  std::optional<mcp::ToolResult> wait_result() {
    test::eventually([this] {
      while (auto task = next_task()) task();
      return answered();
    });
    const MutexLock lock(mutex_);
    return result_;
  }
  bool answered() const {
    const MutexLock lock(mutex_);
    return result_.has_value();
  }
  std::size_t answers() const {
    const MutexLock lock(mutex_);
    return answers_;
  }
  std::size_t deferred() const {
    const MutexLock lock(mutex_);
    return deferred_;
  }
  std::vector<std::string> messages() const {
    const MutexLock lock(mutex_);
    return messages_;
  }

  const std::string& tool() const override { return tool_; }
  const Json& arguments() const override { return arguments_; }
  const std::string& principal() const override { return principal_; }
  const Op& op() const override { return op_; }
  bool reply(mcp::ToolResult result) override {
    const MutexLock lock(mutex_);
    ++answers_;
    result_ = std::move(result);
    return !given_up;
  }
  void reject(const std::vector<mcp::Violation>& violations) override {
    (void)reply(mcp::ToolResult::failure(mcp::describe_violations(tool_, violations)));
  }
  bool wants_progress() const override { return progress_wanted; }
  void progress(std::string_view message) override {
    const MutexLock lock(mutex_);
    messages_.emplace_back(message);
  }
  void defer(std::function<void()> next) override {
    const MutexLock lock(mutex_);
    ++deferred_;
    tasks_.push_back(std::move(next));
  }
  void ask(std::map<std::string, mcp::InputRequest>, Json) override {
    reply(mcp::ToolResult::failure("asked"));
  }
  bool can_ask(std::string_view) const override { return false; }
  const std::map<std::string, Json>& input_responses() const override { return responses_; }
  const Json& request_state() const override { return state_; }

 private:
  std::function<void()> next_task() {
    const MutexLock lock(mutex_);
    if (tasks_.empty()) return nullptr;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  const std::string tool_;
  const Json arguments_;
  const std::string principal_ = "local";
  std::stop_source stop_;
  Op op_;
  const std::map<std::string, Json> responses_;
  const Json state_;
  mutable Mutex mutex_;
  std::deque<std::function<void()>> tasks_ REXEC_GUARDED_BY(mutex_);
  std::optional<mcp::ToolResult> result_ REXEC_GUARDED_BY(mutex_);
  std::size_t answers_ REXEC_GUARDED_BY(mutex_) = 0;
  std::size_t deferred_ REXEC_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> messages_ REXEC_GUARDED_BY(mutex_);
};

/// All tools over fake sandboxes.
class ToolBench {
 public:
  FakeSandboxManager manager;
  tools::ToolLimits limits;
  std::vector<tools::Template> templates;
  tools::RecordingOptions recording;

  /// From here on the tools know these secrets, as a server does that has them configured.
  void configure(std::vector<tools::SecretSource> sources) {
    secrets_ = std::make_unique<tools::Secrets>(std::move(sources));
    masking_ = tools::make_masking_manager(manager, *secrets_);
  }
  tools::Services services() {
    tools::Services services{masking_ ? *masking_ : manager, limits};
    services.secrets = secrets_.get();
    services.terminals = terminals_;
    services.recording = recording;
    services.templates = std::make_shared<const std::vector<tools::Template>>(templates);
    return services;
  }

  FakeRunner& runner(const std::string& name = "default") { return manager.runner(name); }

  /// A call whose handler has run; its arguments are normalised and validated as a server does it.
  std::shared_ptr<FakeToolCall> begin(const std::string& name, Json arguments, bool progress = false,
                                      bool given_up = false) {
    for (const mcp::Tool& tool : tools::make_tools(services())) {
      const Json file = parse_json(tool.schema).value();
      if (file.at("name") != name) continue;
      const auto schema = mcp::compile_schema(file.at("inputSchema")).value();
      auto call = std::make_shared<FakeToolCall>(name, schema->normalise(std::move(arguments)));
      call->progress_wanted = progress;
      call->given_up = given_up;
      const auto violations = schema->validate(call->arguments());
      if (violations.empty()) {
        tool.handler.run(call);
      } else {
        call->reject(violations);
      }
      return call;
    }
    return nullptr;
  }
  /// The answer; a failure that says so when there was none.
  mcp::ToolResult run(const std::string& name, Json arguments) {
    const auto call = begin(name, std::move(arguments));
    if (!call) return mcp::ToolResult::failure("no such tool");
    return call->wait_result().value_or(mcp::ToolResult::failure("the call was not answered"));
  }

 private:
  const std::shared_ptr<tools::TerminalViews> terminals_ = tools::make_terminal_views();
  std::unique_ptr<tools::Secrets> secrets_;
  std::unique_ptr<sandbox::SandboxManager> masking_;
};

inline std::string text_of(const mcp::ToolResult& result) {
  return result.content.empty() ? "" : result.content.front().text;
}

}  // namespace rexec::test
