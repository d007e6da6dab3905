#include "tests/support/catch.h"
#include "transport/transport.h"

namespace rexec::transport {
namespace {

/// Answers each message with itself.
class Mirror final : public mcp::Endpoint {
 public:
  void receive(std::string text, std::shared_ptr<mcp::Outbound> out, const mcp::Peer& peer) override {
    mcp::Message message;
    message.text = peer.principal + ": " + text;
    last_status = out->send(std::move(message));
    last_out = std::move(out);
  }
  void receive_oversized(std::shared_ptr<mcp::Outbound>, const mcp::Peer&, std::size_t) override {}
  std::size_t in_flight() const override { return 0; }
  bool wait_idle(const Op&) const override { return true; }
  void shutdown() override {}

  Status last_status;
  std::shared_ptr<mcp::Outbound> last_out;
};

Deadline now() {
  return Deadline::after(Duration::zero());
}

}  // namespace

TEST_CASE("Messages in memory arrive in order", "[transport]") {
  Mirror mirror;
  const auto connection = connect_in_memory(mirror, "ann");
  connection->send("one");
  connection->send("two");
  REQUIRE(connection->receive(Deadline::infinite()) == "ann: one");
  REQUIRE(connection->receive(now()) == "ann: two");
  REQUIRE_FALSE(connection->receive(now()));
}

TEST_CASE("A peer that goes away closes its outbound", "[transport]") {
  Mirror mirror;
  auto connection = connect_in_memory(mirror, "ann");
  connection->send("one");
  REQUIRE_FALSE(mirror.last_out->closed().stop_requested());
  SECTION("by closing") {
    connection->close();
  }
  SECTION("by destruction") {
    connection.reset();
  }
  REQUIRE(mirror.last_out->closed().stop_requested());
  REQUIRE(mirror.last_out->send({}).error().code == ErrorCode::unavailable);
}

TEST_CASE("A peer in memory that does not receive is given up", "[transport]") {
  Mirror mirror;
  const auto connection = connect_in_memory(mirror, "ann");
  for (int i = 0; i < 100'000 && mirror.last_status.ok(); ++i) connection->send("x");
  REQUIRE_FALSE(mirror.last_status);
  REQUIRE(mirror.last_out->closed().stop_requested());
}

}  // namespace rexec::transport
