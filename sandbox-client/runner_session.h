// Requests to one runner, across the connections that lead to it.
//
// Every request completes exactly once: by its reply, by being given up, or because the runner is lost. A
// request that was given up stays in the table until the runner has answered it, since its id is taken until
// then. Requests are kept as they were sent, and are sent again on the next connection to the same runner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "sandbox-client/op_watch.h"
#include "sandbox-client/runner_client_times.h"
#include "sandbox-client/runner_link.h"

namespace rexec::sandbox {

/// Bytes of requests that wait for their answer; they may have to be sent again.
inline constexpr std::size_t kMaxUnanswered = 48 << 20;
/// Requests that the runner accepts beyond those of callers: pings and the like.
inline constexpr std::size_t kReservedRequests = 16;
/// Connections in a row that were lost before they answered anything.
inline constexpr int kMaxFruitlessLinks = 5;

struct Reply {
  runner::MessageType type{};  // the one asked for, or error
  std::string_view payload;    // valid during the call
};

struct Request {
  runner::MessageType type{};
  std::string payload;
  std::vector<std::string> more;   // payloads of write_data frames that follow
  runner::MessageType expected{};  // type of a successful reply
  Op op;
  bool kill = false;          // giving up kills, and completes when the runner says that all are dead
  bool even_if_over = false;  // send it also when op is over, so that kill takes effect
  /// Called exactly once. False: the reply was not acceptable, which ends the runner.
  std::function<bool(const Result<Reply>&)> done;
};

std::string cancel_frame(std::uint32_t target, bool kill);

class RunnerSession final : public RunnerLink::Owner, public std::enable_shared_from_this<RunnerSession> {
 public:
  using Lost = std::function<void(const Error&)>;

  RunnerSession(Reactor& reactor, std::string secret, Reconnect reconnect, Lost lost, RunnerTimes times);
  ~RunnerSession() override;

  /// Called once, before anything else.
  Status open(std::unique_ptr<Channel> channel, const Op& op);
  /// Completes what is outstanding, and all that comes, with `why`, without calling `lost`. Nothing is called
  /// afterwards but these completions, from the reactor's thread. Idempotent: the first one's `why` stays.
  /// Thread-safe; not to be called from the Reconnect function.
  void shutdown(const Error& why);

  const runner::HelloReply& hello() const { return hello_; }
  bool alive() const;
  std::string why_gone() const;

  /// The request's id; 0 when it has completed already.
  std::uint32_t submit(Request request);
  /// Asks the runner to answer a request now. It completes by that answer.
  void hurry(std::uint32_t id);

  Status on_frame(const runner::FrameHeader& header, std::string_view payload) override;
  void on_link_lost(RunnerLink& link, const Error& why) override;

 private:
  enum class Phase { waiting, ending, abandoned };
  struct Pending {
    std::string frames;
    std::size_t cost = 0;
    std::uint64_t sent_on = 0;    // number of the link, 0: not sent yet
    std::uint64_t cancel_on = 0;  // link that a Cancel was sent on
    runner::MessageType expected{};
    bool kill = false;
    bool cancel_wanted = false;
    Phase phase = Phase::waiting;
    ErrorCode end_code = ErrorCode::cancelled;
    std::function<bool(const Result<Reply>&)> done;
    Reactor::TimerId kill_timer = 0;
    std::optional<OpWatch> watch;  // set by the submitting thread alone
  };
  using Table = std::unordered_map<std::uint32_t, std::shared_ptr<Pending>>;

  void attach(const std::shared_ptr<RunnerLink>& link);
  void lose(const std::shared_ptr<RunnerLink>& link, const Error& why);
  void die(const Error& why);
  void give_up(std::uint32_t id, ErrorCode code);
  void abandon(std::uint32_t id);
  void work();
  Result<std::shared_ptr<RunnerLink>> reconnect(const Op& op);
  void tick();
  void arm_tick(SteadyTime when);
  void close_later(std::shared_ptr<RunnerLink> link);
  void send_new(std::uint32_t id, Pending& pending, std::string frames);
  std::optional<Error> refusal(std::size_t cost) REXEC_REQUIRES(mutex_);
  std::uint32_t insert(const std::shared_ptr<Pending>& pending) REXEC_REQUIRES(mutex_);
  std::shared_ptr<Pending> extract(std::uint32_t id) REXEC_REQUIRES(mutex_);
  /// The link to send a Cancel on; none when attach will do it.
  std::shared_ptr<RunnerLink> want_cancel(Pending& pending) REXEC_REQUIRES(mutex_);

  Reactor& reactor_;
  const std::string secret_;
  const Reconnect reconnect_;
  const RunnerTimes times_;
  runner::HelloReply hello_;  // of the first link

  mutable Mutex mutex_;
  Lost lost_ REXEC_GUARDED_BY(mutex_);
  std::shared_ptr<RunnerLink> link_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t link_number_ REXEC_GUARDED_BY(mutex_) = 0;
  bool link_ready_ REXEC_GUARDED_BY(mutex_) = false;  // everything outstanding has been sent on link_
  int fruitless_ REXEC_GUARDED_BY(mutex_) = 0;
  std::optional<Error> dead_ REXEC_GUARDED_BY(mutex_);
  Table table_ REXEC_GUARDED_BY(mutex_);
  std::size_t unanswered_ REXEC_GUARDED_BY(mutex_) = 0;
  std::uint32_t next_id_ REXEC_GUARDED_BY(mutex_) = 2;
  bool tick_armed_ REXEC_GUARDED_BY(mutex_) = false;
  std::uint32_t ping_id_ REXEC_GUARDED_BY(mutex_) = 0;
  SteadyTime ping_sent_ REXEC_GUARDED_BY(mutex_);
  SteadyTime last_arrival_ REXEC_GUARDED_BY(mutex_);

  // Opens the next link; started when the first one is lost.
  CondVar work_;
  bool link_wanted_ REXEC_GUARDED_BY(mutex_) = false;
  std::stop_source stop_;
  std::thread worker_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::sandbox
