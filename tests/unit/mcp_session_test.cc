#include "mcp/session.h"

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

Incoming response(const std::string& id) {
  Incoming incoming;
  incoming.kind = Incoming::Kind::response;
  incoming.id = id;
  incoming.error.code = 0;
  return incoming;
}

}  // namespace

TEST_CASE("A session agrees on one version only", "[mcp]") {
  const auto session = make_session();
  REQUIRE_FALSE(session->negotiated());
  REQUIRE(session->version() == newest_legacy());
  REQUIRE(session->negotiate(ProtocolVersion::v2024_11_05, Json{{"roots", Json::object()}}));
  REQUIRE_FALSE(session->negotiate(ProtocolVersion::v2025_06_18, Json::object()));
  REQUIRE(session->version() == ProtocolVersion::v2024_11_05);
  REQUIRE(session->client_capabilities()->contains("roots"));
}

TEST_CASE("A session is initialised after initialize only", "[mcp]") {
  const auto session = make_session();
  session->mark_initialised();
  REQUIRE_FALSE(session->initialised());
  session->negotiate(ProtocolVersion::v2025_06_18, Json::object());
  session->mark_initialised();
  REQUIRE(session->initialised());
}

TEST_CASE("A null error id is written until the client is known to have none", "[mcp]") {
  const auto fresh = make_session();
  REQUIRE_FALSE(fresh->omits_null_error_id());
  fresh->note_modern();
  REQUIRE(fresh->omits_null_error_id());
  fresh->negotiate(ProtocolVersion::v2024_11_05, Json::object());
  REQUIRE_FALSE(fresh->omits_null_error_id());
}

TEST_CASE("A response reaches the handler of its request, once", "[mcp]") {
  const auto session = make_session();
  int calls = 0;
  const auto id = session->expect([&](Incoming) { ++calls; });
  REQUIRE(id);
  session->resolve(response("another"));
  session->resolve(response(*id));
  session->resolve(response(*id));
  REQUIRE(calls == 1);
  REQUIRE_FALSE(session->forget(*id));
}

TEST_CASE("A forgotten request ignores its response", "[mcp]") {
  const auto session = make_session();
  int calls = 0;
  const auto id = session->expect([&](Incoming) { ++calls; });
  REQUIRE(session->forget(*id));
  session->resolve(response(*id));
  REQUIRE(calls == 0);
}

TEST_CASE("A session waits for a bounded number of responses", "[mcp]") {
  const auto session = make_session();
  std::string last;
  for (std::size_t i = 0; i < Session::kMaxPending; ++i) last = session->expect([](Incoming) {}).value();
  REQUIRE_FALSE(session->expect([](Incoming) {}));
  session->forget(last);
  REQUIRE(session->expect([](Incoming) {}));
}

}  // namespace rexec::mcp
