// nlohmann/json, through this one header.
//
// Why a header of our own: dump() throws on invalid UTF-8 and parse() has no bound on depth, so both are
// wrapped here and used nowhere else. Json values are built by move. Objects keep their keys sorted, which
// makes every document we write deterministic.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace rexec {

using Json = nlohmann::json;

inline constexpr std::size_t kMaxJsonDepth = 64;

/// One JSON value from UTF-8 text. Errors (invalid_argument) name line, column and what was expected; depth
/// beyond `max_depth`, duplicate keys of an object and text after the value are errors.
Result<Json> parse_json(std::string_view text, std::size_t max_depth = kMaxJsonDepth);

/// Compact text on one line. Invalid UTF-8 inside strings becomes U+FFFD; never fails.
std::string dump_json(const Json& value);
/// Indented by two spaces, for people.
std::string dump_json_pretty(const Json& value);

/// Member of an object, or nullptr when `object` is not an object or has no such member.
const Json* find(const Json& object, std::string_view key);
/// Members of a given type; nullopt when absent or of another type.
std::optional<std::string> find_string(const Json& object, std::string_view key);
std::optional<std::int64_t> find_integer(const Json& object, std::string_view key);
std::optional<bool> find_bool(const Json& object, std::string_view key);

/// `token` as a step of a JSON Pointer (RFC 6901): "/" + token with ~ and / escaped.
std::string pointer_step(std::string_view token);

}  // namespace rexec
