// base64 (RFC 4648), hexadecimal, SHA-256 and HMAC-SHA-256 over OpenSSL.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rexec {

/// Standard alphabet with padding, no line breaks.
std::string base64_encode(std::string_view bytes);
/// Strict: canonical padding, no white space, no foreign characters; nullopt otherwise.
std::optional<std::string> base64_decode(std::string_view text);
/// URL-safe alphabet without padding (RFC 4648 section 5).
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);

/// 32 bytes.
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// Equal, in time that depends on the lengths only.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace rexec
