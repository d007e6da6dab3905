// A byte stream to a runner, and the thread that moves the bytes.
//
// A Channel knows nothing of frames. It belongs to one Reactor, on whose thread its sink is called; send and
// close may be called from any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

/// What a Channel's user implements. All calls come from the channel's I/O thread, one at a time; `bytes` is
/// valid during the call only. on_closed is the last call, and comes exactly once after attach.
class ChannelSink {
 public:
  virtual ~ChannelSink() = default;
  virtual void on_data(std::string_view bytes) = 0;
  virtual void on_closed(const Error& why) = 0;
};

class Channel {
 public:
  /// Bytes that may wait in send's queue; a peer that does not read for so long is closed.
  static constexpr std::size_t kMaxQueued = 64 << 20;

  virtual ~Channel() = default;
  /// Starts delivery. Called once; `sink` lives until on_closed or until close() has returned.
  virtual void attach(ChannelSink& sink) = 0;
  /// Queues bytes and returns at once. Bytes of one call stay together. unavailable when closed,
  /// resource_exhausted (and the channel closes) beyond kMaxQueued.
  virtual Status send(std::string bytes) = 0;
  /// Ends the stream. After it returns the sink is not called any more (on_closed is not called either when
  /// it was not under way). Not to be called from the sink.
  virtual void close() = 0;
};

/// One thread that waits for descriptors and for points in time (epoll(7)).
class Reactor {
 public:
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;

  virtual ~Reactor() = default;
  /// Runs `task` on the reactor's thread, soon; in the order of the calls.
  virtual void post(Task task) = 0;
  /// Runs `task` on the reactor's thread at `when` or soon after. The id is never used twice.
  virtual TimerId at(SteadyTime when, Task task) = 0;
  /// The task will not run any more; false when it ran, runs, or is unknown.
  virtual bool cancel(TimerId id) = 0;
  /// Calls `ready(events)` on the reactor's thread when epoll reports `events` for `fd` (level-triggered).
  /// `fd` stays the caller's, who calls unwatch before closing it. Reactor thread only.
  virtual void watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) = 0;
  virtual void modify(int fd, std::uint32_t events) = 0;
  virtual void unwatch(int fd) = 0;
  virtual bool on_thread() const = 0;
};

/// A running reactor; its destructor stops and joins the thread. Everything that uses it is destroyed before.
/// The thread starts with the first use.
std::unique_ptr<Reactor> make_reactor();

/// Channel over a connected stream socket.
std::unique_ptr<Channel> make_socket_channel(UniqueFd socket, Reactor& reactor);

}  // namespace rexec::sandbox
