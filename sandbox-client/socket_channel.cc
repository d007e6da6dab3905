#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include "base/thread_annotations.h"
#include "sandbox-client/channel.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kReadSize = 256 << 10;
constexpr int kReadsAtOnce = 4;  // then other descriptors get their turn

// What the channel and the tasks that it posted share: a task may run after the channel is gone.
class Socket final : public std::enable_shared_from_this<Socket> {
 public:
  Socket(UniqueFd fd, Reactor& reactor) : reactor_(reactor), fd_number_(fd.get()), fd_(std::move(fd)) {}

  void attach(ChannelSink& sink) {
    {
      const MutexLock lock(mutex_);
      assert(sink_ == nullptr && !attached_);
      if (closed_) return;
      sink_ = &sink;
      attached_ = true;
    }
    reactor_.post([self = shared_from_this()] { self->watch(); });
  }

  Status send(std::string bytes) {
    bool want_write = false;
    std::optional<Error> failure;
    {
      const MutexLock lock(mutex_);
      if (closed_ || failure_) return Error{ErrorCode::unavailable, "the connection is closed"};
      std::size_t sent = 0;
      if (queue_.empty()) {
        if (const int error = write_some(bytes, sent); error != 0) {
          failure = errno_error("writing to the connection", error);
        } else if (sent == bytes.size()) {
          return {};
        }
      }
      if (!failure && queued_ + bytes.size() - sent > Channel::kMaxQueued)
        failure = Error{ErrorCode::resource_exhausted, "the other side does not read: more than " +
                                                           std::to_string(Channel::kMaxQueued >> 20) +
                                                           " MiB wait to be sent"};
      if (failure) {
        set_failed(*failure);
      } else {
        want_write = queue_.empty();
        if (want_write) front_sent_ = sent;
        queued_ += bytes.size() - sent;
        queue_.push_back(std::move(bytes));
      }
    }
    if (failure) {
      reactor_.post([self = shared_from_this()] { self->drain_and_end(); });
      return *std::move(failure);
    }
    if (want_write) reactor_.post([self = shared_from_this()] { self->want_write(); });
    return {};
  }

  void close() {
    UniqueFd unwatched;
    bool watched = false;
    {
      MutexLock lock(mutex_);
      assert(!(in_sink_ && reactor_.on_thread()));
      closed_ = true;
      sink_ = nullptr;
      while (in_sink_) sink_done_.wait(lock);
      if (fd_.valid()) ::shutdown(fd_.get(), SHUT_RDWR);
      queue_.clear();
      queued_ = 0;
      watched = attached_ && fd_.valid();
      if (!watched) unwatched = std::move(fd_);
    }
    if (!watched) return;
    if (reactor_.on_thread()) return release();
    reactor_.post([self = shared_from_this()] { self->release(); });
  }

 private:
  // errno of a failure, else 0; `sent` bytes are gone. A full socket is no failure.
  int write_some(std::string_view bytes, std::size_t& sent) REXEC_REQUIRES(mutex_) {
    while (sent < bytes.size()) {
      const ssize_t n =
          ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n >= 0) {
        sent += static_cast<std::size_t>(n);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return 0;
      } else if (errno != EINTR) {
        return errno;
      }
    }
    return 0;
  }

  void set_failed(Error why) REXEC_REQUIRES(mutex_) {
    failure_ = std::move(why);
    queue_.clear();
    queued_ = 0;
  }

  // Reactor thread from here on.

  void watch() {
    bool writing = false;
    bool failed = false;
    {
      const MutexLock lock(mutex_);
      if (closed_) return;
      writing = !queue_.empty();
      failed = failure_.has_value();
    }
    watching_ = true;
    buffer_.reset(new char[kReadSize]);
    reactor_.watch(fd_number_, writing ? EPOLLIN | EPOLLOUT : EPOLLIN,
                   [self = shared_from_this()](std::uint32_t events) { self->ready(events); });
    if (failed) drain_and_end();
  }

  void want_write() {
    if (watching_) reactor_.modify(fd_number_, EPOLLIN | EPOLLOUT);
  }

  void ready(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_some();
  }

  void flush() {
    bool empty = false;
    bool failed = false;
    {
      const MutexLock lock(mutex_);
      if (closed_ || failure_) return;
      while (!queue_.empty()) {
        const std::size_t before = front_sent_;
        if (const int error = write_some(queue_.front(), front_sent_); error != 0) {
          set_failed(errno_error("writing to the connection", error));
          failed = true;
          break;
        }
        queued_ -= front_sent_ - before;
        if (front_sent_ < queue_.front().size()) break;
        queue_.pop_front();
        front_sent_ = 0;
      }
      empty = queue_.empty();
    }
    if (failed) return drain_and_end();
    if (empty) reactor_.modify(fd_number_, EPOLLIN);
  }

  // True when there may be more to read.
  bool read_some() {
    for (int i = 0; i < kReadsAtOnce; ++i) {
      if (!watching_) return false;
      const ssize_t n = ::recv(fd_number_, buffer_.get(), kReadSize, MSG_DONTWAIT);
      if (n > 0) {
        if (!deliver(std::string_view(buffer_.get(), static_cast<std::size_t>(n)))) return false;
        if (static_cast<std::size_t>(n) < kReadSize) return true;
      } else if (n == 0) {
        end(Error{ErrorCode::unavailable, "the other side closed the connection"});
        return false;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return false;
      } else if (errno != EINTR) {
        end(errno_error("reading from the connection", errno));
        return false;
      }
    }
    return true;
  }

  bool deliver(std::string_view bytes) {
    ChannelSink* const sink = enter_sink();
    if (sink == nullptr) return false;
    sink->on_data(bytes);
    leave_sink();
    return true;
  }

  // What arrived before the failure is delivered first. Before watch() it is left to that.
  void drain_and_end() {
    if (!watching_) return;
    for (std::size_t drained = 0; drained < Channel::kMaxQueued && read_some(); drained += kReadSize) {
    }
    Error why;
    {
      const MutexLock lock(mutex_);
      if (!failure_) return;
      why = *failure_;
    }
    end(why);
  }

  void end(const Error& why) {
    ChannelSink* const sink = enter_sink();
    if (sink == nullptr) return;
    release();
    sink->on_closed(why);
    leave_sink();
  }

  ChannelSink* enter_sink() {
    const MutexLock lock(mutex_);
    if (sink_ == nullptr) return nullptr;
    in_sink_ = true;
    return sink_;
  }

  void leave_sink() {
    const MutexLock lock(mutex_);
    in_sink_ = false;
    sink_done_.notify_all();
  }

  void release() {
    if (std::exchange(watching_, false)) reactor_.unwatch(fd_number_);
    UniqueFd closing;
    const MutexLock lock(mutex_);
    closed_ = true;
    sink_ = nullptr;
    closing = std::move(fd_);
    queue_.clear();
    queued_ = 0;
  }

  Reactor& reactor_;
  const int fd_number_;

  // The reactor thread's own.
  bool watching_ = false;
  std::unique_ptr<char[]> buffer_;

  Mutex mutex_;
  CondVar sink_done_;
  UniqueFd fd_ REXEC_GUARDED_BY(mutex_);
  ChannelSink* sink_ REXEC_GUARDED_BY(mutex_) = nullptr;
  std::deque<std::string> queue_ REXEC_GUARDED_BY(mutex_);
  std::size_t front_sent_ REXEC_GUARDED_BY(mutex_) = 0;  // of queue_.front()
  std::size_t queued_ REXEC_GUARDED_BY(mutex_) = 0;
  bool attached_ REXEC_GUARDED_BY(mutex_) = false;
  bool closed_ REXEC_GUARDED_BY(mutex_) = false;
  std::optional<Error> failure_
      REXEC_GUARDED_BY(mutex_);  // nothing is sent any more; on_closed is on its way
  bool in_sink_ REXEC_GUARDED_BY(mutex_) = false;
};

class SocketChannel final : public Channel {
 public:
  SocketChannel(UniqueFd fd, Reactor& reactor) : socket_(std::make_shared<Socket>(std::move(fd), reactor)) {}
  ~SocketChannel() override { socket_->close(); }

  void attach(ChannelSink& sink) override { socket_->attach(sink); }
  Status send(std::string bytes) override { return socket_->send(std::move(bytes)); }
  void close() override { socket_->close(); }

 private:
  const std::shared_ptr<Socket> socket_;
};

}  // namespace

std::unique_ptr<Channel> make_socket_channel(UniqueFd socket, Reactor& reactor) {
  return std::make_unique<SocketChannel>(std::move(socket), reactor);
}

}  // namespace rexec::sandbox
