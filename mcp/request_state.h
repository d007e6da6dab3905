// State of a call that waits for the user's answer, kept by the client (MCP 2026-07-28, multi-round-trip
// requests). The client can read it and must be expected to tamper with it, so it is signed, bound to who
// asked for what, and expires.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/json.h"
#include "base/result.h"

namespace rexec::mcp {

/// What a state is good for: nothing else than a repetition of the same call by the same principal.
struct StateBinding {
  std::string principal;
  std::string method;
  std::string name;  // of the tool
  Json arguments;    // as they were sent
};

struct RequestState {
  std::size_t round = 0;          // questions asked so far
  std::vector<std::string> keys;  // of the questions of this round
  Json state;                     // the handler's own
};

class RequestStateCodec {
 public:
  static constexpr std::size_t kMaxBytes = 64 * 1024;  // of an encoded state, in either direction

  /// `clock` outlives the codec. An empty key means a random one: states then end with the process.
  RequestStateCodec(Duration lifetime, const Clock& clock, std::string key = {});

  /// resource_exhausted when the state is larger than kMaxBytes.
  Result<std::string> encode(const StateBinding& binding, const RequestState& state) const;
  /// invalid_argument when the text is not one of ours, was made for something else, or has expired. The
  /// reason is not told apart for the first two.
  Result<RequestState> decode(const StateBinding& binding, std::string_view text) const;

 private:
  std::string sign(const StateBinding& binding, std::string_view payload) const;

  const Duration lifetime_;
  const Clock& clock_;
  const std::string key_;
};

}  // namespace rexec::mcp
