#include "tests/support/fake_wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace rexec::test {

using runner::MessageType;

FakeWire::~FakeWire() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    for (const UniqueFd& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::unique_ptr<sandbox::Channel> FakeWire::connect(sandbox::Reactor& reactor) {
  auto pair = make_socket_pair();
  if (!pair) std::abort();
  const int fd = pair->second.get();
  const MutexLock lock(mutex_);
  sockets_.push_back(std::move(pair->second));
  threads_.emplace_back([this, fd, number = sockets_.size()] { serve(fd, number); });
  return sandbox::make_socket_channel(std::move(pair->first), reactor);
}

void FakeWire::serve(int fd, std::size_t number) {
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return;
    bytes.append(buffer, static_cast<std::size_t>(n));
    runner::FrameHeader header;
    while (bytes.size() >= runner::kHeaderSize &&
           runner::decode_header(std::string_view(bytes).substr(0, runner::kHeaderSize), header) &&
           bytes.size() >= runner::kHeaderSize + header.length) {
      WireFrame frame{header.type, header.id, bytes.substr(runner::kHeaderSize, header.length), number};
      bytes.erase(0, runner::kHeaderSize + header.length);
      take(std::move(frame));
    }
  }
}

void FakeWire::take(WireFrame frame) {
  if (frame.type == MessageType::hello && answer_hello) {
    runner::HelloReply hello;
    hello.boot_id = boot_id;
    hello.home = "/home/user";
    hello.shell = "/bin/bash";
    hello.machine = "x86_64";
    return reply(frame, MessageType::hello_reply, hello);
  }
  if (frame.type == MessageType::ping && answer_ping) return send(MessageType::pong, frame.id, {});
  if (handler && handler(*this, frame)) return;
  const MutexLock lock(mutex_);
  frames_.push_back(std::move(frame));
  came_.notify_all();
}

std::optional<WireFrame> FakeWire::next(MessageType type, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  MutexLock lock(mutex_);
  for (;;) {
    while (!frames_.empty()) {
      WireFrame frame = std::move(frames_.front());
      frames_.pop_front();
      if (frame.type == type) return frame;
    }
    if (came_.wait_until(lock, end) == std::cv_status::timeout && frames_.empty()) return std::nullopt;
  }
}

bool FakeWire::has(MessageType type) const {
  const MutexLock lock(mutex_);
  return std::any_of(frames_.begin(), frames_.end(),
                     [type](const WireFrame& frame) { return frame.type == type; });
}

void FakeWire::send_bytes(std::string_view bytes) {
  int fd = -1;
  {
    const MutexLock lock(mutex_);
    if (sockets_.empty()) return;
    fd = sockets_.back().get();
  }
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void FakeWire::disconnect() {
  const MutexLock lock(mutex_);
  if (!sockets_.empty()) ::shutdown(sockets_.back().get(), SHUT_RDWR);
}

std::size_t FakeWire::connections() const {
  const MutexLock lock(mutex_);
  return sockets_.size();
}

}  // namespace rexec::test
