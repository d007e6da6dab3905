// SHA-256 (FIPS 180-4), because the runner links nothing; by the processor's own instructions where it has
// them (x86).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rexec::runner {

class Sha256 {
 public:
  /// `portable` keeps to the code for any processor; for tests.
  explicit Sha256(bool portable = false) : portable_(portable) {}

  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. The object is not used afterwards.
  std::string finish();

 private:
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> block_{};
  std::size_t filled_ = 0;
  std::uint64_t size_ = 0;
  bool portable_;
};

}  // namespace rexec::runner
