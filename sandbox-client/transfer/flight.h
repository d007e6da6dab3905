// Requests under way whose answers are taken up one after the other by the thread that made them.
//
// Runner completes on its own thread and wants that to be short; here the completion only puts the answer
// down. The completions may outlive the Flight.
#pragma once

#include <cassert>
#include <deque>
#include <memory>
#include <utility>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "sandbox-client/runner_client.h"

namespace rexec::sandbox {

/// `Tag` says which request was answered. One thread uses a Flight.
template <class Tag, class T>
class Flight {
 public:
  struct Landed {
    Tag tag;
    Result<T> result;
  };

  /// For one request, which counts as under way until its answer has been taken by land().
  Completion<T> depart(Tag tag) {
    ++out_;
    return [state = state_, tag = std::move(tag)](Result<T> result) {
      {
        const MutexLock lock(state->mutex);
        state->landed.push_back({tag, std::move(result)});
      }
      state->came.notify_one();
    };
  }

  std::size_t out() const { return out_; }

  /// The next answer; waits for it. Something is under way. That it comes is Runner's promise, which also
  /// holds when the request is given up.
  Landed land() {
    assert(out_ > 0);
    --out_;
    MutexLock lock(state_->mutex);
    while (state_->landed.empty()) state_->came.wait(lock);
    Landed next = std::move(state_->landed.front());
    state_->landed.pop_front();
    return next;
  }

 private:
  struct State {
    Mutex mutex;
    WakeUp came;
    std::deque<Landed> landed REXEC_GUARDED_BY(mutex);
  };

  const std::shared_ptr<State> state_ = std::make_shared<State>();
  std::size_t out_ = 0;
};

/// The answer to one request: `ask` is called with its completion.
template <class T, class Ask>
Result<T> answer_to(Ask ask) {
  Flight<int, T> flight;
  ask(flight.depart(0));
  return flight.land().result;
}

}  // namespace rexec::sandbox
