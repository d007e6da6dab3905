#include "mcp/request_state.h"

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

class SteppedClock final : public Clock {
 public:
  SteadyTime now() const override { return {}; }
  std::int64_t unix_ms() const override { return ms; }
  std::int64_t ms = 1'000'000;
};

const StateBinding kBinding{"ann", "tools/call", "exec", Json{{"command", "ls"}}};

}  // namespace

TEST_CASE("A request state comes back as it was", "[mcp]") {
  const SteppedClock clock;
  const RequestStateCodec codec(std::chrono::seconds(10), clock);
  const auto text = codec.encode(kBinding, RequestState{3, {"a", "b"}, Json{{"x", 1}}});
  REQUIRE(text);
  const auto state = codec.decode(kBinding, *text);
  REQUIRE(state);
  REQUIRE(state->round == 3);
  REQUIRE(state->keys == std::vector<std::string>{"a", "b"});
  REQUIRE(state->state == Json{{"x", 1}});
}

TEST_CASE("A request state is good for nothing but its call", "[mcp]") {
  const SteppedClock clock;
  const RequestStateCodec codec(std::chrono::seconds(10), clock);
  const auto text = codec.encode(kBinding, RequestState{}).value();
  StateBinding other = kBinding;
  SECTION("another principal") {
    other.principal = "bob";
  }
  SECTION("another method") {
    other.method = "prompts/get";
  }
  SECTION("another tool") {
    other.name = "write_file";
  }
  SECTION("other arguments") {
    other.arguments["command"] = "rm";
  }
  SECTION("parts that only look the same when joined") {
    other.principal = "an";
    other.method = "ntools/call";
  }
  REQUIRE_FALSE(codec.decode(other, text));
}

TEST_CASE("A request state of another process is refused, unless they share a key", "[mcp]") {
  const SteppedClock clock;
  const RequestStateCodec one(std::chrono::seconds(10), clock);
  const RequestStateCodec two(std::chrono::seconds(10), clock);
  REQUIRE_FALSE(two.decode(kBinding, one.encode(kBinding, RequestState{}).value()));
  const RequestStateCodec three(std::chrono::seconds(10), clock, "shared");
  const RequestStateCodec four(std::chrono::seconds(10), clock, "shared");
  REQUIRE(four.decode(kBinding, three.encode(kBinding, RequestState{}).value()));
}

TEST_CASE("Any change to a request state is noticed", "[mcp]") {
  const SteppedClock clock;
  const RequestStateCodec codec(std::chrono::seconds(10), clock);
  const auto text = codec.encode(kBinding, RequestState{1, {"key"}, Json("state")}).value();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    INFO("at " << i);
    REQUIRE_FALSE(codec.decode(kBinding, changed));
  }
  REQUIRE_FALSE(codec.decode(kBinding, ""));
  REQUIRE_FALSE(codec.decode(kBinding, "v1."));
  REQUIRE_FALSE(codec.decode(kBinding, text.substr(0, text.size() - 4)));
}

TEST_CASE("A request state expires", "[mcp]") {
  SteppedClock clock;
  const RequestStateCodec codec(std::chrono::seconds(10), clock);
  const auto text = codec.encode(kBinding, RequestState{}).value();
  clock.ms += 9'999;
  REQUIRE(codec.decode(kBinding, text));
  clock.ms += 1;
  const auto expired = codec.decode(kBinding, text);
  REQUIRE_FALSE(expired);
  REQUIRE_THAT(expired.error().message, test::ContainsSubstring("expired"));
}

TEST_CASE("A request state is bounded", "[mcp]") {
  const SteppedClock clock;
  const RequestStateCodec codec(std::chrono::seconds(10), clock);
  const auto large =
      codec.encode(kBinding, RequestState{1, {}, std::string(RequestStateCodec::kMaxBytes, 'x')});
  REQUIRE_FALSE(large);
  REQUIRE(large.error().code == ErrorCode::resource_exhausted);
  REQUIRE_FALSE(codec.decode(kBinding, "v1." + std::string(RequestStateCodec::kMaxBytes, 'A')));
}

}  // namespace rexec::mcp
