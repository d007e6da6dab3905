// Tells an asynchronous operation, on the reactor's thread, that its Op has been given up.
//
// A stop callback runs on whatever thread fires the token, may run inside the constructor, and its destructor
// waits for it. So it does nothing here but post to the reactor; the operation is ended from there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/channel.h"

namespace rexec::sandbox {

class OpWatch {
 public:
  using GiveUp = std::function<void(ErrorCode)>;

  /// `give_up` is called on the reactor's thread with cancelled or deadline_exceeded, at most once each, and
  /// possibly after this object is gone: it holds what it needs by weak_ptr.
  OpWatch(Reactor& reactor, const Op& op, GiveUp give_up) : reactor_(reactor) {
    if (!op.deadline.is_infinite())
      timer_ = reactor.at(op.deadline.time(), [give_up] { give_up(ErrorCode::deadline_exceeded); });
    if (op.stop.stop_possible()) stop_.emplace(op.stop, Poster{reactor, std::move(give_up)});
  }
  ~OpWatch() {
    if (timer_) reactor_.cancel(*timer_);
  }
  OpWatch(const OpWatch&) = delete;
  OpWatch& operator=(const OpWatch&) = delete;

 private:
  struct Poster {
    Reactor& reactor;
    GiveUp give_up;
    void operator()() {
      reactor.post([give_up = std::move(give_up)] { give_up(ErrorCode::cancelled); });
    }
  };

  Reactor& reactor_;
  std::optional<Reactor::TimerId> timer_;
  std::optional<std::stop_callback<Poster>> stop_;
};

/// Why `op` needs no start: it is over already.
inline std::optional<Error> already_over(const Op& op) {
  if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "the call was cancelled"};
  if (op.deadline.passed()) return Error{ErrorCode::deadline_exceeded, "the time for the call has passed"};
  return std::nullopt;
}

inline Error given_up(ErrorCode code) {
  return Error{code,
               code == ErrorCode::cancelled ? "the call was cancelled" : "the time for the call has passed"};
}

}  // namespace rexec::sandbox
