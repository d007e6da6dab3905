#include "mcp/request_stream.h"

#include <utility>

#include "mcp/jsonrpc.h"

namespace rexec::mcp {

void RequestStream::send(Message message) {
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    queue_.push_back(Item{std::move(message), {}});
  }
  deliver();
}

void RequestStream::send_progress(const Json& token, std::string_view text) {
  Json params{{"progressToken", token}};
  if (!text.empty()) params["message"] = text;
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    params["progress"] = ++progress_;
    queue_.push_back(Item{make_notification("notifications/progress", params), {}});
  }
  deliver();
}

bool RequestStream::finish(Message answer, RequestRegistry::Ticket ticket) {
  {
    MutexLock lock(mutex_);
    if (ended_) return false;
    ended_ = true;
    queue_.push_back(Item{std::move(answer), std::move(ticket)});
  }
  deliver();
  return true;
}

void RequestStream::abandon() {
  std::deque<Item> discarded;
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    queue_.swap(discarded);
  }
  deliver();
}

std::shared_ptr<Outbound> RequestStream::outbound() {
  MutexLock lock(mutex_);
  return ended_ ? nullptr : out_;
}

void RequestStream::deliver() {
  {
    MutexLock lock(mutex_);
    if (delivering_) return;
    delivering_ = true;
  }
  for (;;) {
    // `out` goes before `item`: what the last holder of an Outbound sends is sent before the ticket is
    // released.
    Item item;
    std::shared_ptr<Outbound> out;
    {
      MutexLock lock(mutex_);
      const bool empty = queue_.empty();
      if (!empty) {
        item = std::move(queue_.front());
        queue_.pop_front();
      }
      out = ended_ && queue_.empty() ? std::exchange(out_, nullptr) : out_;
      if (empty) {
        delivering_ = false;
        return;
      }
    }
    // A peer that is gone is noticed by its transport; there is nobody left to tell.
    if (out) (void)out->send(std::move(item.message)).ok();
  }
}

}  // namespace rexec::mcp
