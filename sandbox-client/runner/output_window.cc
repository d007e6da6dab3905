#include "sandbox-client/runner/output_window.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sandbox-client/runner/newlines.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kSmallestTail = 64 << 10;
constexpr std::size_t kMaxMarks = 512;

// Bytes that go to a head, or nowhere, pass through here; used between room() and commit() only.
char scratch[kHeadBytes];

}  // namespace

void OutputBudget::leave(OutputWindow& window) {
  std::erase(windows_, &window);
}

bool OutputBudget::take(const OutputWindow& requester, std::size_t bytes) {
  while (used_ + bytes > limit_) {
    OutputWindow* oldest = nullptr;
    OutputWindow* largest = nullptr;
    for (OutputWindow* window : windows_) {
      if (window == &requester || window->capacity_ == 0) continue;
      if (window->finish_order_ != 0 && (oldest == nullptr || window->finish_order_ < oldest->finish_order_))
        oldest = window;
      if (largest == nullptr || window->capacity_ > largest->capacity_) largest = window;
    }
    if (oldest != nullptr) {
      oldest->resize_tail(0);
    } else if (largest == nullptr || largest->capacity_ / 2 < requester.capacity_ + bytes ||
               !largest->resize_tail(largest->capacity_ / 2)) {
      return false;
    }
  }
  used_ += bytes;
  return true;
}

OutputWindow::OutputWindow(OutputBudget& budget, Keep keep) : budget_(budget), keep_(keep) {
  budget_.join(*this);
}

OutputWindow::~OutputWindow() {
  resize_tail(0);
  budget_.give(head_.size());
  budget_.leave(*this);
}

int OutputWindow::room(iovec (&pieces)[2], std::size_t max) {
  room_is_scratch_ = head_.size() < keep_.head;
  if (!room_is_scratch_) {
    grow_tail(max);
    room_is_scratch_ = capacity_ == 0;
  }
  if (room_is_scratch_) {
    const std::size_t left = head_.size() < keep_.head ? keep_.head - head_.size() : sizeof scratch;
    pieces[0] = {scratch, std::min(max, left)};
    return 1;
  }
  const std::size_t first = std::min(max, capacity_ - next_);
  pieces[0] = {tail_ + next_, first};
  const std::size_t second = std::min(max, capacity_) - first;
  if (second == 0) return 1;
  pieces[1] = {tail_, second};
  return 2;
}

void OutputWindow::commit(std::size_t size) {
  if (room_is_scratch_) {
    newlines_ += count_newlines({scratch, size});
    if (head_.size() < keep_.head) {
      head_.append(scratch, size);
      budget_.force(size);
    }
  } else {
    const std::size_t first = std::min(size, capacity_ - next_);
    newlines_ += count_newlines({tail_ + next_, first}) + count_newlines({tail_, size - first});
    next_ = (next_ + size) % capacity_;
    size_ = std::min(capacity_, size_ + size);
  }
  produced_ += size;
  mark();
}

void OutputWindow::append(std::string_view bytes) {
  while (!bytes.empty()) {
    iovec pieces[2];
    room(pieces, bytes.size());
    const std::size_t size = std::min(bytes.size(), pieces[0].iov_len);
    std::memcpy(pieces[0].iov_base, bytes.data(), size);
    commit(size);
    bytes.remove_prefix(size);
  }
}

void OutputWindow::finish() {
  if (ended_) return;
  ended_ = true;
  finish_order_ = ++budget_.finished_;
  head_.shrink_to_fit();
  if (size_ < capacity_) resize_tail(size_);
}

std::uint64_t OutputWindow::newlines_before(std::uint64_t offset) const {
  if (offset == 0) return 0;
  if (offset >= produced_) return newlines_;
  if (offset >= tail_begin()) return newlines_ - count(offset, produced_);
  if (offset <= head_.size()) return count_newlines({head_.data(), static_cast<std::size_t>(offset)});
  const auto after =
      std::upper_bound(marks_.begin(), marks_.end(), offset,
                       [](std::uint64_t value, const Mark& mark) { return value < mark.offset; });
  const Mark low = after == marks_.begin() ? Mark{0, 0} : *(after - 1);
  const Mark high = after == marks_.end() ? Mark{produced_, newlines_} : *after;
  const double share =
      static_cast<double>(offset - low.offset) / static_cast<double>(high.offset - low.offset);
  return low.newlines + static_cast<std::uint64_t>(share * static_cast<double>(high.newlines - low.newlines));
}

StreamReport OutputWindow::report(std::uint64_t from, std::size_t head, std::size_t tail) const {
  StreamReport report;
  report.from = from;
  report.produced = produced_;
  report.end = ended_;
  report.head_offset = report.tail_offset = std::max(from, produced_);
  if (from >= produced_) return report;
  report.newlines = newlines_ - newlines_before(from);
  const std::uint64_t head_end = head_.size();
  if (tail_begin() > std::max(from, head_end)) report.lost = tail_begin() - std::max(from, head_end);

  report.head_offset = next_kept(from);
  const bool whole = report.lost == 0 && produced_ - from <= std::uint64_t{head} + tail;
  copy(report.head_offset, whole ? head + tail : head, report.head);
  const std::uint64_t head_stop = report.head_offset + report.head.size();
  if (whole) {
    report.tail_offset = head_stop;
    return report;
  }
  // The end of the stream, as far as it is kept without a gap and was not given already.
  const std::uint64_t contiguous = tail_begin() > head_end ? tail_begin() : 0;
  report.tail_offset = std::max(head_stop, contiguous);
  if (produced_ - report.tail_offset > tail) report.tail_offset = produced_ - tail;
  const auto size = static_cast<std::size_t>(produced_ - report.tail_offset);
  if (report.tail_offset < head_end) {
    copy(report.tail_offset, std::min(size, static_cast<std::size_t>(head_end - report.tail_offset)),
         report.tail);
  }
  if (report.tail.size() < size) {
    std::string rest;
    copy(report.tail_offset + report.tail.size(), size - report.tail.size(), rest);
    report.tail += rest;
  }
  return report;
}

Output OutputWindow::read(std::uint64_t offset, std::size_t max) const {
  Output output;
  output.produced = produced_;
  output.end = ended_;
  output.offset = offset >= produced_ ? offset : next_kept(offset);
  output.newlines_before = newlines_before(output.offset);
  if (output.offset < produced_) copy(output.offset, max, output.data);
  return output;
}

void OutputWindow::copy(std::uint64_t begin, std::size_t max, std::string& out) const {
  const std::uint64_t head_end = head_.size();
  const std::uint64_t stop = begin < head_end && tail_begin() > head_end ? head_end : produced_;
  const std::uint64_t end = std::min<std::uint64_t>(stop, begin + max);
  if (end <= begin) return;
  out.reserve(static_cast<std::size_t>(end - begin));
  if (begin < head_end) {
    const std::uint64_t until = std::min(end, head_end);
    out.append(head_, static_cast<std::size_t>(begin), static_cast<std::size_t>(until - begin));
    begin = until;
  }
  if (begin == end) return;
  std::string_view pieces[2];
  pieces_of_tail(begin, end, pieces);
  out.append(pieces[0]);
  out.append(pieces[1]);
}

std::uint64_t OutputWindow::count(std::uint64_t begin, std::uint64_t end) const {
  std::string_view pieces[2];
  pieces_of_tail(begin, end, pieces);
  return count_newlines(pieces[0]) + count_newlines(pieces[1]);
}

void OutputWindow::pieces_of_tail(std::uint64_t begin, std::uint64_t end,
                                  std::string_view (&pieces)[2]) const {
  if (begin >= end || capacity_ == 0) return;
  const auto back = static_cast<std::size_t>(produced_ - begin);  // at most size_
  const std::size_t at = (next_ + capacity_ - back % capacity_) % capacity_;
  const auto size = static_cast<std::size_t>(end - begin);
  const std::size_t first = std::min(size, capacity_ - at);
  pieces[0] = {tail_ + at, first};
  pieces[1] = {tail_, size - first};
}

void OutputWindow::grow_tail(std::size_t wanted) {
  while (capacity_ < keep_.tail && capacity_ - size_ < wanted) {
    const std::size_t larger = capacity_ == 0 ? kSmallestTail : capacity_ * 2;
    if (!budget_.take(*this, larger - capacity_)) return;
    budget_.give(larger - capacity_);  // resize_tail accounts for it
    if (!resize_tail(larger)) return;
  }
}

bool OutputWindow::resize_tail(std::size_t capacity) {
  char* memory = nullptr;
  const std::size_t keep = std::min(size_, capacity);
  if (capacity > 0) {
    memory = static_cast<char*>(std::malloc(capacity));
    if (memory == nullptr) return false;
    std::string_view pieces[2];
    pieces_of_tail(produced_ - keep, produced_, pieces);
    char* to = memory;
    for (const std::string_view piece : pieces) to = std::copy(piece.begin(), piece.end(), to);
  }
  std::free(tail_);
  budget_.give(capacity_);
  budget_.force(capacity);
  tail_ = memory;
  capacity_ = capacity;
  size_ = keep;
  next_ = capacity == 0 ? 0 : keep % capacity;
  return true;
}

void OutputWindow::mark() {
  const std::uint64_t last = marks_.empty() ? 0 : marks_.back().offset;
  if (produced_ - last < mark_distance_) return;
  if (marks_.size() == kMaxMarks) {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
    marks_.resize(kept);
    mark_distance_ *= 2;
  }
  marks_.push_back({produced_, newlines_});
}

}  // namespace rexec::runner
