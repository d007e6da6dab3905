// JSON that a test writes as text.
#pragma once

#include <string>

#include "base/json.h"
#include "tests/support/catch.h"

namespace rexec::test {

/// The test fails if `text` is not JSON.
inline Json json_of(const std::string& text) {
  auto value = parse_json(text);
  INFO(text);
  REQUIRE(value.ok());
  return *std::move(value);
}

}  // namespace rexec::test
