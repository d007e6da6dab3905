#include "mcp/envelope.h"

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

Json params_with(std::string_view key, Json value) {
  Json meta{{kMetaProtocolVersion, "2026-07-28"}, {kMetaClientCapabilities, Json::object()}};
  meta[key] = std::move(value);
  return Json{{"_meta", std::move(meta)}};
}

int error_code(const RpcResult<RequestContext>& result) {
  const auto* error = std::get_if<RpcError>(&result);
  return error ? error->code : 0;
}

}  // namespace

TEST_CASE("A request is modern when its envelope names a version", "[mcp]") {
  REQUIRE(has_envelope(params_with(kMetaProtocolVersion, "anything")));
  REQUIRE_FALSE(has_envelope(Json::object()));
  REQUIRE_FALSE(has_envelope(Json{{"_meta", {{"progressToken", 1}}}}));
  REQUIRE_FALSE(has_envelope(Json{{"_meta", 7}}));
}

TEST_CASE("An envelope gives the context of its request", "[mcp]") {
  Json params = params_with(kMetaLogLevel, "notice");
  params["_meta"]["progressToken"] = 7;
  const auto result = read_envelope(params);
  const auto& context = std::get<RequestContext>(result);
  REQUIRE(context.modern());
  REQUIRE(context.log_level == ClientLogLevel::notice);
  REQUIRE(context.progress_token == 7);
}

TEST_CASE("An incomplete envelope is refused before an unknown version", "[mcp]") {
  Json params = params_with(kMetaProtocolVersion, "2099-01-01");
  REQUIRE(error_code(read_envelope(params)) == kUnsupportedVersion);
  params["_meta"].erase(kMetaClientCapabilities);
  REQUIRE(error_code(read_envelope(params)) == kInvalidParams);
}

TEST_CASE("A progress token is a string or an integer of bounded size", "[mcp]") {
  REQUIRE(error_code(read_envelope(params_with("progressToken", "t"))) == 0);
  REQUIRE(error_code(read_envelope(params_with("progressToken", std::string(kMaxIdBytes + 1, 't')))) ==
          kInvalidParams);
  REQUIRE(error_code(read_legacy_context(Json{{"_meta", {{"progressToken", 0.5}}}}, *make_session())) ==
          kInvalidParams);
}

TEST_CASE("An empty elicitation capability means forms only", "[mcp]") {
  REQUIRE(can_elicit(Json{{"elicitation", Json::object()}}, "form"));
  REQUIRE_FALSE(can_elicit(Json{{"elicitation", Json::object()}}, "url"));
  REQUIRE(can_elicit(Json{{"elicitation", {{"url", Json::object()}}}}, "url"));
  REQUIRE_FALSE(can_elicit(Json{{"elicitation", {{"url", Json::object()}}}}, "form"));
  REQUIRE_FALSE(can_elicit(Json::object(), "form"));
  REQUIRE_FALSE(can_elicit(Json{{"elicitation", true}}, "form"));
}

}  // namespace rexec::mcp
