// subscriptions/listen (MCP 2026-07-28): acknowledged first, then open until the client cancels it, its
// connection ends or the server does. What was asked for is accepted as far as the capability is declared and
// the resource can be watched; no list of this server announces its changes.
#include <algorithm>
#include <atomic>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "mcp/methods.h"
#include "mcp/request_stream.h"
#include "mcp/resource_watches.h"
#include "mcp/uri_template.h"

namespace rexec::mcp {
namespace {

class Subscription : public std::enable_shared_from_this<Subscription> {
 public:
  Subscription(std::shared_ptr<ServerCore> core, Request request)
      : core_(std::move(core)),
        id_(std::move(request.id)),
        context_(std::move(request.context)),
        closed_(request.out->closed()),
        stream_(std::move(request.out)),
        inquiry_(std::move(request.principal), Op{stop_.get_token()}, core_->pool) {}

  /// Once, before admission: an end may come as soon as it is admitted.
  void prepare(std::vector<std::string> uris) {
    if (uris.empty() || !core_->features.resources) return;
    uris_ = std::move(uris);
    accepted_ = std::vector<std::atomic<bool>>(uris_.size());
    pending_ = uris_.size();
    const std::weak_ptr<Subscription> weak = weak_from_this();
    watches_ = std::make_shared<ResourceWatches>(
        core_->features.resources, std::shared_ptr<TimerQueue>(core_, &core_->timers),
        ResourceWatches::Limits{core_->options.max_watched, core_->options.update_interval},
        [weak](const std::string& uri) {
          if (const auto self = weak.lock()) self->update(uri);
        });
  }

  /// Acknowledges, when it is known which resources can be watched.
  void begin(RequestRegistry::Ticket ticket) {
    if (watches_) {
      core_->pool.post([self = shared_from_this()] { self->watch(); });
    } else {
      acknowledge(Json::object());
    }
    hold(std::move(ticket));
  }

  void end(EndReason reason) {
    if (reason == EndReason::shutdown) {
      stream_.finish(make_answer(core_->options, context_, id_, Json{{"_meta", meta()}}), {});
    } else {
      stream_.abandon();
    }
    stop_.request_stop();
    if (watches_) watches_->close();
  }

  void refuse(RpcError error) { stream_.finish(make_error(id_, error, false), {}); }

 private:
  Json meta() const { return Json{{kMetaSubscriptionId, id_}}; }

  void hold(RequestRegistry::Ticket ticket) {
    ticket_ = std::move(ticket);
    on_close_.emplace(closed_, [registry = core_->requests, cookie = ticket_.cookie()] {
      registry->end(cookie, EndReason::connection_lost);
    });
  }

  void watch() {
    for (std::size_t i = 0; i < uris_.size(); ++i) {
      watches_->add(inquiry_, uris_[i], [self = shared_from_this(), i](Result<void> added) {
        self->accepted_[i] = added.ok();
        if (--self->pending_ == 0) self->all_known();
      });
    }
  }

  void all_known() {
    Json watched = Json::array();
    for (std::size_t i = 0; i < uris_.size(); ++i) {
      if (accepted_[i]) watched.push_back(uris_[i]);
    }
    Json accepted = Json::object();
    if (!watched.empty()) accepted["resourceSubscriptions"] = std::move(watched);
    acknowledge(std::move(accepted));
    watches_->open();
  }

  void acknowledge(Json accepted) {
    stream_.send(make_notification("notifications/subscriptions/acknowledged",
                                   Json{{"notifications", std::move(accepted)}, {"_meta", meta()}}));
  }

  void update(const std::string& uri) {
    stream_.send(make_notification("notifications/resources/updated", Json{{"uri", uri}, {"_meta", meta()}}));
  }

  const std::shared_ptr<ServerCore> core_;
  const Json id_;
  const RequestContext context_;
  const std::stop_token closed_;
  RequestStream stream_;
  std::stop_source stop_;
  const Inquiry inquiry_;
  // Written by prepare().
  std::vector<std::string> uris_;
  std::shared_ptr<ResourceWatches> watches_;  // null: nothing is watched
  std::vector<std::atomic<bool>> accepted_;   // by index of uris_
  std::atomic<std::size_t> pending_ = 0;
  RequestRegistry::Ticket ticket_;
  std::optional<std::stop_callback<std::function<void()>>> on_close_;
};

/// The resources to be watched, each once.
RpcResult<std::vector<std::string>> read_params(const Json& params, std::size_t max_watched) {
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
  std::vector<std::string> uris;
  const Json* given = find(*wanted, "resourceSubscriptions");
  if (!given) return uris;
  const RpcError malformed{kInvalidParams,
                           "params.notifications.resourceSubscriptions must be an array of URIs", nullptr};
  if (!given->is_array()) return malformed;
  for (const Json& uri : *given) {
    if (!uri.is_string() || !is_uri(uri.get_ref<const std::string&>())) return malformed;
    const auto& text = uri.get_ref<const std::string&>();
    if (std::find(uris.begin(), uris.end(), text) == uris.end()) uris.push_back(text);
    if (uris.size() > max_watched) {
      return RpcError{kInvalidParams,
                      "params.notifications.resourceSubscriptions has more than " +
                          std::to_string(max_watched) + " URIs; that many can be watched at once",
                      nullptr};
    }
  }
  return uris;
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
  auto uris = read_params(request.params, core->options.max_watched);
  if (const auto* error = std::get_if<RpcError>(&uris)) return answer(*core, request, *error);
  RequestRegistry::Admission admission{RequestKind::subscription, request.session, dump_json(request.id),
                                       request.principal, nullptr};
  const auto subscription = std::make_shared<Subscription>(core, std::move(request));
  subscription->prepare(std::get<std::vector<std::string>>(std::move(uris)));
  admission.end = [subscription](EndReason reason) { subscription->end(reason); };
  auto admitted = core->requests->admit(std::move(admission));
  if (const auto* refusal = std::get_if<RequestRegistry::Refusal>(&admitted)) {
    return subscription->refuse(refusal_error(*refusal, core->options.max_subscriptions));
  }
  subscription->begin(std::get<RequestRegistry::Ticket>(std::move(admitted)));
}

}  // namespace

void add_subscription_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  table.add("subscriptions/listen", MethodTable::Eras::modern,
            [core](Request request) { listen(core, std::move(request)); });
}

}  // namespace rexec::mcp
