#include "base/random.h"

#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace rexec {
namespace {

TEST_CASE("random_hex gives two lower-case digits a byte", "[base][random]") {
  CHECK(random_hex(0).empty());
  const std::string text = random_hex(16);
  CHECK(text.size() == 32);
  CHECK(text.find_first_not_of("0123456789abcdef") == text.npos);
}

TEST_CASE("random values do not repeat", "[base][random]") {
  std::set<std::string> texts;
  std::set<std::array<std::uint8_t, 16>> numbers;
  for (int i = 0; i < 1000; ++i) {
    texts.insert(random_hex(16));
    numbers.insert(random_128());
  }
  CHECK(texts.size() == 1000);
  CHECK(numbers.size() == 1000);
}

TEST_CASE("fill_random fills more than one call of the kernel gives", "[base][random]") {
  // getrandom(2) may be interrupted beyond 256 bytes. A quarter of a megabyte has every value in each part.
  std::vector<std::uint8_t> bytes(256 * 1024);
  fill_random(bytes);
  for (std::size_t part = 0; part < 4; ++part) {
    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(part * bytes.size() / 4);
    const std::set<std::uint8_t> values(start, start + 65536);
    CHECK(values.size() == 256);
  }
  fill_random({});
}

}  // namespace
}  // namespace rexec
