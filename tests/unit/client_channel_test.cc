#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/thread_annotations.h"
#include "sandbox-client/channel.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

using namespace rexec;
using namespace rexec::sandbox;
using rexec::test::eventually;

namespace {

class Recorder final : public ChannelSink {
 public:
  std::function<void()> on_bytes;

  void on_data(std::string_view bytes) override {
    {
      const MutexLock lock(mutex_);
      data_.append(bytes);
    }
    if (on_bytes) on_bytes();
  }
  void on_closed(const Error& why) override {
    const MutexLock lock(mutex_);
    ++closed_;
    why_ = why;
  }
  std::string data() const {
    const MutexLock lock(mutex_);
    return data_;
  }
  std::size_t size() const {
    const MutexLock lock(mutex_);
    return data_.size();
  }
  int closed() const {
    const MutexLock lock(mutex_);
    return closed_;
  }

 private:
  mutable Mutex mutex_;
  std::string data_ REXEC_GUARDED_BY(mutex_);
  int closed_ REXEC_GUARDED_BY(mutex_) = 0;
  Error why_ REXEC_GUARDED_BY(mutex_);
};

struct Ends {
  std::unique_ptr<Channel> channel;
  UniqueFd peer;
};

Ends connect(Reactor& reactor) {
  auto pair = make_socket_pair();
  REQUIRE(pair);
  return Ends{make_socket_channel(std::move(pair->first), reactor), std::move(pair->second)};
}

std::string read_exactly(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::read(fd, bytes.data() + got, size - got);
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 31 + i / 251) & 0xff);
  return bytes;
}

}  // namespace

TEST_CASE("A channel delivers what comes and sends what it is given") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  REQUIRE(ends.channel->send("before attach ").ok());
  ends.channel->attach(sink);
  REQUIRE(ends.channel->send("after").ok());
  CHECK(read_exactly(ends.peer.get(), 19) == "before attach after");
  REQUIRE(write_all(ends.peer.get(), "hello").ok());
  CHECK(eventually([&] { return sink.data() == "hello"; }));
  ends.channel->close();
  CHECK(sink.closed() == 0);
}

TEST_CASE("A channel moves megabytes both ways at once without losing a byte") {
  const auto reactor = make_reactor();
  const std::string out = pattern(9'000'000);
  const std::string in = pattern(7'000'001);
  Recorder sink;
  Ends ends = connect(*reactor);
  ends.channel->attach(sink);
  std::string received;
  std::thread writer([&] { (void)write_all(ends.peer.get(), in); });
  std::thread reader([&] { received = read_exactly(ends.peer.get(), out.size()); });
  for (std::size_t at = 0; at < out.size(); at += 100'003)
    REQUIRE(ends.channel->send(out.substr(at, 100'003)).ok());
  writer.join();
  reader.join();
  CHECK(received == out);
  CHECK(eventually([&] { return sink.size() == in.size(); }));
  CHECK(sink.data() == in);
}

TEST_CASE("Bytes of one send stay together whatever other threads send") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  ends.channel->attach(sink);
  constexpr std::size_t kEach = 40;
  constexpr std::size_t kSize = 30'000;
  std::string received;
  std::thread reader([&] { received = read_exactly(ends.peer.get(), 4 * kEach * kSize); });
  std::vector<std::thread> threads;
  for (char name = 'a'; name <= 'd'; ++name)
    threads.emplace_back([&, name] {
      for (std::size_t i = 0; i < kEach; ++i) (void)ends.channel->send(std::string(kSize, name));
    });
  for (std::thread& thread : threads) thread.join();
  reader.join();
  REQUIRE(received.size() == 4 * kEach * kSize);
  bool together = true;
  for (std::size_t at = 0; at < received.size(); at += kSize)
    together = together && received.find_first_not_of(received[at], at) >= at + kSize;
  CHECK(together);
}

TEST_CASE("on_closed comes exactly once when the other side goes, after everything that was sent") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  ends.channel->attach(sink);
  REQUIRE(write_all(ends.peer.get(), pattern(300'000).substr(0, 100'000)).ok());
  ends.peer.reset();
  CHECK(eventually([&] { return sink.closed() == 1; }));
  CHECK(sink.size() == 100'000);
  CHECK(ends.channel->send("x").error().code == ErrorCode::unavailable);
  ends.channel->close();
  CHECK(sink.closed() == 1);
}

TEST_CASE("A send that fails closes the channel, once, also before attach") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  ::shutdown(ends.peer.get(), SHUT_RD);  // nothing to read here, but nothing can be written either
  CHECK_FALSE(ends.channel->send("x").ok());
  ends.channel->attach(sink);
  CHECK(eventually([&] { return sink.closed() == 1; }));
  CHECK_FALSE(ends.channel->send("x").ok());
}

TEST_CASE("A send that fails delivers first what the other side had said") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  REQUIRE(write_all(ends.peer.get(), "last words").ok());
  ::shutdown(ends.peer.get(), SHUT_RD);
  CHECK_FALSE(ends.channel->send("x").ok());
  ends.channel->attach(sink);
  CHECK(eventually([&] { return sink.closed() == 1; }));
  CHECK(sink.data() == "last words");
}

TEST_CASE("A peer that never reads is closed when too much waits for it") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  ends.channel->attach(sink);
  const std::string piece(8 << 20, 'x');
  Status sent;
  std::size_t accepted = 0;
  while (sent.ok() && accepted < Channel::kMaxQueued * 2) {
    sent = ends.channel->send(piece);
    if (sent.ok()) accepted += piece.size();
  }
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().code == ErrorCode::resource_exhausted);
  CHECK(accepted <= Channel::kMaxQueued + (1 << 20));
  CHECK(eventually([&] { return sink.closed() == 1; }));
}

TEST_CASE("After close has returned the sink is not called, whatever arrives meanwhile") {
  const auto reactor = make_reactor();
  for (int round = 0; round < 50; ++round) {
    Ends ends = connect(*reactor);
    std::atomic<bool> closed = false;
    std::atomic<bool> called_late = false;
    auto sink = std::make_unique<Recorder>();
    sink->on_bytes = [&] {
      if (closed) called_late = true;
    };
    ends.channel->attach(*sink);
    std::thread writer([&] {
      const std::string piece(10'000, 'x');
      for (int i = 0; i < 100; ++i)
        if (::send(ends.peer.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return;
    });
    if (round % 2 == 0) (void)eventually([&] { return sink->size() > 0; });
    ends.channel->close();
    closed = true;
    CHECK(sink->closed() == 0);
    sink.reset();
    writer.join();
    CHECK_FALSE(called_late);
  }
}

TEST_CASE("Closing and the other side's going at the same time ends in one of the two") {
  const auto reactor = make_reactor();
  for (int round = 0; round < 100; ++round) {
    Ends ends = connect(*reactor);
    Recorder sink;
    ends.channel->attach(sink);
    std::thread other([&] { ends.peer.reset(); });
    ends.channel->close();
    CHECK(sink.closed() <= 1);
    const int after = sink.closed();
    other.join();
    ends.channel.reset();
    CHECK(sink.closed() == after);
  }
}

TEST_CASE("The other side sees the end as soon as the channel is closed") {
  const auto reactor = make_reactor();
  Recorder sink;
  Ends ends = connect(*reactor);
  ends.channel->attach(sink);
  ends.channel->close();
  char c = 0;
  CHECK(::read(ends.peer.get(), &c, 1) == 0);
}

TEST_CASE("A channel may be closed and destroyed without having been attached") {
  const auto reactor = make_reactor();
  Ends ends = connect(*reactor);
  ends.channel->close();
  ends.channel.reset();
  char c = 0;
  CHECK(::read(ends.peer.get(), &c, 1) == 0);
}
