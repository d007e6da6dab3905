// subscriptions/listen (MCP 2026-07-28): acknowledged first, then open until the client cancels it, its
// connection ends or the server does. What was asked for is accepted as far as the capability is declared;
// the tools of a process never change, so nothing is at present.
#include <array>
#include <optional>
#include <stop_token>
#include <utility>

#include "mcp/methods.h"
#include "mcp/request_stream.h"

namespace rexec::mcp {
namespace {

class Subscription {
 public:
  Subscription(std::shared_ptr<const ServerCore> core, Request request)
      : core_(std::move(core)),
        id_(std::move(request.id)),
        context_(std::move(request.context)),
        closed_(request.out->closed()),
        stream_(std::move(request.out)) {}

  void acknowledge(Json accepted) {
    stream_.send(make_notification("notifications/subscriptions/acknowledged",
                                   Json{{"notifications", std::move(accepted)}, {"_meta", meta()}}));
  }

  void hold(RequestRegistry::Ticket ticket) {
    ticket_ = std::move(ticket);
    on_close_.emplace(closed_, [registry = core_->requests, cookie = ticket_.cookie()] {
      registry->end(cookie, EndReason::connection_lost);
    });
  }

  void end(EndReason reason) {
    if (reason == EndReason::shutdown) {
      stream_.finish(make_answer(core_->options, context_, id_, Json{{"_meta", meta()}}), {});
    } else {
      stream_.abandon();
    }
  }

  void refuse(RpcError error) { stream_.finish(make_error(id_, error, false), {}); }

 private:
  Json meta() const { return Json{{kMetaSubscriptionId, id_}}; }

  const std::shared_ptr<const ServerCore> core_;
  const Json id_;
  const RequestContext context_;
  const std::stop_token closed_;
  RequestStream stream_;
  RequestRegistry::Ticket ticket_;
  std::optional<std::stop_callback<std::function<void()>>> on_close_;
};

std::optional<RpcError> check_params(const Json& params) {
  const Json* wanted = find(params, "notifications");
  if (!wanted || !wanted->is_object()) {
    return RpcError{kInvalidParams, "params.notifications is required and must be an object", nullptr};
  }
  for (const auto key : {"toolsListChanged", "promptsListChanged", "resourcesListChanged"}) {
    const Json* flag = find(*wanted, key);
    if (flag && !flag->is_boolean()) {
      return RpcError{kInvalidParams, "params.notifications." + std::string(key) + " must be a boolean",
                      nullptr};
    }
  }
  return std::nullopt;
}

RpcError refusal_error(RequestRegistry::Refusal refusal, std::size_t limit) {
  switch (refusal) {
    case RequestRegistry::Refusal::duplicate_id:
      return RpcError{kInvalidRequest, "a request with this id is under way", nullptr};
    case RequestRegistry::Refusal::limit:
      return RpcError{kUnavailable,
                      "too many open subscriptions (" + std::to_string(limit) + "); end one first", nullptr};
    case RequestRegistry::Refusal::shutting_down:
      break;
  }
  return RpcError{kUnavailable, "the server is ending", nullptr};
}

void listen(const std::shared_ptr<ServerCore>& core, Request request) {
  if (auto error = check_params(request.params)) return answer(*core, request, *std::move(error));
  RequestRegistry::Admission admission{RequestKind::subscription, request.session, dump_json(request.id),
                                       request.principal, nullptr};
  const auto subscription = std::make_shared<Subscription>(core, std::move(request));
  admission.end = [subscription](EndReason reason) { subscription->end(reason); };
  auto admitted = core->requests->admit(std::move(admission));
  if (const auto* refusal = std::get_if<RequestRegistry::Refusal>(&admitted)) {
    return subscription->refuse(refusal_error(*refusal, core->options.max_subscriptions));
  }
  subscription->acknowledge(Json::object());
  subscription->hold(std::get<RequestRegistry::Ticket>(std::move(admitted)));
}

}  // namespace

void add_subscription_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  table.add("subscriptions/listen", MethodTable::Eras::modern,
            [core](Request request) { listen(core, std::move(request)); });
}

}  // namespace rexec::mcp
