// The part of a session that outlives a connection: finding the runner again, and noticing that it is silent.
#include <algorithm>
#include <system_error>
#include <utility>

#include "sandbox-client/runner_session.h"

namespace rexec::sandbox {

using runner::MessageType;

void RunnerSession::attach(const std::shared_ptr<RunnerLink>& link) {
  std::uint64_t number = 0;
  {
    const MutexLock lock(mutex_);
    if (!dead_) {
      link_ = link;
      number = ++link_number_;
      last_arrival_ = std::chrono::steady_clock::now();
      ping_id_ = 0;
    }
  }
  if (number == 0) return close_later(link);
  if (link->lost()) return lose(link, Error{ErrorCode::unavailable, "the connection was lost at once"});
  // Requests that come meanwhile are found by the next round; a Cancel always follows its request.
  for (;;) {
    std::vector<std::string> frames;
    {
      const MutexLock lock(mutex_);
      if (link_ != link) return;
      std::vector<std::pair<std::uint32_t, Pending*>> in_order;
      for (const auto& [id, pending] : table_) in_order.emplace_back(id, pending.get());
      std::sort(in_order.begin(), in_order.end(), [oldest = next_id_](const auto& a, const auto& b) {
        return a.first - oldest < b.first - oldest;
      });
      for (const auto& [id, pending] : in_order) {
        if (pending->sent_on != number && !pending->frames.empty()) {
          pending->sent_on = number;
          frames.push_back(pending->frames);
        }
        if (pending->cancel_wanted && pending->sent_on == number && pending->cancel_on != number) {
          pending->cancel_on = number;
          frames.push_back(cancel_frame(id, pending->kill));
        }
      }
      if (frames.empty()) {
        link_ready_ = true;
        return;
      }
    }
    for (std::string& frame : frames) (void)link->send(std::move(frame));
  }
}

void RunnerSession::on_link_lost(RunnerLink& link, const Error& why) {
  std::shared_ptr<RunnerLink> held;
  {
    const MutexLock lock(mutex_);
    if (link_.get() != &link) return;
    held = link_;
  }
  lose(held, why);
}

void RunnerSession::lose(const std::shared_ptr<RunnerLink>& link, const Error& why) {
  std::optional<Error> final;
  {
    const MutexLock lock(mutex_);
    if (link_ != link) return;
    if (!reconnect_ || why.code == ErrorCode::data_loss) {
      final = Error{ErrorCode::data_loss, "the sandbox is gone: " + why.message};
    } else if (++fruitless_ > kMaxFruitlessLinks) {
      final = Error{ErrorCode::data_loss, "the sandbox is gone: its connection was lost again and again"};
    } else {
      link_ = nullptr;
      link_ready_ = false;
      ping_id_ = 0;
      link_wanted_ = true;
      try {
        if (!worker_.joinable() && !stop_.stop_requested()) worker_ = std::thread([this] { work(); });
      } catch (const std::system_error&) {
        final = Error{ErrorCode::data_loss, "the sandbox is gone: no thread is left to look for it"};
      }
      work_.notify_all();
    }
  }
  if (final) die(*final);
  close_later(link);
}

void RunnerSession::close_later(std::shared_ptr<RunnerLink> link) {
  reactor_.post([link = std::move(link)] { link->close(); });
}

void RunnerSession::work() {
  const Op forever{stop_.get_token(), Deadline::infinite()};
  for (;;) {
    {
      MutexLock lock(mutex_);
      work_.wait(lock, forever.stop, [this]() REXEC_REQUIRES(mutex_) { return link_wanted_; });
      if (forever.stop.stop_requested()) return;
      link_wanted_ = false;
    }
    auto link = reconnect(Op{forever.stop, Deadline::after(times_.reconnect)});
    if (link) {
      attach(*link);
    } else {
      die(Error{ErrorCode::data_loss, "the sandbox is gone: " + link.error().message});
    }
  }
}

Result<std::shared_ptr<RunnerLink>> RunnerSession::reconnect(const Op& op) {
  ASSIGN_OR_RETURN(auto channel, reconnect_(op));
  const Op greeting{op.stop, op.deadline.sooner(Deadline::after(times_.greeting))};
  ASSIGN_OR_RETURN(auto link, RunnerLink::open(std::move(channel), shared_from_this(), secret_, greeting));
  if (link->hello().boot_id != hello_.boot_id) {
    link->close();
    return Error{ErrorCode::data_loss, "it was started anew, and what ran in it has ended"};
  }
  return link;
}

void RunnerSession::arm_tick(SteadyTime when) {
  reactor_.at(when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick();
  });
}

void RunnerSession::tick() {
  const SteadyTime now = std::chrono::steady_clock::now();
  std::shared_ptr<RunnerLink> link;
  std::shared_ptr<Pending> ping;
  std::uint32_t id = 0;
  SteadyTime next = now + times_.ping_every;
  bool silent = false;
  {
    const MutexLock lock(mutex_);
    if (dead_ || table_.size() == (ping_id_ != 0 ? 1U : 0U)) {
      tick_armed_ = false;
      return;
    }
    if (link_ready_ && ping_id_ != 0) {
      link = link_;
      silent = now - ping_sent_ >= times_.silence;
      next = std::min(next, ping_sent_ + times_.silence);
    } else if (link_ready_ && now - last_arrival_ >= times_.ping_every) {
      ping = std::make_shared<Pending>();
      ping->expected = MessageType::pong;
      ping->done = [](const Result<Reply>&) { return true; };
      ping->cost = 0;
      id = ping_id_ = insert(ping);
      ping_sent_ = now;
    } else {
      next = std::min(next, last_arrival_ + times_.ping_every);
      if (next <= now) next = now + times_.ping_every;
    }
  }
  if (ping) send_new(id, *ping, encode_frame(MessageType::ping, id, {}));
  if (silent) lose(link, Error{ErrorCode::unavailable, "the sandbox has not answered for a minute"});
  arm_tick(next);
}

}  // namespace rexec::sandbox
