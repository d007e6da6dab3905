// What the legacy era keeps of one connection: the outcome of `initialize`, the log level, and the requests
// that the server has sent to the client. Modern requests use none of it.
//
// Made by the transport with make_session() and shared by everything that answers on the connection.
// Thread-safe; response handlers run on the thread that received the response, outside the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/thread_annotations.h"
#include "mcp/jsonrpc.h"
#include "mcp/log_level.h"
#include "mcp/protocol_version.h"

namespace rexec::mcp {

class SessionWatches;

class Session {
 public:
  static constexpr std::size_t kMaxPending = 64;  // requests to the client that wait for their response

  using ResponseHandler = std::function<void(Incoming)>;

  /// What `initialize` agreed on. False, and nothing changes, when there has been one already.
  bool negotiate(ProtocolVersion version, Json client_capabilities);
  std::optional<ProtocolVersion> negotiated() const;
  /// The negotiated version, or the newest legacy one.
  ProtocolVersion version() const;
  std::shared_ptr<const Json> client_capabilities() const;

  /// The client has sent notifications/initialized: from now on it expects unsolicited messages.
  void mark_initialised();
  bool initialised() const;

  /// Unset until logging/setLevel.
  void set_log_level(ClientLogLevel level);
  std::optional<ClientLogLevel> log_level() const;

  /// A modern request came over this connection. Only changes how errors without an id are written.
  void note_modern();
  /// Whether the client's schema of an error has no null id. While nothing is known of the client, JSON-RPC's
  /// own rule holds: the id is null.
  bool omits_null_error_id() const;

  /// What resources/subscribe keeps; made by `make` when there is none, and let go of with the session.
  std::shared_ptr<SessionWatches> watches(const std::function<std::shared_ptr<SessionWatches>()>& make);

  /// A fresh id for a request to the client; `handler` gets its response, once, unless forget() comes first.
  /// nullopt when kMaxPending are waiting.
  std::optional<std::string> expect(ResponseHandler handler);
  /// True when the response had not come yet; it is ignored from now on.
  bool forget(const std::string& id);
  /// Hands a response to its handler. Unknown ids are ignored.
  void resolve(Incoming response);

 private:
  mutable Mutex mutex_;
  std::optional<ProtocolVersion> version_ REXEC_GUARDED_BY(mutex_);
  std::shared_ptr<const Json> capabilities_ REXEC_GUARDED_BY(mutex_) =
      std::make_shared<const Json>(Json::object());
  bool initialised_ REXEC_GUARDED_BY(mutex_) = false;
  bool modern_seen_ REXEC_GUARDED_BY(mutex_) = false;
  std::optional<ClientLogLevel> log_level_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t next_id_ REXEC_GUARDED_BY(mutex_) = 1;
  std::map<std::string, ResponseHandler> pending_ REXEC_GUARDED_BY(mutex_);
  std::shared_ptr<SessionWatches> watches_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::mcp
