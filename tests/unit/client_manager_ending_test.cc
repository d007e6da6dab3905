#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "sandbox-client/manager.h"
#include "sandbox-client/manager_core.h"
#include "sandbox-client/sandbox_table.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/manager_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;
using Fixture = ManagerFixture;

namespace {

using test::kAlice;

}  // namespace

TEST_CASE("Shutting down ends every sandbox that is not persistent, and refuses new ones") {
  Fixture f;
  for (const char* name : {"a", "b", "c", "d", "e"}) REQUIRE(f.create(kAlice, name).ok());
  CreateRequest kept;
  kept.spec.name = "kept";
  kept.spec.persistent = true;
  REQUIRE(f.manager->create(kAlice, kept, Op{}).ok());
  f.manager->shutdown();
  CHECK(f.backend->sandboxes() == 1);
  CHECK(f.acquire_error(kAlice, "a") == ErrorCode::unavailable);
  CHECK(f.create(kAlice, "f").error().code == ErrorCode::unavailable);
  CHECK(f.manager->try_acquire(kAlice, std::nullopt)->error().code == ErrorCode::unavailable);
  f.manager->shutdown();
  CHECK(f.backend->sandboxes() == 1);
}

TEST_CASE("A sandbox that is being made when the server shuts down does not stay behind") {
  Fixture f;
  f.backend->on_create = [](const SandboxSpec&, const Op& op) {
    (void)eventually([&] { return op.stop.stop_requested(); });
    return Status();
  };
  std::atomic<bool> refused = false;
  std::thread maker([&] { refused = !f.manager->acquire(kAlice, std::nullopt, Op{}).ok(); });
  CHECK(eventually([&] { return f.called("create default") == 1; }));
  f.manager->shutdown();
  CHECK(f.backend->sandboxes() == 0);
  maker.join();
  CHECK(refused);
}

TEST_CASE("Shutting down closes a runner that a call still holds") {
  Fixture f;
  const auto handle = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(handle.ok());
  CHECK(handle->runner->alive());
  f.manager->shutdown();
  CHECK_FALSE(handle->runner->alive());
}

TEST_CASE("A system that grants no thread fails the call, and the next one makes the sandbox") {
  Fixture f;
  f.backend->on_create = [](const SandboxSpec&, const Op&) -> Status {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  };
  CHECK(f.acquire_error(kAlice, "default") == ErrorCode::resource_exhausted);
  CHECK(f.manager->list(kAlice, Op{})->empty());
  f.backend->on_create = nullptr;
  const auto open = std::exchange(
      f.backend->on_open_channel, [](const SandboxId&, const Op&) -> Result<std::unique_ptr<Channel>> {
        throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
      });
  CHECK(f.acquire_error(kAlice, "default") == ErrorCode::resource_exhausted);
  CHECK(f.backend->sandboxes() == 0);
  f.backend->on_open_channel = open;
  CHECK(f.manager->acquire(kAlice, std::nullopt, Op{}).ok());
}

TEST_CASE("An exception leaves no sandbox busy") {
  Fixture f;
  f.backend->on_create = [](const SandboxSpec&, const Op&) -> Status { throw std::runtime_error("x"); };
  CHECK_THROWS_AS(f.manager->acquire(kAlice, std::nullopt, Op{}), std::runtime_error);
  f.backend->on_create = nullptr;
  CHECK(f.manager->acquire(kAlice, std::nullopt, Op{}).ok());
  f.backend->on_stop = [](const SandboxId&, const Op&) -> Status { throw std::runtime_error("x"); };
  CHECK_THROWS_AS(f.manager->control(kAlice, "default", ControlAction::stop, std::nullopt, Op{}),
                  std::runtime_error);
  CHECK(f.manager->try_acquire(kAlice, std::nullopt).has_value());
}

TEST_CASE("A task that a full pool refuses is handed to it again") {
  const auto reactor = make_reactor();
  const auto pool = std::make_shared<WorkerPool>(WorkerPool::Options{1, 1});
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::promise<void> started;
  REQUIRE(pool->try_post([&] {
    started.set_value();
    released.wait();
  }));
  started.get_future().wait();
  REQUIRE(pool->try_post([] {}));
  std::atomic<bool> done = false;
  post_at(*reactor, pool, SteadyTime{}, [&] { done = true; });
  std::promise<void> refused;
  reactor->at(SteadyTime{} + Duration(1), [&] { refused.set_value(); });
  refused.get_future().wait();
  CHECK_FALSE(done);
  release.set_value();
  CHECK(eventually([&] { return done.load(); }));
}

TEST_CASE("A sandbox that is lost while a call works on it is removed when that call fails") {
  Fixture f;
  const auto record = f.create(kAlice, "work");
  const auto other = f.create(kAlice, "other");
  REQUIRE((record.ok() && other.ok()));
  f.backend->on_stop = [&](const SandboxId& id, const Op&) -> Status {
    f.kill(id);
    f.kill(other->id);
    (void)eventually([&] { return f.backend->sandboxes() == 1; });
    return Error{ErrorCode::deadline_exceeded, "it does not stop"};
  };
  CHECK(f.manager->control(kAlice, "work", ControlAction::stop, std::nullopt, Op{}).error().code ==
        ErrorCode::deadline_exceeded);
  CHECK(eventually([&] { return f.backend->sandboxes() == 0; }));
  CHECK(f.acquire_error(kAlice, "work") == ErrorCode::not_found);
}

TEST_CASE("A sandbox whose time is over while a call on it fails still ends") {
  Fixture f;
  REQUIRE(f.create(kAlice, "work", std::chrono::hours(1)).ok());
  f.backend->on_stop = [&](const SandboxId&, const Op&) -> Status {
    f.clock.advance(std::chrono::hours(2));
    return Error{ErrorCode::deadline_exceeded, "it does not stop"};
  };
  CHECK_FALSE(f.manager->control(kAlice, "work", ControlAction::stop, std::nullopt, Op{}).ok());
  CHECK(eventually([&] { return f.backend->sandboxes() == 0; }));
}

TEST_CASE("Deleting a sandbox that ends but leaves files behind succeeds; one that lives on is kept") {
  Fixture f;
  const auto record = f.create(kAlice, "work");
  REQUIRE(record.ok());
  const auto remove = [&] {
    return f.manager->control(kAlice, "work", ControlAction::remove, std::nullopt, Op{});
  };
  f.backend->on_destroy = [](const SandboxId&, const Op&) -> Status {
    return Error{ErrorCode::deadline_exceeded, "it does not end"};
  };
  CHECK(remove().error().code == ErrorCode::deadline_exceeded);
  CHECK(f.manager->acquire(kAlice, "work", Op{}).ok());
  f.backend->on_destroy = [&](const SandboxId& id, const Op&) -> Status {
    f.kill(id);
    return Error{ErrorCode::internal, "a file cannot be removed"};
  };
  CHECK(remove().ok());
  CHECK(f.manager->list(kAlice, Op{})->empty());
  CHECK(remove().error().code == ErrorCode::not_found);
  f.backend->on_destroy = nullptr;
}

TEST_CASE("Using, losing, removing and making at once leaves one sandbox or none for each name") {
  Fixture f;
  std::atomic<bool> stop = false;
  std::atomic<int> unexpected = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        const auto handle = f.manager->acquire(kAlice, std::nullopt, Op{});
        if (!handle) {
          if (handle.error().code != ErrorCode::unavailable && handle.error().code != ErrorCode::data_loss)
            ++unexpected;
        }
      }
    });
  for (int i = 0; i < 60; ++i) {
    if (i % 2 == 0) {
      (void)f.manager->control(kAlice, "default", ControlAction::remove, std::nullopt, Op{});
    } else if (const auto handle = f.manager->acquire(kAlice, std::nullopt, Op{})) {
      f.kill(handle->record.id);
    }
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(unexpected == 0);
  CHECK(eventually([&] { return f.backend->sandboxes() <= 1; }));
}
