#include "mcp/request_state.h"

#include <utility>

#include "base/encoding.h"
#include "base/random.h"

namespace rexec::mcp {
namespace {

constexpr std::string_view kPrefix = "v1.";
constexpr std::size_t kRandomKeyBytes = 32;

/// Unambiguous whatever the parts contain: each is preceded by its length.
void append_part(std::string& out, std::string_view part) {
  out.append(std::to_string(part.size())).append(":").append(part);
}

Error not_ours() {
  return Error{ErrorCode::invalid_argument,
               "requestState was not issued for this call; send the call again without it"};
}

}  // namespace

RequestStateCodec::RequestStateCodec(Duration lifetime, const Clock& clock, std::string key)
    : lifetime_(lifetime), clock_(clock), key_(key.empty() ? random_hex(kRandomKeyBytes) : std::move(key)) {}

std::string RequestStateCodec::sign(const StateBinding& binding, std::string_view payload) const {
  std::string bound;
  append_part(bound, binding.principal);
  append_part(bound, binding.method);
  append_part(bound, binding.name);
  append_part(bound, sha256(dump_json(binding.arguments)));
  append_part(bound, payload);
  return hmac_sha256(key_, bound);
}

Result<std::string> RequestStateCodec::encode(const StateBinding& binding, const RequestState& state) const {
  const auto lifetime_ms = std::chrono::duration_cast<std::chrono::milliseconds>(lifetime_).count();
  const std::string payload = dump_json(Json{{"expires", clock_.unix_ms() + lifetime_ms},
                                             {"round", state.round},
                                             {"keys", state.keys},
                                             {"state", state.state}});
  std::string text(kPrefix);
  text.append(base64url_encode(payload)).append(".").append(base64url_encode(sign(binding, payload)));
  if (text.size() > kMaxBytes) {
    return Error{ErrorCode::resource_exhausted, "the state of the call is larger than 64 KiB"};
  }
  return text;
}

Result<RequestState> RequestStateCodec::decode(const StateBinding& binding, std::string_view text) const {
  if (text.size() > kMaxBytes || !text.starts_with(kPrefix)) return not_ours();
  text.remove_prefix(kPrefix.size());
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return not_ours();
  const auto payload = base64url_decode(text.substr(0, dot));
  const auto signature = base64url_decode(text.substr(dot + 1));
  if (!payload || !signature || !constant_time_equal(*signature, sign(binding, *payload))) return not_ours();

  auto parsed = parse_json(*payload);
  if (!parsed) return not_ours();
  if (find_integer(*parsed, "expires").value_or(0) <= clock_.unix_ms()) {
    return Error{ErrorCode::invalid_argument, "requestState has expired; send the call again without it"};
  }
  RequestState state;
  state.round = static_cast<std::size_t>(find_integer(*parsed, "round").value_or(0));
  for (const Json& key : (*parsed)["keys"]) state.keys.push_back(key.get<std::string>());
  state.state = std::move((*parsed)["state"]);
  return state;
}

}  // namespace rexec::mcp
