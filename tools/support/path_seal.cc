#include "tools/support/path_seal.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/random.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kTagBytes = 16;

}  // namespace

PathSeal::PathSeal() : tag_key_(random_hex(kKeyBytes)), crypt_key_(random_hex(kKeyBytes)) {}

std::string PathSeal::tag(std::string_view path) const {
  return hmac_sha256(tag_key_, path).substr(0, kTagBytes);
}

/// Its own inverse.
std::string PathSeal::crypt(std::string_view tag, std::string_view bytes) const {
  std::string result(bytes);
  std::string stream;
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (i == stream.size()) stream += hmac_sha256(crypt_key_, std::string(tag) + std::to_string(i));
    result[i] =
        static_cast<char>(static_cast<unsigned char>(result[i]) ^ static_cast<unsigned char>(stream[i]));
  }
  return result;
}

std::string PathSeal::seal(std::string_view path) const {
  const std::string front = tag(path);
  return base64url_encode(front + crypt(front, path));
}

std::optional<std::string> PathSeal::open(std::string_view text) const {
  const auto bytes = base64url_decode(text);
  if (!bytes || bytes->size() < kTagBytes) return std::nullopt;
  const std::string_view front = std::string_view(*bytes).substr(0, kTagBytes);
  std::string path = crypt(front, std::string_view(*bytes).substr(kTagBytes));
  if (!constant_time_equal(front, tag(path))) return std::nullopt;
  return path;
}

}  // namespace rexec::tools
