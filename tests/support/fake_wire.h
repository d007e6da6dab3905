// The other end of a runner's connection, played by a test: it greets by itself and leaves the rest to the
// test, frame by frame.
//
// Frames that `handler` does not take are queued for next(). Everything may be used from the test's thread
// while connections are open; handler and the settings are set before the first one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/thread_annotations.h"
#include "sandbox-client/channel.h"
#include "sandbox-client/runner/wire.h"

namespace rexec::test {

struct WireFrame {
  runner::MessageType type{};
  std::uint32_t id = 0;
  std::string payload;
  std::size_t connection = 0;  // 1, 2, …

  template <class Message>
  Message as() const {
    Message message;
    if (!runner::decode(payload, message)) message = Message{};
    return message;
  }
};

class FakeWire {
 public:
  static constexpr std::chrono::milliseconds kLimit{10'000};

  std::array<std::uint8_t, 16> boot_id{1, 2, 3};
  bool answer_hello = true;
  bool answer_ping = true;
  /// On a connection's thread; true when it has dealt with the frame.
  std::function<bool(FakeWire&, const WireFrame&)> handler;

  FakeWire() = default;
  ~FakeWire();
  FakeWire(const FakeWire&) = delete;
  FakeWire& operator=(const FakeWire&) = delete;

  /// A channel whose other end is served here.
  std::unique_ptr<sandbox::Channel> connect(sandbox::Reactor& reactor);
  /// The next frame that came, of this type: others before it are dropped. nullopt when none comes in time.
  std::optional<WireFrame> next(runner::MessageType type, std::chrono::milliseconds limit = kLimit);
  /// Whether a frame of this type has come and was not taken by next.
  bool has(runner::MessageType type) const;

  /// To the newest connection.
  void send_bytes(std::string_view bytes);
  void send(runner::MessageType type, std::uint32_t id, std::string_view payload) {
    send_bytes(runner::encode_frame(type, id, payload));
  }
  template <class Message>
  void reply(const WireFrame& to, runner::MessageType type, const Message& message) {
    send(type, to.id, runner::encode(message));
  }
  /// Ends the newest connection.
  void disconnect();
  std::size_t connections() const;

 private:
  void serve(int fd, std::size_t number);
  void take(WireFrame frame);

  mutable Mutex mutex_;
  CondVar came_;
  std::deque<WireFrame> frames_ REXEC_GUARDED_BY(mutex_);
  std::vector<UniqueFd> sockets_ REXEC_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::test
