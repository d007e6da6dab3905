#include "sandbox-client/runner/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rexec::runner {
namespace {

constexpr std::size_t kBuffer = 64 << 10;
constexpr std::size_t kLargestFrame = kHeaderSize + kMaxPayload;
// Starting a command takes as long as a loop turn may: after so many requests it is others' turn, among them
// the commands that have ended meanwhile.
constexpr int kFramesPerTurn = 2;

}  // namespace

Connection::Connection(Loop& loop, Owner& owner, std::uint64_t serial, Fd socket)
    : loop_(loop), owner_(owner), serial_(serial), socket_(std::move(socket)), interest_(EPOLLIN) {
  if (!loop_.watch(socket_.get(), interest_, *this)) close();
}

Connection::~Connection() {
  loop_.cancel(parse_timer_);
  loop_.cancel(closing_timer_);
  loop_.unwatch(socket_.get());
}

void Connection::close() {
  if (closing_) return;
  closing_ = true;
  loop_.unwatch(socket_.get());
  closing_timer_ = loop_.after_ms(0, [this] { owner_.closed(*this); });
}

void Connection::ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    const bool was_congested = congested();
    flush();
    if (was_congested && !congested() && !closing_) {
      parse();
      owner_.relaxed(*this);
    }
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !closing_) receive();
  if (!closing_) update_interest();
}

void Connection::receive() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() != kBuffer) std::vector<char>(kBuffer).swap(buffer_);
  }
  std::size_t wanted = kBuffer;
  FrameHeader header;
  if (end_ - begin_ >= kHeaderSize && decode_header({buffer_.data() + begin_, kHeaderSize}, header))
    wanted = kHeaderSize + header.length - std::min(end_ - begin_, kHeaderSize + std::size_t{header.length});
  wanted = std::clamp(wanted, std::size_t{1}, kLargestFrame);
  if (buffer_.size() - end_ < wanted) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (buffer_.size() - end_ < wanted) buffer_.resize(end_ + wanted);
  }
  const ssize_t size = ::recv(socket_.get(), buffer_.data() + end_, buffer_.size() - end_, MSG_DONTWAIT);
  if (size > 0) {
    end_ += static_cast<std::size_t>(size);
    parse();
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    close();
  }
}

void Connection::parse() {
  for (int frames = 0; !closing_ && !congested() && end_ - begin_ >= kHeaderSize; ++frames) {
    FrameHeader header;
    if (!decode_header({buffer_.data() + begin_, kHeaderSize}, header)) return close();
    if (end_ - begin_ < kHeaderSize + header.length) return;
    if (frames == kFramesPerTurn) return parse_later();
    const std::string_view payload(buffer_.data() + begin_ + kHeaderSize, header.length);
    begin_ += kHeaderSize + header.length;
    owner_.received(*this, header, payload);
  }
}

void Connection::parse_later() {
  loop_.cancel(parse_timer_);
  parse_timer_ = loop_.after_ms(0, [this] {
    parse_timer_ = {};
    parse();
    if (!closing_) update_interest();
  });
}

void Connection::send(std::string frame) {
  if (closing_) return;
  unsent_ += frame.size();
  queue_.push_back(std::move(frame));
  if (queue_.size() == 1) flush();
  if (!closing_) update_interest();
}

void Connection::flush() {
  while (!queue_.empty()) {
    const std::string& front = queue_.front();
    const ssize_t size = ::send(socket_.get(), front.data() + front_sent_, front.size() - front_sent_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      if (errno != EAGAIN) close();
      return;
    }
    front_sent_ += static_cast<std::size_t>(size);
    unsent_ -= static_cast<std::size_t>(size);
    if (front_sent_ < front.size()) continue;
    queue_.pop_front();
    front_sent_ = 0;
  }
}

void Connection::update_interest() {
  std::uint32_t interest = congested() || parse_timer_.serial != 0 ? 0U : std::uint32_t{EPOLLIN};
  if (!queue_.empty()) interest |= EPOLLOUT;
  if (interest == interest_) return;
  interest_ = interest;
  loop_.modify(socket_.get(), interest);
}

}  // namespace rexec::runner
