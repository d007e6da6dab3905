#include "tests/sessions/fake_tools.h"

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <utility>

namespace rexec::test {
namespace {

using mcp::ToolCall;
using mcp::ToolResult;

constexpr std::string_view kEcho = R"({
  "name": "echo", "title": "Echo", "description": "Answers its text.",
  "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}, "times": {"type": "integer", "minimum": 1}},
                  "required": ["text"], "additionalProperties": false},
  "annotations": {"readOnlyHint": true}})";

constexpr std::string_view kStructured = R"({
  "name": "structured", "title": "Structured", "description": "Answers structured content.",
  "inputSchema": {"type": "object", "properties": {"fault": {"type": "string", "enum": ["none", "broken", "wrong"]}},
                  "additionalProperties": false},
  "outputSchema": {"type": "object", "properties": {"value": {"type": "integer"}}, "required": ["value"]}})";

constexpr std::string_view kProgress = R"({
  "name": "progress", "description": "Reports steps.",
  "inputSchema": {"type": "object", "properties": {"steps": {"type": "integer"}, "text": {"type": "string"}},
                  "additionalProperties": false}})";

constexpr std::string_view kAsk = R"({
  "name": "ask", "description": "Asks for a name.",
  "inputSchema": {"type": "object", "properties": {"rounds": {"type": "integer"}, "mode": {"type": "string"},
                  "both": {"type": "boolean"}}, "additionalProperties": false}})";

constexpr std::string_view kWait =
    R"({"name": "wait", "description": "Waits.", "inputSchema": {"type": "object", "properties": {}}})";
constexpr std::string_view kBlock =
    R"({"name": "block", "description": "Blocks.", "inputSchema": {"type": "object", "properties": {}}})";
constexpr std::string_view kFail =
    R"({"name": "fail", "description": "Fails.", "inputSchema": {"type": "object", "properties": {}}})";
constexpr std::string_view kThrow =
    R"({"name": "throw", "description": "Throws.", "inputSchema": {"type": "object", "properties": {}}})";
constexpr std::string_view kDrop =
    R"({"name": "drop", "description": "Drops.", "inputSchema": {"type": "object", "properties": {}}})";
constexpr std::string_view kImage =
    R"({"name": "image", "description": "An image.", "inputSchema": {"type": "object", "properties": {}}})";

void echo(const std::shared_ptr<ToolCall>& call) {
  std::string text;
  for (std::int64_t i = find_integer(call->arguments(), "times").value_or(1); i > 0; --i) {
    text += find_string(call->arguments(), "text").value_or("");
  }
  call->reply(ToolResult::text(std::move(text)));
}

void progress(const std::shared_ptr<ToolCall>& call) {
  const std::string text = find_string(call->arguments(), "text").value_or("step");
  const auto steps = find_integer(call->arguments(), "steps").value_or(2);
  for (std::int64_t i = 1; i <= steps; ++i) call->progress(text);
  call->reply(ToolResult::text(call->wants_progress() ? "reported" : "not asked to report"));
  call->progress("too late");
}

void structured(const std::shared_ptr<ToolCall>& call) {
  const std::string fault = find_string(call->arguments(), "fault").value_or("none");
  ToolResult result = ToolResult::text("value 42");
  if (fault == "none") result.structured = Json{{"value", 42}};
  if (fault == "wrong") result.structured = Json{{"value", "many"}};
  call->reply(std::move(result));
}

mcp::InputRequest question(const std::string& mode) {
  mcp::InputRequest request;
  request.method = "elicitation/create";
  if (mode == "url") {
    request.params = Json{{"mode", "url"}, {"message", "Look"}, {"url", "https://example.com/"}};
  } else {
    request.params = Json{
        {"message", "Your name?"},
        {"requestedSchema",
         {{"type", "object"}, {"properties", {{"name", {{"type", "string"}}}}}, {"required", {"name"}}}}};
  }
  return request;
}

void ask(const std::shared_ptr<ToolCall>& call) {
  const auto rounds = find_integer(call->arguments(), "rounds").value_or(1);
  const std::string mode = find_string(call->arguments(), "mode").value_or("form");
  const std::int64_t asked = find_integer(call->request_state(), "asked").value_or(0);
  const auto& responses = call->input_responses();
  if (asked < rounds || !responses.contains("name")) {
    std::map<std::string, mcp::InputRequest> requests{{"name", question(mode)}};
    if (find_bool(call->arguments(), "both").value_or(false)) requests.emplace("second", question(mode));
    return call->ask(std::move(requests), Json{{"asked", asked + 1}});
  }
  std::string text;
  for (const auto& [key, response] : responses) text += key + "=" + dump_json(response) + " ";
  call->reply(ToolResult::text(text + "asked=" + std::to_string(asked)));
}

}  // namespace

struct FakeTools::Waiting {
  std::shared_ptr<ToolCall> call;
  std::atomic<bool> answered = false;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;

  bool answer(const std::string& text) {
    if (answered.exchange(true)) return false;
    call->reply(ToolResult::text(text));
    return true;
  }
};

FakeTools::FakeTools() = default;
FakeTools::~FakeTools() {
  release();
}

std::vector<mcp::Tool> FakeTools::tools() {
  using Call = std::shared_ptr<ToolCall>;
  const auto recorded = [this](std::function<void(const Call&)> handler) {
    return [this, handler = std::move(handler)](const Call& call) {
      record(call->tool(), "started");
      handler(call);
    };
  };
  return {
      {kEcho, recorded(echo)},
      {kProgress, recorded(progress)},
      {kStructured, recorded(structured)},
      {kAsk, recorded(ask)},
      {kWait, [this](const Call& call) { wait(call); }},
      {kBlock, [this](const Call& call) { block(call); }},
      {kFail, recorded([](const Call& call) { call->reply(ToolResult::failure("It did not work.")); })},
      {kThrow, recorded([](const Call&) { throw std::runtime_error("a detail that stays inside"); })},
      {kDrop, recorded([](const Call&) {})},
      {kImage, recorded([](const Call& call) {
         ToolResult result;
         result.content.push_back(mcp::Content::from_image(std::string("\x89PNG"), "image/png"));
         call->reply(std::move(result));
       })},
  };
}

int FakeTools::count(const std::string& tool, const std::string& event) const {
  MutexLock lock(mutex_);
  const auto found = counts_.find(tool + " " + event);
  return found == counts_.end() ? 0 : found->second;
}

void FakeTools::record(const std::string& tool, const std::string& event) {
  MutexLock lock(mutex_);
  ++counts_[tool + " " + event];
}

void FakeTools::wait(const std::shared_ptr<ToolCall>& call) {
  const auto waiting = std::make_shared<Waiting>();
  waiting->call = call;
  {
    MutexLock lock(mutex_);
    waiting_.push_back(waiting);
  }
  const std::weak_ptr<Waiting> weak = waiting;
  waiting->on_stop.emplace(call->op().stop, [this, weak] {
    const auto self = weak.lock();
    if (self && self->answer("stopped")) record("wait", "stopped");
  });
  record("wait", "started");
}

void FakeTools::block(const std::shared_ptr<ToolCall>& call) {
  {
    MutexLock lock(mutex_);
    ++counts_["block started"];
    const int seen = releases_;
    const bool released =
        changed_.wait(lock, call->op().stop, [&]() REXEC_REQUIRES(mutex_) { return releases_ != seen; });
    ++counts_[released ? "block released" : "block stopped"];
  }
  call->reply(ToolResult::text("unblocked"));
}

void FakeTools::release() {
  std::list<std::shared_ptr<Waiting>> waiting;
  {
    MutexLock lock(mutex_);
    ++releases_;
    waiting.swap(waiting_);
    changed_.notify_all();
  }
  for (const auto& one : waiting) {
    if (one->answer("released")) record("wait", "released");
  }
}

}  // namespace rexec::test
