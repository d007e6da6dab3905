#include "mcp/request_registry.h"

#include <thread>

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

using Ticket = RequestRegistry::Ticket;
using Refusal = RequestRegistry::Refusal;

std::shared_ptr<RequestRegistry> registry_of(std::size_t calls, std::size_t subscriptions = 1) {
  return std::make_shared<RequestRegistry>(RequestRegistry::Limits{calls, subscriptions});
}

RequestRegistry::Admission call(const std::shared_ptr<Session>& session, std::string id,
                                std::function<void(EndReason)> end = nullptr, std::string principal = "ann") {
  return {RequestKind::call, session, std::move(id), std::move(principal), std::move(end)};
}

Ticket admitted(RequestRegistry& registry, RequestRegistry::Admission admission) {
  auto result = registry.admit(std::move(admission));
  REQUIRE(std::holds_alternative<Ticket>(result));
  return std::get<Ticket>(std::move(result));
}

Refusal refused(RequestRegistry& registry, RequestRegistry::Admission admission) {
  auto result = registry.admit(std::move(admission));
  REQUIRE(std::holds_alternative<Refusal>(result));
  return std::get<Refusal>(result);
}

}  // namespace

TEST_CASE("An id belongs to its session until its ticket is released", "[mcp]") {
  const auto registry = registry_of(10);
  const auto one = make_session();
  const auto two = make_session();
  Ticket first = admitted(*registry, call(one, "1"));
  REQUIRE(refused(*registry, call(one, "1")) == Refusal::duplicate_id);
  const Ticket string_id = admitted(*registry, call(one, "\"1\""));
  const Ticket other_session = admitted(*registry, call(two, "1"));
  first.release();
  const Ticket again = admitted(*registry, call(one, "1"));
}

TEST_CASE("Calls are limited by principal", "[mcp]") {
  const auto registry = registry_of(2);
  const auto session = make_session();
  Ticket one = admitted(*registry, call(session, "1"));
  const Ticket two = admitted(*registry, call(session, "2"));
  REQUIRE(refused(*registry, call(session, "3")) == Refusal::limit);
  const Ticket bob = admitted(*registry, call(session, "3", nullptr, "bob"));
  REQUIRE(registry->calls() == 3);
  one.release();
  const Ticket three = admitted(*registry, call(session, "4"));
}

TEST_CASE("Subscriptions have a limit of their own and nobody waits for them", "[mcp]") {
  const auto registry = registry_of(1, 1);
  const auto session = make_session();
  RequestRegistry::Admission admission{RequestKind::subscription, session, "1", "ann", nullptr};
  const Ticket open = admitted(*registry, admission);
  admission.id = "2";
  REQUIRE(refused(*registry, admission) == Refusal::limit);
  const Ticket one_call = admitted(*registry, call(session, "3"));
  REQUIRE(registry->calls() == 1);
}

TEST_CASE("A cancelled request frees its id and stays counted", "[mcp]") {
  const auto registry = registry_of(10);
  const auto session = make_session();
  int ends = 0;
  Ticket first = admitted(*registry, call(session, "1", [&](EndReason reason) {
    REQUIRE(reason == EndReason::cancelled);
    ++ends;
  }));
  registry->cancel(session.get(), "1");
  registry->cancel(session.get(), "1");
  REQUIRE(ends == 1);
  REQUIRE(registry->calls() == 1);
  int successor_ends = 0;
  Ticket second = admitted(*registry, call(session, "1", [&](EndReason) { ++successor_ends; }));
  registry->end(first.cookie(), EndReason::connection_lost);
  first.release();
  REQUIRE(successor_ends == 0);
  registry->cancel(session.get(), "1");
  REQUIRE(successor_ends == 1);
}

TEST_CASE("Shutdown ends everything and admits nothing", "[mcp]") {
  const auto registry = registry_of(10);
  const auto session = make_session();
  int ends = 0;
  const auto count = [&](EndReason reason) { ends += reason == EndReason::shutdown ? 1 : 0; };
  const Ticket one = admitted(*registry, call(session, "1", count));
  const Ticket two = admitted(*registry, call(session, "2", count));
  registry->shutdown();
  registry->shutdown();
  REQUIRE(ends == 2);
  REQUIRE(refused(*registry, call(session, "3")) == Refusal::shutting_down);
}

TEST_CASE("Waiting for idle ends with the last call, the deadline or the stop token", "[mcp]") {
  const auto registry = registry_of(10);
  REQUIRE(registry->wait_idle(Op{}));
  Ticket ticket = admitted(*registry, call(make_session(), "1"));
  REQUIRE_FALSE(registry->wait_idle(Op{{}, Deadline::after(std::chrono::milliseconds(1))}));
  std::stop_source stop;
  stop.request_stop();
  REQUIRE_FALSE(registry->wait_idle(Op{stop.get_token(), Deadline::infinite()}));
  std::thread releaser([moved = std::move(ticket)]() mutable { moved.release(); });
  REQUIRE(registry->wait_idle(Op{}));
  releaser.join();
}

TEST_CASE("Nobody waits for subscriptions before shutdown, and everybody after it", "[mcp]") {
  const auto registry = registry_of(1, 1);
  Ticket ticket =
      admitted(*registry, {RequestKind::subscription, make_session(), "1", "ann", [](EndReason) {}});
  REQUIRE(registry->wait_idle(Op{}));
  registry->shutdown();
  REQUIRE_FALSE(registry->wait_idle(Op{{}, Deadline::after(std::chrono::milliseconds(1))}));
  std::thread releaser([moved = std::move(ticket)]() mutable { moved.release(); });
  REQUIRE(registry->wait_idle(Op{}));
  releaser.join();
}

}  // namespace rexec::mcp
