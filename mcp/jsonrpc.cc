#include "mcp/jsonrpc.h"

#include <climits>
#include <utility>

namespace rexec::mcp {
namespace {

constexpr std::string_view kHead = R"({"jsonrpc":"2.0")";

Incoming invalid(Json id, int code, std::string reason) {
  Incoming incoming;
  incoming.id = std::move(id);
  incoming.error = RpcError{code, std::move(reason), nullptr};
  return incoming;
}

Json take(Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? Json() : std::move(*found);
}

Incoming classify_response(Json& message, Json id) {
  Incoming incoming;
  incoming.kind = Incoming::Kind::response;
  incoming.id = std::move(id);
  incoming.result = take(message, "result");
  incoming.error.code = 0;
  if (const Json* error = find(message, "error")) {
    const auto code = find_integer(*error, "code");
    incoming.error.code =
        code && *code >= INT_MIN && *code <= INT_MAX && *code != 0 ? static_cast<int>(*code) : kInternalError;
    incoming.error.message = find_string(*error, "message").value_or("no message");
  }
  return incoming;
}

}  // namespace

RpcError invalid_params(std::string message) {
  return RpcError{kInvalidParams, std::move(message), nullptr};
}

bool is_valid_id(const Json& id) {
  if (id.is_string()) return id.get_ref<const std::string&>().size() <= kMaxIdBytes;
  return id.is_number_integer();
}

Incoming classify(Json message) {
  if (!message.is_object()) {
    return invalid(nullptr, kInvalidRequest, "a message is a JSON object with a method or a result");
  }
  const bool has_method = message.contains("method");
  const bool has_id = message.contains("id");
  Json id = take(message, "id");
  if (!has_method && (message.contains("result") || message.contains("error"))) {
    return classify_response(message, std::move(id));
  }
  const bool id_ok = is_valid_id(id);
  if (has_id && !id_ok) {
    return invalid(nullptr, kInvalidRequest,
                   "id must be an integer or a string of at most " + std::to_string(kMaxIdBytes) + " bytes");
  }
  if (find_string(message, "jsonrpc") != "2.0") {
    return invalid(std::move(id), kInvalidRequest, "jsonrpc must be \"2.0\"");
  }
  Json method = take(message, "method");
  if (!method.is_string()) return invalid(std::move(id), kInvalidRequest, "method must be a string");

  Incoming incoming;
  incoming.kind = has_id ? Incoming::Kind::request : Incoming::Kind::notification;
  incoming.id = std::move(id);
  incoming.method = std::move(method.get_ref<std::string&>());
  Json params = take(message, "params");
  if (params.is_object()) {
    incoming.params = std::move(params);
  } else if (!params.is_null() && has_id) {  // a notification is not answered, whatever it contains
    return invalid(std::move(incoming.id), kInvalidParams, "params must be an object");
  }
  return incoming;
}

Message make_result(const Json& id, const Json& result) {
  Message message;
  message.kind = Message::Kind::response;
  message.text.append(kHead).append(",\"id\":").append(dump_json(id));
  message.text.append(",\"result\":").append(dump_json(result)).append("}");
  message.id = id;
  return message;
}

Message make_error(const Json& id, const RpcError& error, bool omit_null_id) {
  Json body{{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) body["data"] = error.data;
  Message message;
  message.kind = Message::Kind::error;
  message.text.append(kHead);
  if (!id.is_null() || !omit_null_id) message.text.append(",\"id\":").append(dump_json(id));
  message.text.append(",\"error\":").append(dump_json(body)).append("}");
  message.error_code = error.code;
  message.id = id;
  return message;
}

Message make_notification(std::string_view method, const Json& params) {
  Message message;
  message.kind = Message::Kind::notification;
  message.text.append(kHead).append(",\"method\":").append(dump_json(method));
  message.text.append(",\"params\":").append(dump_json(params)).append("}");
  return message;
}

Message make_request(const Json& id, std::string_view method, const Json& params) {
  Message message;
  message.kind = Message::Kind::request;
  message.text.append(kHead).append(",\"id\":").append(dump_json(id));
  message.text.append(",\"method\":").append(dump_json(method));
  message.text.append(",\"params\":").append(dump_json(params)).append("}");
  message.id = id;
  return message;
}

}  // namespace rexec::mcp
