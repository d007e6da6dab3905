#include "mcp/timer_queue.h"

#include <atomic>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::mcp {
namespace {

SteadyTime in_ms(int ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}

}  // namespace

TEST_CASE("Timers run in the order of their times", "[mcp]") {
  Mutex mutex;
  std::vector<int> order;
  TimerQueue timers;
  const SteadyTime base = in_ms(5);
  const auto add = [&](int number) {
    timers.at(base + std::chrono::milliseconds(number), [&, number] {
      MutexLock lock(mutex);
      order.push_back(number);
    });
  };
  add(3);
  add(1);
  add(2);
  REQUIRE(test::eventually([&] {
    MutexLock lock(mutex);
    return order.size() == 3;
  }));
  MutexLock lock(mutex);
  REQUIRE(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("A cancelled timer does not run", "[mcp]") {
  std::atomic<int> runs = 0;
  TimerQueue timers;
  const auto cancelled = timers.at(in_ms(20), [&] { runs += 100; });
  timers.at(in_ms(30), [&] { runs += 1; });
  timers.cancel(cancelled);
  timers.cancel(cancelled);
  REQUIRE(test::eventually([&] { return runs != 0; }));
  REQUIRE(runs == 1);
}

TEST_CASE("A stopped queue drops its timers and takes no more", "[mcp]") {
  std::atomic<int> runs = 0;
  TimerQueue timers;
  timers.at(in_ms(10'000), [&] { ++runs; });
  timers.stop();
  timers.stop();
  REQUIRE(timers.at(in_ms(0), [&] { ++runs; }) == 0);
  REQUIRE(runs == 0);
}

}  // namespace rexec::mcp
