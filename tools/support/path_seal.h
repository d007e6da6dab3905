// Positions in a listing that a caller keeps without seeing them: paths that hold a secret.
//
// Encrypted and authenticated by HMAC-SHA-256 in the manner of SIV (RFC 5297): the same path gives the same
// text, and a text that was not made here is recognised. The key is random and ends with the object.
// Constant after construction, so shared without a lock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rexec::tools {

class PathSeal {
 public:
  PathSeal();

  /// Letters, digits, "-" and "_" alone.
  std::string seal(std::string_view path) const;
  /// nullopt when `text` is not what seal() of this object made.
  std::optional<std::string> open(std::string_view text) const;

 private:
  std::string tag(std::string_view path) const;
  std::string crypt(std::string_view tag, std::string_view bytes) const;

  std::string tag_key_;
  std::string crypt_key_;
};

}  // namespace rexec::tools
