#include "base/encoding.h"
#include "sandbox-client/runner/sha256.h"
#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

std::string hash_of(std::string_view bytes, bool portable) {
  Sha256 hash(portable);
  hash.update(bytes);
  return hash.finish();
}

}  // namespace

TEST_CASE("SHA-256 gives the values of FIPS 180-4", "[runner]") {
  const bool portable = GENERATE(false, true);
  CHECK(hash_of("", portable) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash_of("abc", portable) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hash_of(std::string(1000000, 'a'), portable) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 agrees with OpenSSL at every length and in any pieces", "[runner]") {
  const bool portable = GENERATE(false, true);
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(hash_of(bytes, portable) == hex_encode(sha256(bytes)));
    bytes.push_back(static_cast<char>(i * 7));
  }
  std::string large;
  while (large.size() < 300000) large += bytes;
  for (const std::size_t piece : std::initializer_list<std::size_t>{1, 3, 63, 64, 65, 1000, 65536}) {
    Sha256 hash(portable);
    for (std::size_t at = 0; at < large.size(); at += piece)
      hash.update(std::string_view(large).substr(at, piece));
    CHECK(hash.finish() == hex_encode(sha256(large)));
  }
}

}  // namespace rexec::runner
