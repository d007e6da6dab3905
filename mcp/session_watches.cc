#include "mcp/session_watches.h"

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "mcp/pending_answer.h"
#include "mcp/resource_watches.h"

namespace rexec::mcp {

/// Ends with its session, with the connection, or with the server, whichever is first.
class SessionWatches : public std::enable_shared_from_this<SessionWatches> {
 public:
  SessionWatches(const std::shared_ptr<ServerCore>& core, std::shared_ptr<Outbound> out)
      : registry_(core->requests),
        closed_(out->closed()),
        watches_(std::make_shared<ResourceWatches>(
            core->features.resources, std::shared_ptr<TimerQueue>(core, &core->timers),
            ResourceWatches::Limits{core->options.max_watched, core->options.update_interval},
            [out = std::move(out)](const std::string& uri) {
              // A peer that is gone is noticed by its transport.
              (void)out->send(make_notification("notifications/resources/updated", Json{{"uri", uri}})).ok();
            })) {
    watches_->open();
  }
  ~SessionWatches() { watches_->close(); }

  const std::shared_ptr<ResourceWatches>& watches() const { return watches_; }

  /// Counted among the subscriptions of the principal. False when there are too many.
  bool register_for(const std::string& principal) {
    static std::atomic<std::uint64_t> next = 1;
    const std::weak_ptr<SessionWatches> weak = weak_from_this();
    // The registry must not keep the session, which owns this.
    auto admitted =
        registry_->admit({RequestKind::subscription, nullptr, "session-watches-" + std::to_string(next++),
                          principal, [weak](EndReason) {
                            if (const auto self = weak.lock()) self->watches_->close();
                          }});
    if (!std::holds_alternative<RequestRegistry::Ticket>(admitted)) return false;
    ticket_ = std::get<RequestRegistry::Ticket>(std::move(admitted));
    on_close_.emplace(closed_, [registry = registry_, cookie = ticket_.cookie()] {
      registry->end(cookie, EndReason::connection_lost);
    });
    return true;
  }

 private:
  const std::shared_ptr<RequestRegistry> registry_;
  const std::stop_token closed_;
  const std::shared_ptr<ResourceWatches> watches_;
  RequestRegistry::Ticket ticket_;
  std::optional<std::stop_callback<std::function<void()>>> on_close_;
};

void subscribe_session(const std::shared_ptr<ServerCore>& core, std::string uri, Request request) {
  const auto session = request.session;
  const auto kept = session->watches([&]() -> std::shared_ptr<SessionWatches> {
    auto made = std::make_shared<SessionWatches>(core, request.unsolicited);
    return made->register_for(request.principal) ? made : nullptr;
  });
  if (!kept) {
    return answer(*core, request,
                  RpcError{kUnavailable,
                           "too many connections have subscriptions (" +
                               std::to_string(core->options.max_subscriptions) + "); end one first",
                           nullptr});
  }
  PendingAnswer::start(
      core, std::move(request),
      [watches = kept->watches(), uri = std::move(uri)](const std::shared_ptr<PendingAnswer>& pending) {
        watches->add(pending->inquiry(), uri, [pending, uri](Result<void> added) {
          if (!added) return pending->fail(added.error(), uri);
          pending->finish(Json::object());
        });
      });
}

void unsubscribe_session(const std::string& uri, Session& session) {
  if (const auto kept = session.watches(nullptr)) kept->watches()->remove(uri);
}

}  // namespace rexec::mcp
