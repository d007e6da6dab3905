#include "tools/support/masked_call.h"

#include <utility>

namespace rexec::tools {
namespace {

void mask_json(const Masker& masker, Json& value) {
  if (value.is_string()) {
    masker.mask(value.get_ref<std::string&>());
  } else if (value.is_array()) {
    for (Json& element : value) mask_json(masker, element);
  } else if (value.is_object()) {
    Json masked = Json::object();
    for (auto& [name, member] : value.items()) {
      std::string key = name;
      masker.mask(key);
      mask_json(masker, member);
      masked[key] = std::move(member);
    }
    value = std::move(masked);
  }
}

class MaskedCall final : public mcp::ToolCall {
 public:
  MaskedCall(const Secrets& secrets, std::shared_ptr<mcp::ToolCall> call)
      : secrets_(secrets), call_(std::move(call)) {}

  const std::string& tool() const override { return call_->tool(); }
  const Json& arguments() const override { return call_->arguments(); }
  const std::string& principal() const override { return call_->principal(); }
  const Op& op() const override { return call_->op(); }

  bool reply(mcp::ToolResult result) override {
    if (const auto loaded = secrets_.loaded()) {
      for (mcp::Content& content : result.content) loaded->masker.mask(content.text);
      if (result.structured) mask_json(loaded->masker, *result.structured);
    }
    return call_->reply(std::move(result));
  }

  void reject(const std::vector<mcp::Violation>& violations) override {
    std::vector<mcp::Violation> masked = violations;
    for (mcp::Violation& violation : masked) {
      hide_secrets(&secrets_, violation.pointer);
      hide_secrets(&secrets_, violation.message);
    }
    call_->reject(masked);
  }

  bool wants_progress() const override { return call_->wants_progress(); }
  void progress(std::string_view message) override {
    std::string masked(message);
    hide_secrets(&secrets_, masked);
    call_->progress(masked);
  }

  void defer(std::function<void()> next) override { call_->defer(std::move(next)); }

  void ask(std::map<std::string, mcp::InputRequest> requests, Json state) override {
    if (const auto loaded = secrets_.loaded()) {
      for (auto& [key, request] : requests) mask_json(loaded->masker, request.params);
    }
    call_->ask(std::move(requests), std::move(state));
  }
  bool can_ask(std::string_view mode) const override { return call_->can_ask(mode); }
  const std::map<std::string, Json>& input_responses() const override { return call_->input_responses(); }
  const Json& request_state() const override { return call_->request_state(); }

 private:
  const Secrets& secrets_;
  const std::shared_ptr<mcp::ToolCall> call_;
};

}  // namespace

std::vector<mcp::Tool> with_masked_answers(Secrets* secrets, std::vector<mcp::Tool> tools) {
  if (secrets == nullptr) return tools;
  for (mcp::Tool& tool : tools) {
    tool.handler.run = [secrets, run = std::move(tool.handler.run)](std::shared_ptr<mcp::ToolCall> call) {
      run(std::make_shared<MaskedCall>(*secrets, std::move(call)));
    };
  }
  return tools;
}

}  // namespace rexec::tools
