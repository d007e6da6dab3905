#include "tests/support/eventually.h"
#include "tests/support/manager_fixture.h"

using namespace rexec;
using namespace rexec::sandbox;
using namespace rexec::test;

namespace {

const Caller kMe{"me"};
const Caller kOther{"other"};

// What another server has made.
SandboxRecord made_elsewhere(ManagerFixture& f, const std::string& name,
                             const std::string& principal = "me") {
  SandboxSpec spec;
  spec.name = name;
  spec.persistent = true;
  spec.principal = principal;
  auto record = f.backend->create(spec, Op{});
  REQUIRE(record.ok());
  return *record;
}

}  // namespace

TEST_CASE("A persistent sandbox of another server is found by its principal, and only by that") {
  ManagerFixture f;
  const auto record = made_elsewhere(f, "work");
  CHECK_FALSE(f.manager->try_acquire(kMe, "work"));
  const auto handle = f.manager->acquire(kMe, "work", Op{});
  REQUIRE(handle.ok());
  CHECK(handle->record.id == record.id);
  CHECK(f.manager->try_acquire(kMe, "work"));
  CHECK(f.acquire_error(kOther, "work") == ErrorCode::not_found);
  CHECK(f.manager->list(kMe, Op{})->size() == 1);
  CHECK(f.manager->list(kOther, Op{})->empty());
  f.manager->shutdown();
  CHECK(f.backend->sandboxes() == 1);
}

TEST_CASE("The name of a persistent sandbox of another server is taken") {
  ManagerFixture f;
  made_elsewhere(f, "work");
  CHECK(f.create(kMe, "work").error().code == ErrorCode::already_exists);
  CHECK(f.create(kOther, "work").ok());
}

TEST_CASE("A persistent default sandbox is none of a server whose own one ends with it") {
  ManagerFixture f;
  const auto shared = made_elsewhere(f, "default");
  const auto handle = f.manager->acquire(kMe, std::nullopt, Op{});
  REQUIRE(handle.ok());
  CHECK(handle->record.id != shared.id);
  CHECK(f.manager->list(kMe, Op{})->size() == 1);
}

TEST_CASE("Persistent sandboxes of other servers count towards the quota of new ones") {
  ManagerLimits limits;
  limits.sandboxes_per_principal = 2;
  ManagerFixture f(limits);
  made_elsewhere(f, "one");
  made_elsewhere(f, "two");
  CreateRequest request;
  request.spec.name = "three";
  request.spec.persistent = true;
  CHECK(f.manager->create(kMe, request, Op{}).error().code == ErrorCode::resource_exhausted);
}

TEST_CASE("Stopping, starting and deleting reach sandboxes that this server has not used") {
  ManagerFixture f;
  made_elsewhere(f, "work");
  REQUIRE(f.manager->control(kMe, "work", ControlAction::stop, std::nullopt, Op{}).ok());
  CHECK(f.acquire_error(kMe, "work") == ErrorCode::failed_precondition);
  REQUIRE(f.manager->control(kMe, "work", ControlAction::start, std::nullopt, Op{}).ok());
  CHECK(f.manager->acquire(kMe, "work", Op{}).ok());
  REQUIRE(f.manager->control(kMe, "work", ControlAction::remove, std::nullopt, Op{}).ok());
  CHECK(f.backend->sandboxes() == 0);
  CHECK(f.acquire_error(kMe, "work") == ErrorCode::not_found);
}

TEST_CASE("A persistent sandbox whose connection is lost is looked up again, and is not removed") {
  ManagerFixture f;
  const auto record = made_elsewhere(f, "work");
  const auto handle = f.manager->acquire(kMe, "work", Op{});
  REQUIRE(handle.ok());
  f.kill(record.id);
  CHECK(eventually([&] { return !handle->runner->alive(); }));
  CHECK(f.acquire_error(kMe, "work") == ErrorCode::unavailable);
  CHECK(f.backend->sandboxes() == 1);
}

TEST_CASE("A manager leaves the expiry of persistent sandboxes to them") {
  ManagerLimits limits;
  limits.idle_expiry = std::chrono::seconds(10);
  ManagerFixture f(limits);
  CreateRequest request;
  request.spec.name = "work";
  request.spec.persistent = true;
  request.expires_in = std::chrono::seconds(5);
  const auto record = f.manager->create(kMe, request, Op{});
  REQUIRE(record.ok());
  CHECK(record->expires_unix_ms == f.clock.unix_ms() + 5000);
  f.clock.advance(std::chrono::hours(1));
  REQUIRE(f.create(kMe, "brief").ok());
  f.clock.advance(std::chrono::hours(1));
  CHECK(f.manager->acquire(kMe, "work", Op{}).ok());
  CHECK(f.backend->sandboxes() >= 1);
}
