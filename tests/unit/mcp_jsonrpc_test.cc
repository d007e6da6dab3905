#include "mcp/jsonrpc.h"

#include "tests/support/catch.h"

namespace rexec::mcp {
namespace {

Incoming classified(const char* text) {
  return classify(parse_json(text).value());
}

using Kind = Incoming::Kind;

}  // namespace

TEST_CASE("A message with a method and an id is a request", "[mcp]") {
  const Incoming message = classified(R"({"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}})");
  REQUIRE(message.kind == Kind::request);
  REQUIRE(message.id == "a");
  REQUIRE(message.method == "m");
  REQUIRE(message.params == Json{{"x", 1}});
}

TEST_CASE("A message with a method and no id is a notification", "[mcp]") {
  const Incoming message = classified(R"({"jsonrpc":"2.0","method":"m"})");
  REQUIRE(message.kind == Kind::notification);
  REQUIRE(message.params == Json::object());
}

TEST_CASE("A message with a result or an error is a response, whatever else is wrong with it", "[mcp]") {
  const Incoming result = classified(R"({"jsonrpc":"2.0","id":"a","result":{"x":1}})");
  REQUIRE(result.kind == Kind::response);
  REQUIRE(result.error.code == 0);
  REQUIRE(result.result == Json{{"x", 1}});
  const Incoming error = classified(R"({"id":null,"error":{"code":-1,"message":"no"}})");
  REQUIRE(error.kind == Kind::response);
  REQUIRE(error.error.code == -1);
  REQUIRE(error.error.message == "no");
  REQUIRE(classified(R"({"error":7})").error.code == kInternalError);
  REQUIRE(classified(R"({"error":{"code":99999999999}})").error.code == kInternalError);
  REQUIRE(classified(R"({"error":{"code":0}})").error.code == kInternalError);
}

TEST_CASE("Ids are integers or short strings", "[mcp]") {
  REQUIRE(is_valid_id(0));
  REQUIRE(is_valid_id(-1));
  REQUIRE(is_valid_id(UINT64_MAX));
  REQUIRE(is_valid_id(""));
  REQUIRE(is_valid_id(std::string(kMaxIdBytes, 'x')));
  REQUIRE_FALSE(is_valid_id(std::string(kMaxIdBytes + 1, 'x')));
  REQUIRE_FALSE(is_valid_id(1.0));
  REQUIRE_FALSE(is_valid_id(nullptr));
  REQUIRE_FALSE(is_valid_id(false));
  REQUIRE_FALSE(is_valid_id(Json::array()));
}

TEST_CASE("An invalid message keeps the id that could be read", "[mcp]") {
  const Incoming version = classified(R"({"jsonrpc":"2","id":7,"method":"m"})");
  REQUIRE(version.kind == Kind::invalid);
  REQUIRE(version.error.code == kInvalidRequest);
  REQUIRE(version.id == 7);
  const Incoming params = classified(R"({"jsonrpc":"2.0","id":8,"method":"m","params":"x"})");
  REQUIRE(params.kind == Kind::invalid);
  REQUIRE(params.error.code == kInvalidParams);
  REQUIRE(params.id == 8);
  REQUIRE(classified(R"({"jsonrpc":"2.0","id":null,"method":"m"})").id.is_null());
  REQUIRE(classified("7").kind == Kind::invalid);
}

TEST_CASE("Outgoing messages are one line of JSON-RPC", "[mcp]") {
  REQUIRE(make_result(1, Json{{"text", "a\nb"}}).text ==
          R"({"jsonrpc":"2.0","id":1,"result":{"text":"a\nb"}})");
  REQUIRE(make_notification("m", Json::object()).text == R"({"jsonrpc":"2.0","method":"m","params":{}})");
  REQUIRE(make_request("s", "m", Json::object()).text ==
          R"({"jsonrpc":"2.0","id":"s","method":"m","params":{}})");
  const Message error = make_error("s", RpcError{kInvalidParams, "no", Json{{"uri", "x"}}}, true);
  REQUIRE(error.text ==
          R"({"jsonrpc":"2.0","id":"s","error":{"code":-32602,"data":{"uri":"x"},"message":"no"}})");
  REQUIRE(error.kind == Message::Kind::error);
  REQUIRE(error.error_code == kInvalidParams);
}

TEST_CASE("An error without an id has a null id or none", "[mcp]") {
  const RpcError error{kParseError, "no", nullptr};
  REQUIRE(make_error(nullptr, error, false).text ==
          R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}})");
  REQUIRE(make_error(nullptr, error, true).text ==
          R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}})");
}

TEST_CASE("Invalid UTF-8 in a result is repaired", "[mcp]") {
  REQUIRE(make_result(1, Json{{"text", "\xff"}}).text ==
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"text\":\"\xEF\xBF\xBD\"}}");
}

}  // namespace rexec::mcp
