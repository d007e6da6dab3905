#include "mcp/server.h"

#include <exception>
#include <utility>

#include "base/log.h"
#include "mcp/local_call.h"
#include "mcp/methods.h"

namespace rexec::mcp {
namespace {

/// Where the elements of a batch are answered: collects, and sends one array when the last of them has let
/// go.
class BatchOutbound final : public Outbound {
 public:
  explicit BatchOutbound(std::shared_ptr<Outbound> out) : out_(std::move(out)) {}

  ~BatchOutbound() override {
    if (answers_.empty()) return;
    Message message;
    message.text.append("[").append(answers_).append("]");
    (void)out_->send(std::move(message)).ok();
  }

  Status send(Message message) override {
    if (message.kind == Message::Kind::notification || message.kind == Message::Kind::request) {
      return out_->send(std::move(message));
    }
    MutexLock lock(mutex_);
    if (!answers_.empty()) answers_ += ',';
    answers_ += message.text;
    return {};
  }

  std::stop_token closed() const override { return out_->closed(); }

 private:
  const std::shared_ptr<Outbound> out_;
  Mutex mutex_;
  std::string answers_ REXEC_GUARDED_BY(mutex_);
};

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, ToolSet tools, Features features, WorkerPool& pool)
      : core_(std::make_shared<ServerCore>(std::move(options), std::move(tools), std::move(features), pool)) {
    add_lifecycle_methods(methods_, core_);
    add_tool_methods(methods_, core_);
    if (core_->features.resources) add_resource_methods(methods_, core_);
    if (!core_->features.prompts.empty()) add_prompt_methods(methods_, core_);
    if (core_->features.completer) add_completion_methods(methods_, core_);
    add_subscription_methods(methods_, core_);
  }

  ~ServerImpl() override {
    core_->requests->shutdown();
    core_->timers.stop();
  }

  void receive(std::string text, std::shared_ptr<Outbound> out, const Peer& peer) override {
    const auto session = peer.session ? peer.session : make_session();
    try {
      auto parsed = parse_json(text, core_->options.max_depth);
      const std::size_t bytes = text.size();
      text = {};
      if (!parsed) {
        send_anonymous_error(*out, *session,
                             {kParseError, "Parse error: " + parsed.error().message, nullptr});
      } else if (parsed->is_array()) {
        receive_batch(*std::move(parsed), bytes, std::move(out), session, peer);
      } else {
        Incoming message = classify(*std::move(parsed));
        message.bytes = bytes;
        handle(std::move(message), out, out, session, peer);
      }
    } catch (const std::exception& exception) {
      log(LogLevel::error, "mcp", std::string("while receiving a message: ") + exception.what());
      if (out) send_anonymous_error(*out, *session, {kInternalError, "internal error", nullptr});
    }
  }

  void receive_oversized(std::shared_ptr<Outbound> out, const Peer& peer, std::size_t limit) override {
    const auto session = peer.session ? peer.session : make_session();
    send_anonymous_error(
        *out, *session,
        {kInvalidRequest, "the message is larger than " + std::to_string(limit) + " bytes and was discarded",
         nullptr});
  }

  std::size_t in_flight() const override { return core_->requests->calls(); }
  bool wait_idle(const Op& op) const override { return core_->requests->wait_idle(op); }
  void shutdown() override { core_->requests->shutdown(); }

  Json list_tools() const override {
    return core_->tools.list(0, core_->tools.size(), ProtocolVersion::v2026_07_28);
  }

  Result<ToolResult> call(std::string_view tool, Json arguments, const std::string& principal, const Op& op,
                          std::function<void(std::string_view)> progress) override {
    const ToolEntry* entry = core_->tools.find(tool);
    if (!entry) return Error{ErrorCode::not_found, core_->tools.unknown_tool(tool)};
    return call_locally(core_, *entry, std::move(arguments), principal, op, progress);
  }

 private:
  /// An error of a message whose id is not known.
  static void send_anonymous_error(Outbound& out, const Session& session, const RpcError& error) {
    (void)out.send(make_error(nullptr, error, session.omits_null_error_id())).ok();
  }

  // MCP 2025-03-26, base protocol, "Batching"; removed in 2025-06-18.
  void receive_batch(Json batch, std::size_t bytes, std::shared_ptr<Outbound> out,
                     const std::shared_ptr<Session>& session, const Peer& peer) {
    const auto refuse = [&](std::string reason) {
      send_anonymous_error(*out, *session, {kInvalidRequest, std::move(reason), nullptr});
    };
    const auto version = session->negotiated();
    if (!version || !allows_batches(*version))
      return refuse("batches are not part of the protocol version in use");
    if (batch.empty()) return refuse("the batch is empty");
    if (batch.size() > core_->options.max_batch) {
      return refuse("the batch has more than " + std::to_string(core_->options.max_batch) + " messages");
    }
    std::vector<Incoming> messages;
    for (Json& element : batch) {
      messages.push_back(classify(std::move(element)));
      Incoming& message = messages.back();
      message.bytes = bytes;
      if (message.kind == Incoming::Kind::invalid) return refuse("in the batch: " + message.error.message);
      if (message.method == "initialize") return refuse("initialize must not be part of a batch");
      if (has_envelope(message.params)) return refuse("a batch must not contain requests with an envelope");
    }
    const auto together = std::make_shared<BatchOutbound>(out);
    for (Incoming& message : messages) handle(std::move(message), together, out, session, peer);
  }

  /// `out` takes the answer; a batch waits until nobody holds it any more. `unbatched` is behind it.
  void handle(Incoming message, std::shared_ptr<Outbound> out, const std::shared_ptr<Outbound>& unbatched,
              const std::shared_ptr<Session>& session, const Peer& peer) {
    switch (message.kind) {
      case Incoming::Kind::request:
        return handle_request(std::move(message), std::move(out), unbatched, session, peer);
      case Incoming::Kind::notification:
        return handle_notification(message, *session);
      case Incoming::Kind::response:
        return session->resolve(std::move(message));
      case Incoming::Kind::invalid:
        if (message.id.is_null()) return send_anonymous_error(*out, *session, message.error);
        (void)out->send(make_error(message.id, message.error, false)).ok();
        return;
    }
  }

  void handle_request(Incoming message, std::shared_ptr<Outbound> out,
                      const std::shared_ptr<Outbound>& unbatched, const std::shared_ptr<Session>& session,
                      const Peer& peer) {
    const bool modern = has_envelope(message.params);
    if (modern) session->note_modern();
    auto context = modern ? read_envelope(message.params) : read_legacy_context(message.params, *session);
    Request request;
    request.id = std::move(message.id);
    request.method = std::move(message.method);
    request.params = std::move(message.params);
    request.principal = peer.principal;
    request.session = session;
    request.unsolicited = peer.unsolicited ? peer.unsolicited : unbatched;
    request.out = std::move(out);
    request.cancel_on_close = modern && peer.cancel_on_close;
    request.bytes = message.bytes;
    if (auto* error = std::get_if<RpcError>(&context)) return answer(*core_, request, std::move(*error));
    request.context = std::get<RequestContext>(std::move(context));
    const auto* handler = methods_.find(modern ? Era::modern : Era::legacy, request.method);
    if (!handler) return answer(*core_, request, RpcError{kMethodNotFound, "method not found", nullptr});
    if (core_->requests->shutting_down()) {
      return answer(*core_, request, RpcError{kUnavailable, "the server is ending", nullptr});
    }
    (*handler)(std::move(request));
  }

  void handle_notification(const Incoming& message, Session& session) {
    if (message.method == "notifications/cancelled") {
      const Json* id = find(message.params, "requestId");
      if (id && is_valid_id(*id)) core_->requests->cancel(&session, dump_json(*id));
    } else if (message.method == "notifications/initialized") {
      session.mark_initialised();
    }
  }

  const std::shared_ptr<ServerCore> core_;
  MethodTable methods_;
};

}  // namespace

Result<std::unique_ptr<Server>> make_server(ServerOptions options, std::vector<Tool> tools, WorkerPool& pool,
                                            Features features) {
  if (options.tools_page == 0 || options.list_page == 0)
    return Error{ErrorCode::invalid_argument, "tools_page and list_page must be at least 1"};
  ASSIGN_OR_RETURN(ToolSet set, ToolSet::make(std::move(tools)));
  return std::unique_ptr<Server>(
      std::make_unique<ServerImpl>(std::move(options), std::move(set), std::move(features), pool));
}

}  // namespace rexec::mcp
