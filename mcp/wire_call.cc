#include "mcp/wire_call.h"

#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/log.h"
#include "mcp/input_round.h"
#include "mcp/request_stream.h"
#include "mcp/tool_json.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kPromptBytes = 64
                                     << 10;  // larger calls take long enough to parse and check for a worker

class WireCall final : public CallHost, public std::enable_shared_from_this<WireCall> {
 public:
  WireCall(std::shared_ptr<ServerCore> core, const ToolEntry& tool, Request request, CallStart start)
      : core_(std::move(core)),
        tool_(tool),
        stream_(std::make_shared<RequestStream>(request.out)),
        closed_(request.cancel_on_close ? request.out->closed() : std::stop_token()),
        request_(std::move(request)),
        start_(std::move(start)),
        round_(start_.round) {
    op_.stop = stop_.get_token();
    request_.unsolicited.reset();
    request_.out.reset();  // a batch ends when its Outbound is let go of, which is the stream's to decide
    request_.params = nullptr;
  }

  void start() {
    const std::weak_ptr<WireCall> weak = weak_from_this();
    RequestRegistry::Admission admission{RequestKind::call, request_.session, dump_json(request_.id),
                                         request_.principal, [weak](EndReason reason) {
                                           if (const auto self = weak.lock()) self->end(reason);
                                         }};
    auto admitted = core_->requests->admit(std::move(admission));
    if (const auto* refusal = std::get_if<RequestRegistry::Refusal>(&admitted)) return refuse(*refusal);
    ticket_ = std::get<RequestRegistry::Ticket>(std::move(admitted));
    const auto cookie = ticket_.cookie();
    const bool here = tool_.handler.prompt && request_.bytes <= kPromptBytes;
    if (!here && !core_->pool.try_post([self = shared_from_this()] { self->first_round(); })) {
      return answer(busy("its queue of work is full"));
    }
    on_close_.emplace(
        closed_, [registry = core_->requests, cookie] { registry->end(cookie, EndReason::connection_lost); });
    if (here) first_round();
  }

  const std::string& principal() const override { return request_.principal; }
  const Op& op() const override { return op_; }

  bool finish(ToolResult result) override {
    return stream_->finish(make_answer(core_->options, request_.context, request_.id,
                                       to_json(std::move(result), request_.context.version)),
                           std::move(ticket_));
  }

  void fail_internally(std::string_view reason) override {
    const std::string id = dump_json(request_.id);
    log(LogLevel::error, "mcp", "request " + id + ", tool " + tool_.name + ": " + std::string(reason));
    const std::string text =
        "internal error in tool \"" + tool_.name + "\"; the server's log has the details";
    if (request_.context.log_level && *request_.context.log_level <= ClientLogLevel::error) {
      stream_->send(
          make_notification("notifications/message",
                            Json{{"level", "error"}, {"logger", core_->options.name}, {"data", text}}));
    }
    fail(RpcError{kInternalError, text, nullptr});
  }

  bool wants_progress() const override { return !request_.context.progress_token.is_null(); }

  void progress(std::string_view message) override {
    if (!has_progress_message(request_.context.version)) message = {};
    stream_->send_progress(request_.context.progress_token, message);
  }

  bool can_ask(std::string_view mode) const override {
    const ProtocolVersion version = request_.context.version;
    return has_elicitation(version) && (mode == "form" || has_elicitation_modes(version)) &&
           can_elicit(*request_.context.client_capabilities, mode);
  }

  void ask(std::map<std::string, InputRequest> requests, Json state) override {
    if (round_ >= core_->options.max_input_rounds) {
      return answer(ToolResult::failure("The tool gave up: it has asked the user as often as one call may (" +
                                        std::to_string(core_->options.max_input_rounds) + ")."));
    }
    const Json& declared = *request_.context.client_capabilities;
    const Json missing =
        missing_capabilities(requests, has_elicitation(request_.context.version) ? declared : Json::object());
    if (request_.context.modern()) {
      ask_modern(std::move(requests), std::move(state), missing);
    } else if (!missing.empty()) {
      answer(
          ToolResult::failure("This needs an answer from the user, and the client cannot ask: it did not "
                              "declare the capability " +
                              dump_json(missing) + "."));
    } else {
      ask_legacy(std::move(requests), std::move(state));
    }
  }

 private:
  static ToolResult busy(const std::string& why) {
    return ToolResult::failure("The server is busy: " + why +
                               ". Nothing was done. Wait for other calls to finish, then try again.");
  }

  // Nothing has been started when this is used, so an answer that nobody sees leaves nothing behind.
  void answer(ToolResult result) { (void)finish(std::move(result)); }
  void fail(RpcError error) { stream_->finish(make_error(request_.id, error, false), std::move(ticket_)); }

  void refuse(RequestRegistry::Refusal refusal) {
    switch (refusal) {
      case RequestRegistry::Refusal::duplicate_id:
        return fail(RpcError{kInvalidRequest, "a request with this id is under way", nullptr});
      case RequestRegistry::Refusal::limit:
        return answer(busy("as many calls are under way as it allows (" +
                           std::to_string(core_->options.max_in_flight) + ")"));
      case RequestRegistry::Refusal::shutting_down:
        return fail(RpcError{kUnavailable, "the server is ending", nullptr});
    }
  }

  void end(EndReason reason) {
    if (reason == EndReason::shutdown) {
      stream_->finish(
          make_error(request_.id, {kUnavailable, "the server is ending; the call was stopped", {}}, false),
          {});
    }
    stream_->abandon();
    stop_.request_stop();
  }

  void first_round() {
    // A modern call may still have to bind its state to what was sent.
    const bool modern = request_.context.modern();
    auto prepared = prepare_arguments(tool_, modern ? start_.arguments : std::move(start_.arguments));
    if (auto* failure = std::get_if<ToolResult>(&prepared)) return answer(std::move(*failure));
    arguments_ = std::get<std::shared_ptr<const Json>>(std::move(prepared));
    run_tool(tool_, CallInput{arguments_, std::move(start_.responses), std::move(start_.state)},
             shared_from_this(), core_->pool);
  }

  void ask_modern(std::map<std::string, InputRequest> requests, Json state, const Json& missing) {
    if (!missing.empty()) {
      return fail(RpcError{kMissingClientCapability, "the call needs an answer from the user",
                           Json{{"requiredCapabilities", missing}}});
    }
    RequestState signed_state{round_ + 1, {}, std::move(state)};
    for (const auto& [key, request] : requests) signed_state.keys.push_back(key);
    const auto encoded = core_->states.encode(
        StateBinding{request_.principal, request_.method, tool_.name, start_.arguments}, signed_state);
    if (!encoded) return fail_internally(encoded.error().message);
    Json result{{"resultType", "input_required"},
                {"inputRequests", to_json(std::move(requests))},
                {"requestState", *encoded}};
    stream_->finish(make_answer(core_->options, request_.context, request_.id, std::move(result)),
                    std::move(ticket_));
  }

  void ask_legacy(std::map<std::string, InputRequest> requests, Json state) {
    auto out = stream_->outbound();
    if (!out) return answer(ToolResult::failure("The call was cancelled."));
    ++round_;
    auto next = [self = shared_from_this(), state = std::move(state)](InputOutcome outcome) {
      self->core_->pool.post(
          [self, state, outcome = std::move(outcome)] { self->next_round(outcome, state); });
    };
    ask_client(InputRoundOptions{request_.session, std::move(out), request_.context.version,
                                 core_->options.input_deadline, stop_.get_token()},
               std::move(requests), core_->timers, std::move(next));
  }

  void next_round(const InputOutcome& outcome, const Json& state) {
    if (const auto* problem = std::get_if<std::string>(&outcome)) {
      return answer(ToolResult::failure("The user's answer is missing: " + *problem + "."));
    }
    run_tool(tool_, CallInput{arguments_, std::get<0>(outcome), state}, shared_from_this(), core_->pool);
  }

  const std::shared_ptr<ServerCore> core_;
  const ToolEntry& tool_;  // of core_
  const std::shared_ptr<RequestStream> stream_;
  const std::stop_token closed_;
  Request request_;
  CallStart start_;
  std::size_t round_;
  // Written before the first round or within one; rounds never overlap.
  RequestRegistry::Ticket ticket_;
  std::shared_ptr<const Json> arguments_;
  std::stop_source stop_;
  Op op_;
  std::optional<std::stop_callback<std::function<void()>>> on_close_;
};

}  // namespace

void start_wire_call(std::shared_ptr<ServerCore> core, const ToolEntry& tool, Request request,
                     CallStart start) {
  std::make_shared<WireCall>(std::move(core), tool, std::move(request), std::move(start))->start();
}

}  // namespace rexec::mcp
