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
const Caller kBob{"bob"};

}  // namespace

TEST_CASE("Nothing is made before the first call that needs it") {
  Fixture f;
  CHECK(f.manager->list(kAlice, Op{})->empty());
  CHECK_FALSE(f.manager->try_acquire(kAlice, std::nullopt).has_value());
  CHECK(f.backend->calls().empty());
}

TEST_CASE("The default sandbox is made on first use, and then the same for every call") {
  Fixture f;
  const auto first = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(first.ok());
  CHECK(first->record.name == "default");
  CHECK(first->record.status == SandboxStatus::running);
  CHECK(first->record.labels.at("made") == "by default");
  CHECK_FALSE(first->recreated);
  const auto again = f.manager->acquire(kAlice, "default", Op{});
  REQUIRE(again.ok());
  CHECK(again->runner == first->runner);
  const auto tried = f.manager->try_acquire(kAlice, std::nullopt);
  REQUIRE((tried && tried->ok()));
  CHECK((*tried)->runner == first->runner);
  CHECK(f.called("create default") == 1);
}

TEST_CASE("Callers that ask for the default sandbox at once get one and the same") {
  Fixture f;
  f.backend->on_create = [](const SandboxSpec&, const Op&) {
    std::this_thread::yield();
    return Status();
  };
  std::vector<std::shared_ptr<Runner>> runners(16);
  std::vector<std::thread> threads;
  for (auto& runner : runners)
    threads.emplace_back([&] {
      if (auto handle = f.manager->acquire(kAlice, std::nullopt, Op{})) runner = handle->runner;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(runners.front() != nullptr);
  CHECK(std::all_of(runners.begin(), runners.end(), [&](const auto& r) { return r == runners.front(); }));
  CHECK(f.called("create default") == 1);
}

TEST_CASE("Whoever waits for a sandbox that cannot be made gets the reason; the next call tries again") {
  Fixture f;
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::atomic<bool> fail = true;
  f.backend->on_create = [&](const SandboxSpec&, const Op&) -> Status {
    released.wait();
    if (fail) return Error{ErrorCode::failed_precondition, "bubblewrap is missing"};
    return {};
  };
  std::vector<std::string> errors(4);
  std::vector<std::thread> threads;
  for (std::string& error : errors)
    threads.emplace_back([&] {
      if (auto handle = f.manager->acquire(kAlice, std::nullopt, Op{}); !handle)
        error = handle.error().message;
    });
  CHECK(eventually([&] { return f.called("create default") == 1; }));
  release.set_value();
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) CHECK(error == "bubblewrap is missing");
  fail = false;
  CHECK(f.manager->acquire(kAlice, std::nullopt, Op{}).ok());
}

TEST_CASE("When the call that makes the default sandbox is cancelled, one that waited makes it") {
  Fixture f;
  std::atomic<int> makers = 0;
  f.backend->on_create = [&](const SandboxSpec&, const Op& op) -> Status {
    if (++makers > 1) return {};
    (void)eventually([&] { return op.stop.stop_requested(); });
    return Error{ErrorCode::cancelled, "cancelled"};
  };
  std::stop_source stop;
  std::atomic<int> cancelled = 0;
  std::thread first([&] {
    const auto handle = f.manager->acquire(kAlice, std::nullopt, Op{stop.get_token(), Deadline::infinite()});
    if (!handle && handle.error().code == ErrorCode::cancelled) ++cancelled;
  });
  CHECK(eventually([&] { return makers == 1; }));
  std::atomic<int> served = 0;
  std::thread second([&] {
    if (f.manager->acquire(kAlice, std::nullopt, Op{})) ++served;
  });
  stop.request_stop();
  first.join();
  second.join();
  CHECK(cancelled == 1);
  CHECK(served == 1);
  CHECK(f.called("create default") == 2);
}

TEST_CASE("Waiting for somebody else's making ends with the waiting call") {
  Fixture f;
  std::promise<void> release;
  f.backend->on_create = [&](const SandboxSpec&, const Op&) {
    release.get_future().wait();
    return Status();
  };
  std::thread maker([&] { (void)f.manager->acquire(kAlice, std::nullopt, Op{}); });
  CHECK(eventually([&] { return f.called("create default") == 1; }));
  const auto late =
      f.manager->acquire(kAlice, std::nullopt, Op{{}, Deadline::after(std::chrono::milliseconds(10))});
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ErrorCode::deadline_exceeded);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = f.manager->acquire(kAlice, std::nullopt, Op{stop.get_token(), Deadline::infinite()});
  REQUIRE_FALSE(stopped.ok());
  CHECK(stopped.error().code == ErrorCode::cancelled);
  CHECK_FALSE(f.manager->try_acquire(kAlice, std::nullopt).has_value());
  release.set_value();
  maker.join();
}

TEST_CASE("A sandbox whose runner cannot be reached is removed again") {
  Fixture f;
  f.backend->on_open_channel = [](const SandboxId&, const Op&) -> Result<std::unique_ptr<Channel>> {
    return Error{ErrorCode::unavailable, "no socket"};
  };
  const auto handle = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE_FALSE(handle.ok());
  CHECK_THAT(handle.error().message, Contains("no socket"));
  CHECK(f.backend->sandboxes() == 0);
}

TEST_CASE("Callers have their own names and never see each other's sandboxes") {
  Fixture f;
  REQUIRE(f.create(kAlice, "build").ok());
  CHECK(f.acquire_error(kBob, "build") == ErrorCode::not_found);
  REQUIRE(f.create(kBob, "build").ok());
  const auto alice = f.manager->acquire(kAlice, "build", Op{});
  const auto bob = f.manager->acquire(kBob, "build", Op{});
  REQUIRE((alice.ok() && bob.ok()));
  CHECK(alice->record.id != bob->record.id);
  CHECK(f.manager->list(kBob, Op{})->size() == 1);
  REQUIRE(f.manager->control(kBob, "build", ControlAction::remove, std::nullopt, Op{}).ok());
  CHECK(f.manager->acquire(kAlice, "build", Op{}).ok());
  CHECK(f.manager->control(kBob, "build", ControlAction::remove, std::nullopt, Op{}).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("An unknown name is answered with the names there are") {
  Fixture f;
  auto handle = f.manager->acquire(kAlice, "nosuch", Op{});
  CHECK_THAT(handle.error().message, Contains("sandbox_create"));
  REQUIRE(f.create(kAlice, "one").ok());
  REQUIRE(f.create(kAlice, "two").ok());
  handle = f.manager->acquire(kAlice, "nosuch", Op{});
  CHECK(handle.error().code == ErrorCode::not_found);
  CHECK_THAT(handle.error().message, Contains("one, two"));
  CHECK_FALSE(f.manager->try_acquire(kAlice, "nosuch").has_value());  // the backend may know one
  f.backend->can.persistent = false;
  const auto tried = f.manager->try_acquire(kAlice, "nosuch");
  REQUIRE(tried.has_value());
  CHECK(tried->error().code == ErrorCode::not_found);
}

TEST_CASE("Names are checked, generated when absent, and not given twice") {
  Fixture f;
  for (const char* bad : {"-x", "A", "a_b", "a b", "a/b", "ä"})
    CHECK(f.create(kAlice, bad).error().code == ErrorCode::invalid_argument);
  CHECK(f.create(kAlice, std::string(kMaxNameLength + 1, 'a')).error().code == ErrorCode::invalid_argument);
  CHECK(f.create(kAlice, std::string(kMaxNameLength, 'a')).ok());
  CHECK(f.create(kAlice, "0-9").ok());
  CHECK(f.create(kAlice, "0-9").error().code == ErrorCode::already_exists);
  const auto generated = f.create(kAlice, "");
  REQUIRE(generated.ok());
  CHECK(generated->name.size() == std::string("sandbox-").size() + 4);
  CHECK(generated->name.rfind("sandbox-", 0) == 0);
  CHECK(f.called("create " + generated->name) == 1);
}

TEST_CASE("Quotas bound the sandboxes of a caller and of the server") {
  ManagerLimits limits;
  limits.sandboxes_per_principal = 2;
  limits.sandboxes = 3;
  Fixture f(limits);
  REQUIRE(f.create(kAlice, "a").ok());
  REQUIRE(f.create(kAlice, "b").ok());
  CHECK(f.create(kAlice, "c").error().code == ErrorCode::resource_exhausted);
  CHECK(f.manager->acquire(kAlice, std::nullopt, Op{}).error().code == ErrorCode::resource_exhausted);
  REQUIRE(f.create(kBob, "a").ok());
  CHECK(f.create(kBob, "b").error().code == ErrorCode::resource_exhausted);
  REQUIRE(f.manager->control(kAlice, "a", ControlAction::remove, std::nullopt, Op{}).ok());
  CHECK(f.create(kBob, "b").ok());
}

TEST_CASE("What the backend cannot do is refused by name") {
  Fixture f;
  f.backend->can = Capabilities{};
  CreateRequest request;
  request.spec.image = "debian";
  CHECK(f.manager->create(kAlice, request, Op{}).error().code == ErrorCode::unsupported);
  request.spec = {};
  request.spec.persistent = true;
  CHECK(f.manager->create(kAlice, request, Op{}).error().code == ErrorCode::unsupported);
  request.spec = {};
  request.spec.network = Network::host;
  CHECK(f.manager->create(kAlice, request, Op{}).error().code == ErrorCode::unsupported);
  REQUIRE(f.create(kAlice, "a").ok());
  CHECK(f.manager->control(kAlice, "a", ControlAction::stop, std::nullopt, Op{}).error().code ==
        ErrorCode::unsupported);
}

TEST_CASE("A default sandbox that was lost is made anew, and the call that does says so") {
  Fixture f;
  const auto first = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(first.ok());
  f.kill(first->record.id);
  CHECK(eventually([&] { return !first->runner->alive(); }));
  const auto second = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(second.ok());
  CHECK(second->recreated);
  CHECK_THAT(second->lost_because, Contains("the sandbox is gone"));
  CHECK(second->record.id != first->record.id);
  CHECK_FALSE(f.manager->acquire(kAlice, std::nullopt, Op{})->recreated);
  CHECK(eventually([&] { return f.called("destroy " + first->record.id) == 1; }));
  CHECK(f.backend->sandboxes() == 1);
}

TEST_CASE("A lost sandbox is removed without a call, and its name says what became of it") {
  Fixture f;
  const auto record = f.create(kAlice, "work");
  REQUIRE(record.ok());
  f.kill(record->id);
  CHECK(eventually([&] { return f.backend->sandboxes() == 0; }));
  CHECK(f.manager->list(kAlice, Op{})->empty());
  const auto handle = f.manager->acquire(kAlice, "work", Op{});
  REQUIRE_FALSE(handle.ok());
  CHECK(handle.error().code == ErrorCode::not_found);
  CHECK_THAT(handle.error().message, Contains("any more"));
  CHECK(f.create(kAlice, "work").ok());
}

TEST_CASE("The names of lost sandboxes are remembered, but not without end") {
  SandboxTable table{ManagerLimits{}};
  for (std::size_t i = 0; i < kMaxLostNames + 1; ++i) {
    const auto entry = table.add("alice", "lost" + std::to_string(1000 + i));
    REQUIRE(entry.ok());
    CHECK(table.lose(*entry, "it ended"));
    CHECK_FALSE(table.lose(*entry, "it ended"));
  }
  CHECK_FALSE(table.take_lost("alice", "lost1000"));
  CHECK_FALSE(table.take_lost("bob", "lost1001"));
  CHECK(table.take_lost("alice", "lost1001"));
  CHECK_FALSE(table.take_lost("alice", "lost1001"));
}

TEST_CASE("A connection that is lost and found again is no lost sandbox") {
  Fixture f;
  const auto handle = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(handle.ok());
  {
    const MutexLock lock(f.mutex);
    f.wires[handle->record.id]->disconnect();
  }
  CHECK(eventually([&] { return f.called("open " + handle->record.id) == 2; }));
  const auto again = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(again.ok());
  CHECK(again->runner == handle->runner);
  CHECK_FALSE(again->recreated);
}

TEST_CASE("A stopped sandbox says how to start it, and starting it brings it back") {
  Fixture f;
  const auto record = f.create(kAlice, "work");
  REQUIRE(record.ok());
  const auto stopped = f.manager->control(kAlice, "work", ControlAction::stop, std::nullopt, Op{});
  REQUIRE(stopped.ok());
  CHECK(stopped->status == SandboxStatus::stopped);
  const auto handle = f.manager->acquire(kAlice, "work", Op{});
  REQUIRE_FALSE(handle.ok());
  CHECK(handle.error().code == ErrorCode::failed_precondition);
  CHECK_THAT(handle.error().message, Contains("start"));
  const auto started = f.manager->control(kAlice, "work", ControlAction::start, std::nullopt, Op{});
  REQUIRE(started.ok());
  CHECK(started->status == SandboxStatus::running);
  CHECK(f.manager->acquire(kAlice, "work", Op{}).ok());
  REQUIRE(f.manager->control(kAlice, "work", ControlAction::restart, std::nullopt, Op{}).ok());
  CHECK(f.called("stop " + record->id) == 2);
  CHECK(f.called("start " + record->id) == 2);
  CHECK(f.manager->acquire(kAlice, "work", Op{}).ok());
}

TEST_CASE("A sandbox ends when its time is over, unless that is extended") {
  Fixture f;
  REQUIRE(f.create(kAlice, "short", std::chrono::hours(1)).ok());
  const auto longer = f.create(kAlice, "long", std::chrono::hours(1));
  REQUIRE(longer.ok());
  CHECK(longer->expires_unix_ms == f.clock.unix_ms() + 3'600'000);
  const auto extended =
      f.manager->control(kAlice, "long", ControlAction::extend, std::chrono::hours(3), Op{});
  REQUIRE(extended.ok());
  CHECK(extended->expires_unix_ms == f.clock.unix_ms() + 3 * 3'600'000);
  f.clock.advance(std::chrono::hours(2));
  CHECK(eventually([&] { return f.backend->sandboxes() == 1; }));
  CHECK(f.acquire_error(kAlice, "short") == ErrorCode::not_found);
  CHECK(f.manager->acquire(kAlice, "long", Op{}).ok());
  f.clock.advance(std::chrono::hours(2));
  CHECK(eventually([&] { return f.backend->sandboxes() == 0; }));
}

TEST_CASE("A lifetime that is not positive or too long is refused") {
  Fixture f;
  CHECK(f.create(kAlice, "a", Duration::zero()).error().code == ErrorCode::invalid_argument);
  CHECK(f.create(kAlice, "a", std::chrono::hours(24 * 8)).error().code == ErrorCode::invalid_argument);
  REQUIRE(f.create(kAlice, "a").ok());
  const auto extend = [&](std::optional<Duration> by) {
    return f.manager->control(kAlice, "a", ControlAction::extend, by, Op{}).error().code;
  };
  CHECK(extend(std::nullopt) == ErrorCode::invalid_argument);
  CHECK(extend(std::chrono::hours(24 * 8)) == ErrorCode::invalid_argument);
}

TEST_CASE("An idle sandbox ends, but not while something runs in it or somebody uses it") {
  ManagerLimits limits;
  limits.idle_expiry = std::chrono::hours(2);
  Fixture f(limits);
  REQUIRE(f.manager->acquire(kAlice, std::nullopt, Op{}).ok());
  REQUIRE(f.create(kAlice, "unused").ok());
  f.clock.advance(std::chrono::minutes(90));
  REQUIRE(f.manager->acquire(kAlice, std::nullopt, Op{}).ok());
  f.clock.advance(std::chrono::minutes(90));
  CHECK(eventually([&] { return f.backend->sandboxes() == 1; }));
  CHECK(f.acquire_error(kAlice, "unused") == ErrorCode::not_found);
  for (std::atomic<int>* what : {&f.running, &f.terminals}) {
    *what = 1;
    f.asked = 0;
    f.clock.advance(std::chrono::minutes(130));
    CHECK(eventually([&] { return f.asked >= 1; }));
    CHECK(f.backend->sandboxes() == 1);
    *what = 0;
  }
  CHECK(eventually([&] {
    f.clock.advance(std::chrono::hours(2));  // again, when the answer above counts from after this
    return f.backend->sandboxes() == 0;
  }));
  const auto anew = f.manager->acquire(kAlice, std::nullopt, Op{});
  REQUIRE(anew.ok());
  CHECK(anew->recreated);
}
