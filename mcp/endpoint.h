// The seam between transports and the protocol.
//
// A transport is a pipe for messages and nothing more: it hands each incoming message to the Endpoint and
// writes what the Endpoint sends through an Outbound. It knows no method, no era and no tool.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/deadline.h"
#include "base/json.h"
#include "base/result.h"

namespace rexec::mcp {

class Session;

/// One outgoing JSON-RPC message. `text` is its serialised form, one line without a terminator.
struct Message {
  enum class Kind { response, error, notification, request };
  Kind kind = Kind::response;
  std::string text;
  int error_code = 0;  // of kind error: what an HTTP transport derives its status from
  Json id;             // of responses and errors: the request's id (null when it could not be read)
};

/// Where the answers to one incoming message go. On stdio every message has the same Outbound, the pipe; on
/// HTTP each POST has its own. Thread-safe.
class Outbound {
 public:
  virtual ~Outbound() = default;
  /// Queues a message, in order, and returns at once. unavailable when the peer is gone, resource_exhausted
  /// when it does not read and the queue is full (the transport then gives the peer up).
  virtual Status send(Message message) = 0;
  /// Fires when nothing can be sent any more.
  virtual std::stop_token closed() const = 0;
};

/// Who sends, over what. `session` is what the legacy era keeps of a connection (see session.h); the
/// transport makes it with make_session() when the connection begins and passes the same one every time.
struct Peer {
  std::string principal = "local";
  std::shared_ptr<Session> session;
  /// A lost connection cancels its requests (HTTP of 2026-07-28). On stdio the process ends instead.
  bool cancel_on_close = false;
  /// Where the legacy era sends what is no answer to a request, for as long as the connection lives. Null:
  /// where the answers go (stdio, which has one pipe for everything).
  std::shared_ptr<Outbound> unsolicited = nullptr;
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  /// One incoming message, as it came (UTF-8 text of a JSON value, no terminator). Returns at once: requests
  /// that take time are answered later, through `out`, from any thread. Never throws.
  virtual void receive(std::string text, std::shared_ptr<Outbound> out, const Peer& peer) = 0;
  /// The message was larger than the transport accepts and has been discarded: answers -32600.
  virtual void receive_oversized(std::shared_ptr<Outbound> out, const Peer& peer, std::size_t limit) = 0;
  /// Requests under way, over all connections. A transport that ends waits for zero, within its bound.
  virtual std::size_t in_flight() const = 0;
  /// Blocks until in_flight() is zero, after shutdown() until the last message of everything has been sent;
  /// false when the deadline has passed before.
  virtual bool wait_idle(const Op& op) const = 0;
  /// Cancels everything that is under way and refuses what comes.
  virtual void shutdown() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Serves until the peer is gone, the process is told to end, or `stop` fires.
  virtual Status serve(Endpoint& endpoint, std::stop_token stop) = 0;
};

/// State of one legacy connection: nothing until `initialize`.
std::shared_ptr<Session> make_session();

}  // namespace rexec::mcp
