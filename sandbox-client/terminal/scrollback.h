// Rows that left the screen at its top: as many as two bounds allow, the oldest are dropped first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "sandbox-client/terminal/row.h"

namespace rexec::terminal {

class Scrollback {
 public:
  Scrollback(std::size_t max_lines, std::size_t max_bytes) : max_lines_(max_lines), max_bytes_(max_bytes) {}

  std::size_t size() const { return lines_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t max_lines() const { return max_lines_; }
  std::size_t max_bytes() const { return max_bytes_; }
  /// How many lines were dropped since the last clear(): the number of line 0.
  std::uint64_t dropped() const { return dropped_; }
  /// An encoded row (row_codec.h); 0 is the oldest.
  std::string_view line(std::size_t index) const { return lines_[index]; }

  void push(const Row& row);
  void push_encoded(std::string line);
  void pop_newest();
  void clear();
  /// Tells that `count` lines were dropped before what follows.
  void set_dropped(std::uint64_t count) { dropped_ = count; }

 private:
  void make_room();

  std::deque<std::string> lines_;
  std::string spare_;  // memory of a dropped line
  std::size_t bytes_ = 0;
  std::size_t max_lines_;
  std::size_t max_bytes_;
  std::uint64_t dropped_ = 0;
};

}  // namespace rexec::terminal
