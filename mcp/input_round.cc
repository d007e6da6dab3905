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
    const std::weak_ptr<InputRound> weak = weak_from_this();
    on_stop_.emplace(options_.stop, [weak] {
      if (const auto self = weak.lock()) self->give_up("the call was cancelled");
    });
    ask_next();
  }

 private:
  using Requests = std::map<std::string, InputRequest>;

  struct Ending {
    std::function<void(InputOutcome)> done;  // null when the round has ended before
    std::string asked;
    bool sent = false;
    std::uint64_t timer = 0;
  };

  void ask_next() {
    const auto id = options_.session->expect(
        [self = shared_from_this()](Incoming response) { self->take(std::move(response)); });
    if (!id) return finish("the client has too many unanswered questions");
    const InputRequest* request = nullptr;
    {
      MutexLock lock(mutex_);
      current_ = *id;
      sent_ = false;
      if (done_) request = &next_->second;
    }
    if (!request || !set_deadline(*id)) {
      options_.session->forget(*id);
      return;
    }
    (void)options_.out->send(make_request(*id, request->method, adapted(*request))).ok();
    bool given_up = false;
    {
      MutexLock lock(mutex_);
      if (current_ != *id) return;  // answered already
      sent_ = true;
      given_up = !done_;
    }
    if (given_up) withdraw(*id, "the call was cancelled");
  }

  /// False when the round has ended meanwhile.
  bool set_deadline(const std::string& id) {
    const std::weak_ptr<InputRound> weak = weak_from_this();
    const auto timer = timers_.at(std::chrono::steady_clock::now() + options_.deadline, [weak, id] {
      if (const auto self = weak.lock()) self->expire(id);
    });
    {
      MutexLock lock(mutex_);
      if (done_) {
        timer_ = timer;
        return true;
      }
    }
    timers_.cancel(timer);
    return false;
  }

  void withdraw(const std::string& id, const std::string& reason) {
    if (!options_.session->forget(id)) return;
    (void)options_.out
        ->send(make_notification("notifications/cancelled", Json{{"requestId", id}, {"reason", reason}}))
        .ok();
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
    Ending ending;
    {
      MutexLock lock(mutex_);
      ending = take_ending();
    }
    if (!ending.done) return;
    // A question on its way to the client is withdrawn by whoever sends it.
    if (ending.sent) withdraw(ending.asked, reason);
    timers_.cancel(ending.timer);
    ending.done(reason);
  }

  /// nullopt: everything has been answered.
  void finish(std::optional<std::string> problem) {
    Ending ending;
    InputOutcome outcome;
    {
      MutexLock lock(mutex_);
      ending = take_ending();
      if (problem) {
        outcome = *std::move(problem);
      } else {
        outcome = std::move(answers_);
      }
    }
    if (!ending.done) return;
    timers_.cancel(ending.timer);
    ending.done(std::move(outcome));
  }

  Ending take_ending() REXEC_REQUIRES(mutex_) {
    Ending ending{nullptr, current_, sent_, std::exchange(timer_, 0)};
    ending.done.swap(done_);
    return ending;
  }

  const InputRoundOptions options_;
  const Requests requests_;
  TimerQueue& timers_;
  Mutex mutex_;
  Requests::const_iterator next_ REXEC_GUARDED_BY(mutex_);
  std::string current_ REXEC_GUARDED_BY(mutex_);  // id of the question that is open
  bool sent_ REXEC_GUARDED_BY(mutex_) = false;    // whether the client knows of it
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
