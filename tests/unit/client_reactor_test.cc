#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "sandbox-client/channel.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

using namespace rexec;
using rexec::sandbox::make_reactor;
using rexec::sandbox::Reactor;
using rexec::test::eventually;

namespace {

constexpr auto kLimit = std::chrono::seconds(10);

// Runs `task` on the reactor's thread and waits until it has.
void on_reactor(Reactor& reactor, std::function<void()> task) {
  std::promise<void> done;
  reactor.post([&] {
    task();
    done.set_value();
  });
  REQUIRE(done.get_future().wait_for(kLimit) == std::future_status::ready);
}

SteadyTime in(Duration duration) {
  return std::chrono::steady_clock::now() + duration;
}

}  // namespace

TEST_CASE("Reactor runs posted tasks in the order of the calls, on its own thread") {
  const auto reactor = make_reactor();
  std::vector<int> order;
  bool on_thread = true;
  for (int i = 0; i < 1000; ++i)
    reactor->post([&, i] {
      on_thread = on_thread && reactor->on_thread();
      order.push_back(i);
    });
  on_reactor(*reactor, [] {});
  REQUIRE(order.size() == 1000);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(on_thread);
  CHECK_FALSE(reactor->on_thread());
}

TEST_CASE("Reactor runs tasks that tasks post, after those that were there") {
  const auto reactor = make_reactor();
  std::string order;
  std::promise<void> done;
  reactor->post([&] {
    order += "a";
    reactor->post([&] {
      order += "c";
      done.set_value();
    });
    order += "b";
  });
  REQUIRE(done.get_future().wait_for(kLimit) == std::future_status::ready);
  CHECK(order == "abc");
}

TEST_CASE("Reactor takes tasks from many threads without losing one") {
  const auto reactor = make_reactor();
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) reactor->post([&] { ++ran; });
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(eventually([&] { return ran == 20000; }));
}

TEST_CASE("Reactor runs what was posted before it ends, and drops timers") {
  std::atomic<int> ran = 0;
  {
    const auto reactor = make_reactor();
    reactor->at(in(std::chrono::hours(1)), [&] { ran += 1000; });
    for (int i = 0; i < 100; ++i) reactor->post([&] { ++ran; });
  }
  CHECK(ran == 100);
}

TEST_CASE("Reactor fires timers in the order of their times") {
  const auto reactor = make_reactor();
  std::string order;
  std::promise<void> done;
  const SteadyTime now = std::chrono::steady_clock::now();
  reactor->at(now + std::chrono::milliseconds(30), [&] { order += "c"; });
  reactor->at(now + std::chrono::milliseconds(10), [&] { order += "a"; });
  reactor->at(now + std::chrono::milliseconds(40), [&] { done.set_value(); });
  reactor->at(now + std::chrono::milliseconds(10), [&] { order += "b"; });
  REQUIRE(done.get_future().wait_for(kLimit) == std::future_status::ready);
  CHECK(order == "abc");
  CHECK(std::chrono::steady_clock::now() >= now + std::chrono::milliseconds(40));
}

TEST_CASE("Reactor is woken for a timer that comes before the one it sleeps for") {
  const auto reactor = make_reactor();
  reactor->at(in(std::chrono::hours(1)), [] {});
  on_reactor(*reactor, [] {});
  std::promise<void> done;
  reactor->at(in(std::chrono::milliseconds(5)), [&] { done.set_value(); });
  CHECK(done.get_future().wait_for(kLimit) == std::future_status::ready);
}

TEST_CASE("A cancelled timer does not run, and cancelling twice or too late says so") {
  const auto reactor = make_reactor();
  std::atomic<bool> ran = false;
  const auto id = reactor->at(in(std::chrono::milliseconds(20)), [&] { ran = true; });
  CHECK(reactor->cancel(id));
  CHECK_FALSE(reactor->cancel(id));
  std::promise<void> fired;
  const auto second = reactor->at(in(std::chrono::milliseconds(30)), [&] { fired.set_value(); });
  REQUIRE(fired.get_future().wait_for(kLimit) == std::future_status::ready);
  CHECK_FALSE(ran);
  CHECK_FALSE(reactor->cancel(second));
  CHECK(second != id);
}

TEST_CASE("Cancelling many timers leaves the others in place") {
  const auto reactor = make_reactor();
  std::atomic<int> ran = 0;
  std::vector<Reactor::TimerId> cancelled;
  for (int i = 0; i < 2000; ++i) {
    const auto id = reactor->at(in(std::chrono::milliseconds(i % 7)), [&] { ++ran; });
    if (i % 20 != 0) cancelled.push_back(reactor->cancel(id) ? id : 0);
  }
  const auto late = static_cast<int>(std::count(cancelled.begin(), cancelled.end(), 0U));
  CHECK(eventually([&] { return ran == 100 + late; }));
}

TEST_CASE("What a timer's task holds is let go when it is cancelled") {
  const auto reactor = make_reactor();
  const auto held = std::make_shared<int>(1);
  const auto id = reactor->at(in(std::chrono::hours(1)), [held] {});
  CHECK(held.use_count() == 2);
  reactor->cancel(id);
  CHECK(held.use_count() == 1);
}

TEST_CASE("Reactor reports what a descriptor is ready for until it is unwatched") {
  const auto reactor = make_reactor();
  auto pair = make_socket_pair();
  REQUIRE(pair);
  std::atomic<int> bytes = 0;
  const int fd = pair->first.get();
  on_reactor(*reactor, [&] {
    reactor->watch(fd, EPOLLIN, [&, fd](std::uint32_t events) {
      char c = 0;
      if ((events & EPOLLIN) != 0 && ::read(fd, &c, 1) == 1) ++bytes;
    });
  });
  REQUIRE(write_all(pair->second.get(), "four").ok());
  CHECK(eventually([&] { return bytes == 4; }));
  on_reactor(*reactor, [&] { reactor->unwatch(fd); });
  REQUIRE(write_all(pair->second.get(), "more").ok());
  on_reactor(*reactor, [] {});
  CHECK(bytes == 4);
}

TEST_CASE(
    "An event of a descriptor that was closed in the same round does not reach the next owner of its "
    "number") {
  const auto reactor = make_reactor();
  auto a = make_socket_pair();
  auto b = make_socket_pair();
  auto fresh = make_socket_pair();
  REQUIRE((a && b && fresh));
  std::atomic<int> stale = 0;
  std::atomic<int> handled = 0;
  std::promise<void> done;
  // Both are ready in one batch. Whoever is served first replaces the other one by a descriptor of the same
  // number that has nothing to read.
  const auto replace = [&](int self, int other) {
    if (++handled > 1) return;
    reactor->unwatch(self);
    reactor->unwatch(other);
    (void)::dup2(fresh->first.get(), other);
    reactor->watch(other, EPOLLIN, [&](std::uint32_t) { ++stale; });
    reactor->post([&] { done.set_value(); });
  };
  const int fd_a = a->first.get();
  const int fd_b = b->first.get();
  REQUIRE(write_all(a->second.get(), "x").ok());
  REQUIRE(write_all(b->second.get(), "x").ok());
  on_reactor(*reactor, [&] {
    reactor->watch(fd_a, EPOLLIN, [&, fd_a, fd_b](std::uint32_t) { replace(fd_a, fd_b); });
    reactor->watch(fd_b, EPOLLIN, [&, fd_a, fd_b](std::uint32_t) { replace(fd_b, fd_a); });
  });
  REQUIRE(done.get_future().wait_for(kLimit) == std::future_status::ready);
  on_reactor(*reactor, [&] {
    reactor->unwatch(fd_a);
    reactor->unwatch(fd_b);
  });
  CHECK(handled == 1);
  CHECK(stale == 0);
}
