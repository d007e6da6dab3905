// One client: frames in, frames out, over a stream socket.
//
// Frames are cut out of whatever pieces arrive. What cannot be a frame closes the connection. A client that
// does not take its answers is not read from any more, and its owner defers answers, while more than
// kCongestion bytes are unsent; so the memory that it can hold is bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

class Connection final : private Watcher {
 public:
  static constexpr std::size_t kCongestion = 4 << 20;

  class Owner {
   public:
    virtual ~Owner() = default;
    /// `payload` is valid during the call. May close the connection.
    virtual void received(Connection& connection, const FrameHeader& header, std::string_view payload) = 0;
    /// Less than kCongestion is unsent again.
    virtual void relaxed(Connection& connection) = 0;
    /// The last call. Comes from the loop, never from inside of send() or received(); may destroy the
    /// connection.
    virtual void closed(Connection& connection) = 0;
  };

  Connection(Loop& loop, Owner& owner, std::uint64_t serial, Fd socket);
  ~Connection() override;

  std::uint64_t serial() const { return serial_; }
  bool congested() const { return unsent_ > kCongestion; }
  void send(std::string frame);
  /// Sends what it can of what is queued, then ends.
  void close();

  // Kept here by the owner.
  bool greeted = false;
  std::unordered_set<std::uint32_t> outstanding;

 private:
  void ready(std::uint32_t events) override;
  void receive();
  void parse();
  void parse_later();
  void flush();
  void update_interest();

  Loop& loop_;
  Owner& owner_;
  const std::uint64_t serial_;
  Fd socket_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what was received and not parsed
  std::size_t end_ = 0;
  std::deque<std::string> queue_;
  std::size_t front_sent_ = 0;
  std::size_t unsent_ = 0;
  std::uint32_t interest_ = 0;
  bool closing_ = false;
  TimerId closing_timer_;
  TimerId parse_timer_;  // set: complete frames are waiting for their turn, and nothing is read meanwhile
};

}  // namespace rexec::runner
