// JSON-RPC 2.0 messages: what an incoming one is, and the text of outgoing ones. Knows no MCP method.
//
// MCP narrows JSON-RPC: parameters are always an object, an id is a string or an integer and never null
// (MCP base protocol, "Requests").
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "mcp/endpoint.h"

namespace rexec::mcp {

// JSON-RPC 2.0 section 5.1.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
// MCP up to 2025-11-25, "Resources"; from 2026-07-28 it is -32602.
inline constexpr int kResourceNotFound = -32002;
// MCP 2026-07-28, error codes.
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingClientCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;
// Ours, outside the reserved range -32768…-32000: a limit is reached or the server is ending.
inline constexpr int kUnavailable = -31000;

inline constexpr std::size_t kMaxIdBytes = 1024;  // of an id or a progress token that is a string

struct RpcError {
  int code = kInternalError;
  std::string message;
  Json data;  // null: none
};

/// -32602: what the sender has to change.
RpcError invalid_params(std::string message);

template <class T>
using RpcResult = std::variant<T, RpcError>;

/// A string of at most kMaxIdBytes or an integer: what may be an id or a progress token.
bool is_valid_id(const Json& id);

struct Incoming {
  enum class Kind {
    request,
    notification,
    response,  // with either `result` or `error`; never to be answered, whatever it contains
    invalid,   // `error` says why; `id` is the sender's when it could be read, else null
  };
  Kind kind = Kind::invalid;
  Json id;
  std::string method;
  Json params = Json::object();  // always an object
  Json result;                   // of a successful response
  RpcError error;                // of a failed response (code 0: none) or of an invalid message
  std::size_t bytes = 0;         // of the text that it came in, where the receiver notes it
};

/// Takes apart one element of the wire: an object, not a batch.
Incoming classify(Json message);

Message make_result(const Json& id, const Json& result);
/// A null id means that the request's id could not be read; `omit_null_id` leaves the member out then.
Message make_error(const Json& id, const RpcError& error, bool omit_null_id);
Message make_notification(std::string_view method, const Json& params);
Message make_request(const Json& id, std::string_view method, const Json& params);

}  // namespace rexec::mcp
