// How the parts of the runner answer requests without knowing connections.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

/// A request: its connection (never used twice) and its id there.
struct RequestId {
  std::uint64_t connection = 0;
  std::uint32_t id = 0;

  friend bool operator==(const RequestId&, const RequestId&) = default;
};

class Replies {
 public:
  virtual ~Replies() = default;
  /// Sends a whole frame as the answer to `request`, whose connection may be gone by now.
  virtual void send(RequestId request, std::string frame) = 0;
  /// The connection has too much unsent; answers wait until it says otherwise.
  virtual bool congested(std::uint64_t connection) const = 0;

  template <class Message>
  void reply(RequestId request, MessageType type, const Message& message, std::size_t size_hint = 256) {
    send(request, frame_of(type, request.id, message, size_hint));
  }
  void reply_done(RequestId request) { send(request, encode_frame(MessageType::done, request.id, {})); }
  void reply_error(RequestId request, const Failure& failure) { reply(request, MessageType::error, failure); }
  void reply_error(RequestId request, int number, const char* step, std::string text) {
    reply_error(request, Failure{number, step, std::move(text)});
  }

  /// A frame in one buffer; the length is filled in afterwards.
  template <class Message>
  static std::string frame_of(MessageType type, std::uint32_t id, const Message& message,
                              std::size_t size_hint) {
    Writer writer;
    writer.reserve(kHeaderSize + size_hint);
    writer.raw(encode_frame(type, id, {}));
    message.encode(writer);
    std::string frame = writer.take();
    const auto length = static_cast<std::uint32_t>(frame.size() - kHeaderSize);
    for (std::size_t i = 0; i < 4; ++i) frame[i] = static_cast<char>((length >> (8 * i)) & 0xff);
    return frame;
  }
};

/// "<what>: <text of number>".
inline Failure errno_failure(int number, const char* step, const std::string& what) {
  const char* text = strerrordesc_np(number);
  return {number, step, what + ": " + (text == nullptr ? "unknown error" : text)};
}

}  // namespace rexec::runner
