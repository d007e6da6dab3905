// The messages about one request, in order: any number of notifications and requests to the client, then the
// answer, then nothing. Whoever sends first delivers for the others, so that order is kept without holding a
// lock while sending. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/thread_annotations.h"
#include "mcp/endpoint.h"
#include "mcp/request_registry.h"

namespace rexec::mcp {

class RequestStream {
 public:
  explicit RequestStream(std::shared_ptr<Outbound> out) : out_(std::move(out)) {}

  /// Dropped after the answer.
  void send(Message message);
  /// A notifications/progress with the next higher number; `text` is its message, left out when empty.
  void send_progress(const Json& token, std::string_view text);
  /// The answer; the ticket is released once it has been handed to the transport. False when the request has
  /// been answered or abandoned before: nothing is sent, and the ticket is released at once.
  bool finish(Message answer, RequestRegistry::Ticket ticket);
  /// Nothing more goes out.
  void abandon();
  /// For messages that are not bound to the answer's order; null once nothing more goes out.
  std::shared_ptr<Outbound> outbound();

 private:
  struct Item {
    Message message;
    RequestRegistry::Ticket ticket;
  };

  void deliver() REXEC_EXCLUDES(mutex_);

  Mutex mutex_;
  std::shared_ptr<Outbound> out_ REXEC_GUARDED_BY(mutex_);  // null once nothing more is to be sent
  std::deque<Item> queue_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t progress_ REXEC_GUARDED_BY(mutex_) = 0;
  bool ended_ REXEC_GUARDED_BY(mutex_) = false;
  bool delivering_ REXEC_GUARDED_BY(mutex_) = false;
};

}  // namespace rexec::mcp
