#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

#include "base/encoding.h"

namespace rexec {

void fill_random(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      // Identifiers and tokens must be unguessable; there is nothing safe to do without the kernel's bytes.
      std::abort();
    }
  }
}

std::string random_hex(std::size_t bytes) {
  std::string raw(bytes, '\0');
  fill_random({reinterpret_cast<std::uint8_t*>(raw.data()), raw.size()});
  return hex_encode(raw);
}

std::array<std::uint8_t, 16> random_128() {
  std::array<std::uint8_t, 16> bytes{};
  fill_random(bytes);
  return bytes;
}

}  // namespace rexec
