#include "base/encoding.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace rexec {
namespace {

TEST_CASE("base64 gives the values of RFC 4648 section 10, both ways", "[base][encoding]") {
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
  }
}

TEST_CASE("every length and byte survives both alphabets", "[base][encoding]") {
  std::string bytes;
  for (int i = 0; i < 512; ++i) {
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
    CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
  CHECK(base64_encode("\xfb\xff\xbf") == "+/+/");
  CHECK(base64url_encode("\xfb\xff\xbf") == "-_-_");
  CHECK(base64url_encode("f") == "Zg");
}

TEST_CASE("base64_decode takes nothing but the canonical form", "[base][encoding]") {
  for (const char* text :
       {"Z",    "Zg",   "Zg=",  "Zg===", "Z===",   "====", "=",    "Zm9v=", "Zm9v====", "Zg==Zg==",
        "Z=g=", "=Zg=", "Zh==", "Zm9=",  "Zm9v\n", " Zm9", "Zm 9", "-_-_",  "Zm9\xff",  "Zg==\n"}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text).has_value());
  }
  CHECK_FALSE(base64_decode(std::string_view("Zm9\0", 4)).has_value());
}

TEST_CASE("base64url_decode takes neither padding nor the other alphabet", "[base][encoding]") {
  for (const char* text : {"Z", "Zg==", "Zm8=", "Zh", "Zm9", "+/+/", "Zm9v ", "Zm9vY"}) {
    CAPTURE(text);
    CHECK_FALSE(base64url_decode(text).has_value());
  }
  CHECK(base64url_decode("Zg") == "f");
  CHECK(base64url_decode("") == "");
}

TEST_CASE("hex_encode writes lower case", "[base][encoding]") {
  CHECK(hex_encode("") == "");
  CHECK(hex_encode(std::string("\0\x0f\xab\xff", 4)) == "000fabff");
}

TEST_CASE("sha256 gives the values of FIPS 180-4", "[base][encoding]") {
  CHECK(hex_encode(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex_encode(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_encode(sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hmac_sha256 gives the values of RFC 4231", "[base][encoding]") {
  CHECK(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("hmac_sha256 takes an empty key and an empty message", "[base][encoding]") {
  CHECK(hex_encode(hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("constant_time_equal compares lengths and bytes", "[base][encoding]") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal({}, ""));
  CHECK(constant_time_equal("token", "token"));
  CHECK_FALSE(constant_time_equal("token", "tokeN"));
  CHECK_FALSE(constant_time_equal("token", "toke"));
  CHECK_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

}  // namespace
}  // namespace rexec
