#include <deque>
#include <utility>

#include "base/thread_annotations.h"
#include "transport/transport.h"

namespace rexec::transport {
namespace {

constexpr std::size_t kMaxQueued = 65536;  // messages that nobody has received yet

class MemoryOutbound final : public mcp::Outbound {
 public:
  Status send(mcp::Message message) override {
    {
      MutexLock lock(mutex_);
      if (gone_) return Error{ErrorCode::unavailable, "the client is gone"};
      gone_ = queue_.size() >= kMaxQueued;
      if (!gone_) {
        queue_.push_back(std::move(message.text));
        arrived_.notify_one();
        return {};
      }
    }
    closed_.request_stop();
    return Error{ErrorCode::resource_exhausted, "the client does not read its messages"};
  }

  std::stop_token closed() const override { return closed_.get_token(); }

  std::optional<std::string> receive(Deadline deadline) {
    MutexLock lock(mutex_);
    while (queue_.empty()) {
      if (deadline.passed()) return std::nullopt;
      if (deadline.is_infinite()) {
        arrived_.wait(lock);
      } else {
        arrived_.wait_until(lock, deadline.time());
      }
    }
    std::string text = std::move(queue_.front());
    queue_.pop_front();
    return text;
  }

  void close() {
    {
      MutexLock lock(mutex_);
      gone_ = true;
    }
    closed_.request_stop();
  }

 private:
  Mutex mutex_;
  CondVar arrived_;
  std::deque<std::string> queue_ REXEC_GUARDED_BY(mutex_);
  bool gone_ REXEC_GUARDED_BY(mutex_) = false;
  std::stop_source closed_;
};

class MemoryConnectionImpl final : public MemoryConnection {
 public:
  MemoryConnectionImpl(mcp::Endpoint& endpoint, std::string principal) : endpoint_(endpoint) {
    peer_.principal = std::move(principal);
    peer_.session = mcp::make_session();
  }
  ~MemoryConnectionImpl() override { outbound_->close(); }

  void send(std::string text) override { endpoint_.receive(std::move(text), outbound_, peer_); }
  std::optional<std::string> receive(Deadline deadline) override { return outbound_->receive(deadline); }
  void close() override { outbound_->close(); }

 private:
  mcp::Endpoint& endpoint_;
  mcp::Peer peer_;
  const std::shared_ptr<MemoryOutbound> outbound_ = std::make_shared<MemoryOutbound>();
};

}  // namespace

std::unique_ptr<MemoryConnection> connect_in_memory(mcp::Endpoint& endpoint, std::string principal) {
  return std::make_unique<MemoryConnectionImpl>(endpoint, std::move(principal));
}

}  // namespace rexec::transport
