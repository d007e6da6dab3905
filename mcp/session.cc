#include "mcp/session.h"

#include <utility>

namespace rexec::mcp {

std::shared_ptr<Session> make_session() {
  return std::make_shared<Session>();
}

bool Session::negotiate(ProtocolVersion version, Json client_capabilities) {
  auto capabilities = std::make_shared<const Json>(std::move(client_capabilities));
  MutexLock lock(mutex_);
  if (version_) return false;
  version_ = version;
  capabilities_ = std::move(capabilities);
  return true;
}

std::optional<ProtocolVersion> Session::negotiated() const {
  MutexLock lock(mutex_);
  return version_;
}

ProtocolVersion Session::version() const {
  return negotiated().value_or(newest_legacy());
}

std::shared_ptr<const Json> Session::client_capabilities() const {
  MutexLock lock(mutex_);
  return capabilities_;
}

void Session::mark_initialised() {
  MutexLock lock(mutex_);
  initialised_ = version_.has_value();
}

bool Session::initialised() const {
  MutexLock lock(mutex_);
  return initialised_;
}

void Session::set_log_level(ClientLogLevel level) {
  MutexLock lock(mutex_);
  log_level_ = level;
}

std::optional<ClientLogLevel> Session::log_level() const {
  MutexLock lock(mutex_);
  return log_level_;
}

void Session::note_modern() {
  MutexLock lock(mutex_);
  modern_seen_ = true;
}

bool Session::omits_null_error_id() const {
  MutexLock lock(mutex_);
  return version_ ? mcp::omits_null_error_id(*version_) : modern_seen_;
}

std::shared_ptr<SessionWatches> Session::watches(
    const std::function<std::shared_ptr<SessionWatches>()>& make) {
  {
    MutexLock lock(mutex_);
    if (watches_ || !make) return watches_;
  }
  auto made = make();
  MutexLock lock(mutex_);
  if (!watches_) watches_.swap(made);
  return watches_;
}

std::optional<std::string> Session::expect(ResponseHandler handler) {
  MutexLock lock(mutex_);
  if (pending_.size() >= kMaxPending) return std::nullopt;
  std::string id = "server-" + std::to_string(next_id_++);
  pending_.emplace(id, std::move(handler));
  return id;
}

bool Session::forget(const std::string& id) {
  ResponseHandler discarded;
  MutexLock lock(mutex_);
  const auto found = pending_.find(id);
  if (found == pending_.end()) return false;
  discarded = std::move(found->second);
  pending_.erase(found);
  return true;
}

void Session::resolve(Incoming response) {
  ResponseHandler handler;
  if (const auto* id = response.id.get_ptr<const std::string*>()) {
    MutexLock lock(mutex_);
    const auto found = pending_.find(*id);
    if (found == pending_.end()) return;
    handler = std::move(found->second);
    pending_.erase(found);
  }
  if (handler) handler(std::move(response));
}

}  // namespace rexec::mcp
