// Random bytes from the kernel (getrandom(2)); blocks only before the kernel's pool is initialised.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace rexec {

void fill_random(std::span<std::uint8_t> bytes);
/// 2 * bytes lower-case hexadecimal digits.
std::string random_hex(std::size_t bytes);
std::array<std::uint8_t, 16> random_128();

}  // namespace rexec
