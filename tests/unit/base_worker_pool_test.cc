#include "base/worker_pool.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/log.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec {
namespace {

using test::eventually;

// Tasks that wait here until the test opens it or leaves; declared after the pool, so that it ends first.
class Gate {
 public:
  void open() { promise_.set_value(); }
  WorkerPool::Task task(std::atomic<int>& entered) {
    return [&entered, future = future_] {
      ++entered;
      future.wait();
    };
  }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_ = promise_.get_future().share();
};

TEST_CASE("a pool runs everything that was posted before it ends", "[base][worker_pool]") {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool({.threads = 3, .queue = 1000});
    for (int i = 0; i < 1000; ++i) REQUIRE(pool.try_post([&] { ++ran; }));
  }
  CHECK(ran == 1000);
}

TEST_CASE("a pool that is never used has no thread and ends at once", "[base][worker_pool]") {
  WorkerPool pool({});
  pool.stop();
  pool.stop();
}

TEST_CASE("tasks run side by side on as many threads as there are", "[base][worker_pool]") {
  std::atomic<int> entered = 0;
  std::atomic<int> later = 0;
  WorkerPool pool({.threads = 3, .queue = 10});
  Gate gate;
  for (int i = 0; i < 3; ++i) REQUIRE(pool.try_post(gate.task(entered)));
  CHECK(eventually([&] { return entered == 3; }));
  REQUIRE(pool.try_post([&] { ++later; }));
  CHECK(later == 0);
  gate.open();
  CHECK(eventually([&] { return later == 1; }));
}

TEST_CASE("try_post refuses what the queue cannot hold, post does not", "[base][worker_pool]") {
  std::atomic<int> ran = 0;
  std::atomic<int> entered = 0;
  WorkerPool pool({.threads = 1, .queue = 2});
  Gate gate;
  REQUIRE(pool.try_post(gate.task(entered)));
  REQUIRE(eventually([&] { return entered == 1; }));
  CHECK(pool.try_post([&] { ++ran; }));
  CHECK(pool.try_post([&] { ++ran; }));
  CHECK_FALSE(pool.try_post([&] { ran += 100; }));
  pool.post([&] { ++ran; });
  CHECK_FALSE(pool.try_post([&] { ran += 100; }));
  gate.open();
  CHECK(eventually([&] { return ran == 3; }));
  CHECK(pool.try_post([&] { ++ran; }));
  pool.stop();
  CHECK(ran == 4);
}

TEST_CASE("a stopped pool refuses try_post and runs post on the caller", "[base][worker_pool]") {
  WorkerPool pool({.threads = 1, .queue = 2});
  pool.stop();
  CHECK_FALSE(pool.try_post([] {}));
  std::thread::id runner;
  pool.post([&] { runner = std::this_thread::get_id(); });
  CHECK(runner == std::this_thread::get_id());
}

TEST_CASE("a task may post while the pool stops", "[base][worker_pool]") {
  std::atomic<int> ran = 0;
  std::atomic<int> entered = 0;
  {
    WorkerPool pool({.threads = 2, .queue = 4});
    Gate gate;
    REQUIRE(pool.try_post(gate.task(entered)));
    REQUIRE(pool.try_post([&] {
      pool.post([&] { ++ran; });
      ++ran;
    }));
    gate.open();
  }
  CHECK(ran == 2);
}

TEST_CASE("a task that throws does not take its thread with it", "[base][worker_pool]") {
  configure_log(LogLevel::off, LogFormat::text, 2);
  std::atomic<int> ran = 0;
  {
    WorkerPool pool({.threads = 1, .queue = 4});
    REQUIRE(pool.try_post([] { throw std::runtime_error("as arranged"); }));
    REQUIRE(pool.try_post([] { throw 1; }));
    REQUIRE(pool.try_post([&] { ++ran; }));
  }
  configure_log(LogLevel::info, LogFormat::text, 2);
  CHECK(ran == 1);
}

TEST_CASE("a pool told to have no thread has one", "[base][worker_pool]") {
  std::atomic<int> ran = 0;
  WorkerPool pool({.threads = 0, .queue = 1});
  REQUIRE(pool.try_post([&] { ++ran; }));
  CHECK(eventually([&] { return ran == 1; }));
}

TEST_CASE("many threads may post at once", "[base][worker_pool]") {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool({.threads = 4, .queue = 10'000});
    std::vector<std::thread> posters;
    for (int i = 0; i < 4; ++i) {
      posters.emplace_back([&] {
        for (int n = 0; n < 500; ++n) pool.post([&] { ++ran; });
      });
    }
    for (std::thread& poster : posters) poster.join();
  }
  CHECK(ran == 2000);
}

}  // namespace
}  // namespace rexec
