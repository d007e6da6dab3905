#include "mcp/input_round.h"

#include <optional>
#include <stop_token>
#include <utility>

#include "base/random.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kElicitationIdBytes = 16;

class InputRound : public std::enable_shared_from_this<InputRound> {
 public:
  InputRound(InputRoundOptions options, std::map<std::string, InputRequest> requests, TimerQueue& timers,
             std::function<void(InputOutcome)> done)
      : options_(std::move(options)),
        requests_(std::move(requests)),
        timers_(timers),
        next_(requests_.begin()),
        done_(std::move(done)) {}

  void start() {
    ask_next();
    const std::weak_ptr<InputRound> weak = weak_from_this();
    on_stop_.emplace(options_.stop, [weak] {
      if (const auto self = weak.lock()) self->give_up("the call was cancelled");
    });
  }

 private:
  using Requests = std::map<std::string, InputRequest>;

  void ask_next() {
    const auto id = options_.session->expect(
        [self = shared_from_this()](Incoming response) { self->take(std::move(response)); });
    if (!id) return finish("the client has too many unanswered questions");
    const std::weak_ptr<InputRound> weak = weak_from_this();
    const auto timer = timers_.at(std::chrono::steady_clock::now() + options_.deadline, [weak, asked = *id] {
      if (const auto self = weak.lock()) self->expire(asked);
    });
    const InputRequest* request = nullptr;
    {
      MutexLock lock(mutex_);
      if (done_) {
        request = &next_->second;
        current_ = *id;
        timer_ = timer;
      }
    }
    if (!request) {
      options_.session->forget(*id);
      timers_.cancel(timer);
      return;
    }
    options_.stream->send(make_request(*id, request->method, adapted(*request)));
  }

  /// In the form of the client's version.
  Json adapted(const InputRequest& request) const {
    Json params = request.params;
    if (request.method != "elicitation/create") return params;
    const bool url = find_string(params, "mode") == "url";
    if (url && !params.contains("elicitationId")) params["elicitationId"] = random_hex(kElicitationIdBytes);
    if (!has_elicitation_modes(options_.version)) params.erase("mode");
    return params;
  }

  void take(Incoming response) {
    bool last = false;
    std::uint64_t timer = 0;
    std::optional<std::string> problem;
    {
      MutexLock lock(mutex_);
      // A client that guesses the id answers a question that it has not been asked yet.
      if (!done_ || response.id != current_) return;
      timer = std::exchange(timer_, 0);
      if (response.error.code != 0) {
        problem = "the client could not ask the user: " + response.error.message;
      } else if (!response.result.is_object()) {
        problem = "the client's answer to a question is not an object";
      } else {
        answers_[next_->first] = std::move(response.result);
        last = ++next_ == requests_.end();
        current_.clear();
      }
    }
    timers_.cancel(timer);
    if (problem || last) return finish(std::move(problem));
    ask_next();
  }

  void expire(const std::string& asked) {
    {
      MutexLock lock(mutex_);
      if (current_ != asked) return;
    }
    give_up("the user did not answer in time");
  }

  void give_up(const std::string& reason) {
    std::string asked;
    {
      MutexLock lock(mutex_);
      if (!done_) return;
      asked = current_;
    }
    if (options_.session->forget(asked)) {
      options_.stream->send(
          make_notification("notifications/cancelled", Json{{"requestId", asked}, {"reason", reason}}));
    }
    finish(reason);
  }

  /// nullopt: everything has been answered.
  void finish(std::optional<std::string> problem) {
    std::function<void(InputOutcome)> done;
    InputOutcome outcome;
    std::uint64_t timer = 0;
    {
      MutexLock lock(mutex_);
      if (!done_) return;
      done.swap(done_);
      timer = timer_;
      if (problem) {
        outcome = *std::move(problem);
      } else {
        outcome = std::move(answers_);
      }
    }
    timers_.cancel(timer);
    done(std::move(outcome));
  }

  const InputRoundOptions options_;
  const Requests requests_;
  TimerQueue& timers_;
  Mutex mutex_;
  Requests::const_iterator next_ REXEC_GUARDED_BY(mutex_);
  std::string current_ REXEC_GUARDED_BY(mutex_);  // id of the question that is open
  std::uint64_t timer_ REXEC_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Json> answers_ REXEC_GUARDED_BY(mutex_);
  std::function<void(InputOutcome)> done_ REXEC_GUARDED_BY(mutex_);  // null once it has been called
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace

void ask_client(InputRoundOptions options, std::map<std::string, InputRequest> requests, TimerQueue& timers,
                std::function<void(InputOutcome)> done) {
  std::make_shared<InputRound>(std::move(options), std::move(requests), timers, std::move(done))->start();
}

}  // namespace rexec::mcp
