// What every message of the runner's protocol has to stand.
#pragma once

#include <string>
#include <string_view>

#include "sandbox-client/runner/wire.h"
#include "tests/support/catch.h"

namespace rexec::runner {

/// The message as the other side gets it.
template <class Message>
Message round_trip(const Message& message) {
  const std::string bytes = encode(message);
  Message decoded;
  REQUIRE(decode(bytes, decoded));
  CHECK(encode(decoded) == bytes);
  // Every shorter payload is refused, none is read beyond its end.
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Message cut;
    CHECK_FALSE(decode(std::string_view(bytes).substr(0, size), cut));
  }
  // What a later version appends is ignored.
  Message longer;
  CHECK(decode(bytes + "more", longer));
  return decoded;
}

}  // namespace rexec::runner
