// Every bound of the screen model in one place. What is beyond a bound is cut or dropped, never kept: no
// input can make a screen larger than these allow, nor make one byte cost more than a row's worth of work.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rexec::terminal {

inline constexpr int kMaxColumns = 1000;
inline constexpr int kMaxRows = 500;

// Control sequences.
inline constexpr std::size_t kMaxParameters = 32;           // further ones are ignored
inline constexpr std::uint16_t kMaxParameterValue = 65535;  // larger numbers count as this one
inline constexpr std::size_t kMaxIntermediates = 2;         // a sequence with more is ignored
inline constexpr std::size_t kMaxStringBytes = 4096;        // of OSC and DCS; a longer one is ignored

// One base character and what is combined with it, in bytes of UTF-8. The longest emoji sequence that Unicode
// recommends has 35 bytes.
inline constexpr std::size_t kMaxClusterBytes = 40;

inline constexpr std::size_t kMaxTitleBytes = 512;
inline constexpr std::size_t kMaxTitleStack = 10;

// Replies that nobody has fetched yet; a query beyond that is not answered.
inline constexpr std::size_t kMaxReplies = 64;

inline constexpr std::size_t kDefaultScrollbackLines = 10'000;
inline constexpr std::size_t kDefaultScrollbackBytes = std::size_t{8} << 20U;
inline constexpr std::size_t kMaxScrollbackLines = 100'000;
inline constexpr std::size_t kMaxScrollbackBytes = std::size_t{64} << 20U;

// Of a checkpoint that restore() reads.
inline constexpr std::size_t kMaxCheckpointBytes = std::size_t{160} << 20U;

// What is told to programs that ask for pixels.
inline constexpr int kCellPixelWidth = 8;
inline constexpr int kCellPixelHeight = 16;

}  // namespace rexec::terminal
