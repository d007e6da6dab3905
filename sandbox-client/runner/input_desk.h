// Requests that write input: each is answered when its bytes are queued, so a writer whose reader is slow
// waits here, within limits, and holds up nobody else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox-client/runner/input_queue.h"
#include "sandbox-client/runner/replies.h"

namespace rexec::runner {

/// Input that waits for room in the queue.
struct HeldInput {
  RequestId request;
  WriteInput input;
};

/// Where the input of one process or terminal goes.
class InputSink {
 public:
  virtual ~InputSink() = default;

  /// Passes on what can be passed on now, and the end when that is due.
  virtual void push_input() = 0;
  /// Nobody reads any more.
  virtual bool input_closed() const = 0;

  InputQueue& input() { return queue_; }
  bool holds_input() const { return !held_.empty(); }

 protected:
  InputQueue queue_;

 private:
  friend class InputDesk;
  std::vector<HeldInput> held_;
};

class InputDesk {
 public:
  static constexpr std::size_t kMaxHeldInput = 16;        // requests of one sink that wait for room
  static constexpr std::size_t kMaxHeldBytes = 64 << 20;  // of all sinks

  explicit InputDesk(Replies& replies) : replies_(replies) {}

  /// `name` stands in messages.
  void write(InputSink& sink, RequestId request, WriteInput input, const std::string& name);
  /// The sink has room again, or is closed.
  void admit(InputSink& sink);
  /// True when `request` waited for this sink; it is answered.
  bool cancel(InputSink& sink, RequestId request);
  void drop_connection(InputSink& sink, std::uint64_t connection);

 private:
  /// True when the request has been answered.
  bool offer(InputSink& sink, RequestId request, const WriteInput& input);

  Replies& replies_;
  std::size_t held_bytes_ = 0;
};

}  // namespace rexec::runner
