#include "sandbox-client/runner_session.h"

#include <cassert>
#include <utility>

namespace rexec::sandbox {
namespace {

using runner::MessageType;

constexpr std::uint32_t kFirstId = 2;  // 1 is the greeting

std::string frames_of(const Request& request, std::uint32_t id) {
  std::string frames = encode_frame(request.type, id, request.payload);
  for (const std::string& payload : request.more)
    frames += encode_frame(MessageType::write_data, id, payload);
  return frames;
}

std::size_t size_of(const Request& request) {
  std::size_t size = request.payload.size() + runner::kHeaderSize;
  for (const std::string& payload : request.more) size += payload.size() + runner::kHeaderSize;
  return size;
}

}  // namespace

std::string cancel_frame(std::uint32_t target, bool kill) {
  return encode_frame(MessageType::cancel, 0, runner::encode(runner::Cancel{target, kill}));
}

RunnerSession::RunnerSession(Reactor& reactor, std::string secret, Reconnect reconnect, Lost lost,
                             RunnerTimes times)
    : reactor_(reactor),
      secret_(std::move(secret)),
      reconnect_(std::move(reconnect)),
      times_(times),
      lost_(std::move(lost)) {}

RunnerSession::~RunnerSession() {
  assert(!worker_.joinable());
}

Status RunnerSession::open(std::unique_ptr<Channel> channel, const Op& op) {
  const Op bounded{op.stop, op.deadline.sooner(Deadline::after(times_.greeting))};
  ASSIGN_OR_RETURN(auto link, RunnerLink::open(std::move(channel), shared_from_this(), secret_, bounded));
  hello_ = link->hello();
  attach(link);
  return {};
}

bool RunnerSession::alive() const {
  const MutexLock lock(mutex_);
  return !dead_;
}

std::string RunnerSession::why_gone() const {
  const MutexLock lock(mutex_);
  return dead_ ? dead_->message : std::string();
}

std::optional<Error> RunnerSession::refusal(std::size_t cost) {
  if (dead_) return *dead_;
  if (table_.size() >= runner::kMaxOutstanding - kReservedRequests)
    return Error{ErrorCode::resource_exhausted, "too many calls wait for this sandbox (" +
                                                    std::to_string(table_.size()) +
                                                    "); try again when some have ended"};
  if (unanswered_ + cost > kMaxUnanswered)
    return Error{ErrorCode::resource_exhausted,
                 "more than " + std::to_string(kMaxUnanswered >> 20) +
                     " MiB are being written to this sandbox at once; try again"};
  return std::nullopt;
}

std::uint32_t RunnerSession::submit(Request request) {
  if (!request.even_if_over) {
    if (auto over = already_over(request.op)) {
      request.done(*std::move(over));
      return 0;
    }
  }
  const auto pending = std::make_shared<Pending>();
  pending->cost = size_of(request);
  pending->expected = request.expected;
  pending->kill = request.kill;
  std::uint32_t id = 0;
  std::optional<Error> refused;
  bool arm = false;
  {
    const MutexLock lock(mutex_);
    refused = refusal(pending->cost);
    if (!refused) {
      pending->done = std::move(request.done);
      id = insert(pending);
      arm = !std::exchange(tick_armed_, true);
    }
  }
  if (refused) {
    request.done(*std::move(refused));
    return 0;
  }
  send_new(id, *pending, frames_of(request, id));
  if (arm) arm_tick(std::chrono::steady_clock::now() + times_.ping_every);
  if (request.op.stop.stop_possible() || !request.op.deadline.is_infinite()) {
    pending->watch.emplace(reactor_, request.op, [weak = weak_from_this(), id](ErrorCode code) {
      if (const auto self = weak.lock()) self->give_up(id, code);
    });
  }
  return id;
}

std::uint32_t RunnerSession::insert(const std::shared_ptr<Pending>& pending) {
  std::uint32_t id = 0;
  do {
    id = next_id_++;
  } while (id < kFirstId || table_.count(id) != 0);
  unanswered_ += pending->cost;
  table_.emplace(id, pending);
  return id;
}

void RunnerSession::send_new(std::uint32_t id, Pending& pending, std::string frames) {
  std::shared_ptr<RunnerLink> link;
  {
    const MutexLock lock(mutex_);
    if (table_.count(id) == 0) return;  // the runner was lost meanwhile
    if (link_ready_) {
      link = link_;
      pending.sent_on = link_number_;
    }
    if (!link) {
      pending.frames = std::move(frames);
    } else if (reconnect_) {
      pending.frames = frames;
    }
  }
  if (link) (void)link->send(std::move(frames));  // a failure comes back as the loss of the link
}

std::shared_ptr<RunnerSession::Pending> RunnerSession::extract(std::uint32_t id) {
  const auto found = table_.find(id);
  if (found == table_.end()) return nullptr;
  std::shared_ptr<Pending> pending = std::move(found->second);
  table_.erase(found);
  unanswered_ -= pending->cost;
  return pending;
}

Status RunnerSession::on_frame(const runner::FrameHeader& header, std::string_view payload) {
  std::shared_ptr<Pending> pending;
  Reactor::TimerId kill_timer = 0;
  {
    const MutexLock lock(mutex_);
    last_arrival_ = std::chrono::steady_clock::now();
    fruitless_ = 0;
    if (dead_) return {};
    const auto found = table_.find(header.id);
    if (found == table_.end() || found->second->sent_on == 0)
      return Error{ErrorCode::data_loss, "protocol error: the sandbox answered what was not asked"};
    if (header.type != found->second->expected && header.type != MessageType::error)
      return Error{ErrorCode::data_loss, "protocol error: the sandbox sent an answer of the wrong type"};
    pending = extract(header.id);
    kill_timer = pending->kill_timer;
    if (header.id == ping_id_) ping_id_ = 0;
  }
  if (kill_timer != 0) reactor_.cancel(kill_timer);
  switch (pending->phase) {
    case Phase::abandoned:
      return {};
    case Phase::ending:
      (void)pending->done(given_up(pending->end_code));
      return {};
    case Phase::waiting:
      break;
  }
  if (pending->done(Reply{header.type, payload})) return {};
  return Error{ErrorCode::data_loss,
               "protocol error: the sandbox sent an answer that does not fit the request"};
}

void RunnerSession::give_up(std::uint32_t id, ErrorCode code) {
  std::shared_ptr<RunnerLink> link;
  std::shared_ptr<Pending> pending;
  std::function<bool(const Result<Reply>&)> done;
  {
    const MutexLock lock(mutex_);
    const auto found = table_.find(id);
    if (found == table_.end() || found->second->phase != Phase::waiting) return;
    pending = found->second;
    if (pending->sent_on == 0) {
      extract(id);
      done = std::move(pending->done);
    } else {
      pending->end_code = code;
      pending->phase = pending->kill ? Phase::ending : Phase::abandoned;
      if (!pending->kill) done = std::move(pending->done);
      link = want_cancel(*pending);
    }
  }
  if (link) (void)link->send(cancel_frame(id, pending->kill));
  if (done) {
    (void)done(given_up(code));
    return;
  }
  const auto timer =
      reactor_.at(std::chrono::steady_clock::now() + times_.kill_bound, [weak = weak_from_this(), id] {
        if (const auto self = weak.lock()) self->abandon(id);
      });
  const MutexLock lock(mutex_);
  pending->kill_timer = timer;
}

void RunnerSession::abandon(std::uint32_t id) {
  std::function<bool(const Result<Reply>&)> done;
  ErrorCode code{};
  {
    const MutexLock lock(mutex_);
    const auto found = table_.find(id);
    if (found == table_.end() || found->second->phase != Phase::ending) return;
    found->second->phase = Phase::abandoned;
    code = found->second->end_code;
    done = std::move(found->second->done);
  }
  (void)done(given_up(code));
}

void RunnerSession::hurry(std::uint32_t id) {
  std::shared_ptr<RunnerLink> link;
  {
    const MutexLock lock(mutex_);
    const auto found = table_.find(id);
    if (found == table_.end()) return;
    link = want_cancel(*found->second);
  }
  if (link) (void)link->send(cancel_frame(id, false));
}

std::shared_ptr<RunnerLink> RunnerSession::want_cancel(Pending& pending) {
  pending.cancel_wanted = true;
  if (!link_ready_ || pending.sent_on != link_number_) return nullptr;
  pending.cancel_on = link_number_;
  return link_;
}

void RunnerSession::die(const Error& why) {
  Table outstanding;
  std::shared_ptr<RunnerLink> link;
  Lost lost;
  {
    const MutexLock lock(mutex_);
    if (dead_) return;
    dead_ = why;
    outstanding.swap(table_);
    unanswered_ = 0;
    link = std::move(link_);
    link_ready_ = false;
    lost = std::move(lost_);
  }
  reactor_.post([outstanding = std::move(outstanding), link = std::move(link), lost = std::move(lost), why] {
    if (link) link->close();
    for (const auto& [id, pending] : outstanding) {
      if (pending->phase == Phase::waiting) (void)pending->done(why);
      if (pending->phase == Phase::ending) (void)pending->done(given_up(pending->end_code));
    }
    if (lost) lost(why);
  });
}

void RunnerSession::shutdown(const Error& why) {
  std::thread worker;
  stop_.request_stop();
  {
    const MutexLock lock(mutex_);
    lost_ = nullptr;
  }
  die(why);
  {
    const MutexLock lock(mutex_);
    worker = std::move(worker_);
  }
  if (worker.joinable()) worker.join();
}

}  // namespace rexec::sandbox
