// What of a stream fits into an answer, and exact accounts of what does not.
//
// Cuts fall at line ends where that costs at most half of the share, else between characters. All offsets are
// those of the process's output, whatever the filter dropped in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "sandbox-client/runner_client.h"

namespace rexec::tools {

/// Shares of an answer whose middle is cut, and of the bytes that are fetched for it: head : tail.
inline constexpr std::size_t kHeadShare = 1;
inline constexpr std::size_t kTailShare = 2;
/// A character of UTF-8 has at most this many bytes.
inline constexpr std::size_t kMaxCharBytes = 4;
/// What one report or read brings at most.
inline constexpr std::size_t kMaxPiece = 1 << 20;

/// Part of a stream as it is shown.
struct StreamView {
  std::string text;
  std::uint64_t next = 0;           // offset behind what is covered
  std::uint64_t omitted_bytes = 0;  // of [from, produced), not shown
  std::uint64_t omitted_lines = 0;
  std::uint64_t lost_bytes = 0;  // of those, no longer kept (a page: of those before its end)
  bool gap = false;              // the middle was cut
  std::uint64_t gap_offset = 0;  // where the missing part begins; `next` without a gap
  bool more = false;             // of a page: more is there already
};

struct Omission {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t lost = 0;
  std::uint64_t offset = 0;  // where it begins
};

/// The line (without its end) that stands for what was cut.
using Marker = std::function<std::string(const Omission&)>;

/// Head and tail of what a report brings, in at most `max_chars` characters, the marker included. A marker
/// that is longer than that stands alone.
StreamView view_ends(const sandbox::StreamReport& report, bool raw, std::size_t max_chars,
                     const Marker& marker);

/// The next page: what a report brings of its start, in at most `max_chars` characters.
StreamView view_page(const sandbox::StreamReport& report, bool raw, std::size_t max_chars);

/// The next page in base64, of at most `max_chars` characters.
StreamView view_base64(const sandbox::StreamReport& report, std::size_t max_chars);

/// Characters that everything a report brings would need, at most `limit`.
std::size_t measure(const sandbox::StreamReport& report, bool raw, std::size_t limit);

/// Text of any kind as a report, to be cut in the same way.
sandbox::StreamReport as_report(std::string text);

}  // namespace rexec::tools
