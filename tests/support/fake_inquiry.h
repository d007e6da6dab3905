// Questions to providers without a server.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/thread_annotations.h"
#include "mcp/inquiry.h"
#include "tests/support/eventually.h"

namespace rexec::test {

/// The answer to one question. The first counts. Thread-safe.
template <class T>
class Answer {
 public:
  mcp::Reply<T> reply() {
    return [state = state_](Result<T> result) {
      const MutexLock lock(state->mutex);
      if (!state->result) state->result = std::move(result);
    };
  }
  bool answered() const {
    const MutexLock lock(state_->mutex);
    return state_->result.has_value();
  }
  /// Waits for it. An error that says so when it does not come.
  Result<T> take() {
    eventually([this] { return answered(); });
    const MutexLock lock(state_->mutex);
    if (!state_->result) return Error{ErrorCode::internal, "no answer came"};
    return std::move(*state_->result);
  }

 private:
  struct State {
    Mutex mutex;
    std::optional<Result<T>> result REXEC_GUARDED_BY(mutex);
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Somebody who asks, with a worker for what is deferred.
class Asker {
 public:
  explicit Asker(std::string principal = "local") : principal_(std::move(principal)) {}
  mcp::Inquiry inquiry() { return {principal_, Op{stop_.get_token()}, pool_}; }
  void give_up() { stop_.request_stop(); }

 private:
  const std::string principal_;
  std::stop_source stop_;
  WorkerPool pool_{WorkerPool::Options{1, 16}};
};

}  // namespace rexec::test
