// For a text that was not found in another: why that may be, and what comes nearest. Pure: no I/O.
//
// The search goes over the text in pieces, so that a caller with other duties can do a piece at a time. What
// it finds is a hint for a reader, never a place to change.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rexec::runner {

inline constexpr std::size_t kMaxHintBytes = 1400;  // of describe()

class NearestLines {
 public:
  /// Both texts outlive this. `name` is what messages call `sought`, such as "old_text".
  NearestLines(std::string_view text, std::string_view sought, std::string name);

  /// Does a piece of about `bytes` bytes; true when the search is over.
  bool advance(std::size_t bytes);
  /// After the last advance: sentences and numbered lines, at most kMaxHintBytes; empty when nothing is
  /// similar.
  std::string describe() const;

 private:
  struct Place {
    std::size_t offset = 0;
    std::size_t line = 0;  // 0-based
    std::size_t lines = 1;
  };
  enum class Stage { variants, whitespace, similar, over };

  void try_variants();
  void ignore_whitespace();
  void prepare_similar();
  void look_at_line(std::string_view line);
  void close_window(std::size_t start);
  void found(std::string hint, std::size_t offset, std::size_t size);

  std::string_view text_;
  std::string_view sought_;
  std::string name_;
  Stage stage_ = Stage::variants;
  std::string hint_;
  bool placed_ = false;
  Place place_;

  // For lines: every line of `sought` that occurs votes for where `sought` would begin.
  static constexpr std::size_t kMaxLines = 256;  // of sought that are looked at
  std::vector<std::string_view> lines_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_hash_;
  std::array<std::uint32_t, kMaxLines> votes_{};  // by number of the first line, modulo
  std::array<std::size_t, kMaxLines> offsets_{};  // of lines, likewise
  std::uint32_t best_votes_ = 0;
  // For one line: pairs of bytes in common with the longest line of `sought`.
  std::bitset<65536> pairs_;
  std::size_t model_ = 0;
  double best_likeness_ = 0;
  Place likely_;
  std::size_t offset_ = 0;
  std::size_t line_ = 0;
};

}  // namespace rexec::runner
