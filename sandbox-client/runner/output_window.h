// What is kept of one output stream: its first bytes for good and its newest bytes, up to a size each, as
// memory allows; with the number of bytes and of newlines of all that ever came.
//
// Offsets count from the start of the stream. A window never refuses bytes: what does not fit replaces the
// oldest of the tail. All windows of a sandbox share an OutputBudget.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

class OutputWindow;

/// Bounds the memory of all windows. When it is used up the tail of the longest finished stream goes; when
/// none is finished, the largest tail is halved.
class OutputBudget {
 public:
  explicit OutputBudget(std::size_t limit) : limit_(limit) {}

  std::size_t used() const { return used_; }

 private:
  friend class OutputWindow;

  void join(OutputWindow& window) { windows_.push_back(&window); }
  void leave(OutputWindow& window);
  /// True when `bytes` more have been taken from the budget for `requester`.
  bool take(const OutputWindow& requester, std::size_t bytes);
  void force(std::size_t bytes) { used_ += bytes; }
  void give(std::size_t bytes) { used_ -= bytes; }

  std::size_t limit_;
  std::size_t used_ = 0;
  std::uint64_t finished_ = 0;
  std::vector<OutputWindow*> windows_;
};

class OutputWindow {
 public:
  struct Keep {
    std::size_t head = kHeadBytes;  // at most kHeadBytes
    std::size_t tail = kTailBytes;  // a power of two, at least 64 KiB
  };

  explicit OutputWindow(OutputBudget& budget) : OutputWindow(budget, Keep()) {}
  OutputWindow(OutputBudget& budget, Keep keep);
  ~OutputWindow();
  OutputWindow(const OutputWindow&) = delete;
  OutputWindow& operator=(const OutputWindow&) = delete;

  /// Where the next bytes go, for readv(2): one or two pieces of at most `max` bytes together. They are part
  /// of the stream after commit(bytes that came). Nothing else is called in between.
  int room(iovec (&pieces)[2], std::size_t max);
  void commit(std::size_t size);
  void append(std::string_view bytes);
  /// Nothing follows; gives back memory that is not used.
  void finish();

  bool ended() const { return ended_; }
  std::uint64_t produced() const { return produced_; }

  /// Newlines in [0, offset). Exact where bytes are kept, at 0 and at the end; inside of what was dropped it
  /// is interpolated between points about 64 KiB (of a long stream: 1/512 of it) apart.
  std::uint64_t newlines_before(std::uint64_t offset) const;

  /// Everything from `from` on when it is all kept and at most head + tail bytes, else those parts of it.
  StreamReport report(std::uint64_t from, std::size_t head, std::size_t tail) const;
  /// At most `max` bytes from the first kept one at or after `offset`, as far as they are contiguous.
  Output read(std::uint64_t offset, std::size_t max) const;

  std::size_t tail_capacity() const { return capacity_; }
  std::uint64_t finish_order() const { return finish_order_; }

 private:
  friend class OutputBudget;
  struct Mark {
    std::uint64_t offset;
    std::uint64_t newlines;
  };

  std::uint64_t tail_begin() const { return produced_ - size_; }
  bool kept(std::uint64_t offset) const { return offset < head_.size() || offset >= tail_begin(); }
  /// First kept offset at or after `offset`.
  std::uint64_t next_kept(std::uint64_t offset) const { return kept(offset) ? offset : tail_begin(); }
  /// Kept bytes from `begin` on, up to `max`, not across a gap.
  void copy(std::uint64_t begin, std::size_t max, std::string& out) const;
  std::uint64_t count(std::uint64_t begin, std::uint64_t end) const;
  void pieces_of_tail(std::uint64_t begin, std::uint64_t end, std::string_view (&pieces)[2]) const;
  void grow_tail(std::size_t wanted);
  bool resize_tail(std::size_t capacity);
  void mark();

  OutputBudget& budget_;
  const Keep keep_;
  std::string head_;
  char* tail_ = nullptr;      // ring
  std::size_t capacity_ = 0;  // of the ring
  std::size_t next_ = 0;      // where the next byte goes
  std::size_t size_ = 0;      // kept in the ring
  bool room_is_scratch_ = false;
  bool ended_ = false;
  std::uint64_t finish_order_ = 0;  // 0: not finished
  std::uint64_t produced_ = 0;
  std::uint64_t newlines_ = 0;
  std::vector<Mark> marks_;
  std::uint64_t mark_distance_ = 64 << 10;
};

}  // namespace rexec::runner
