#include "sandbox-client/runner/input_queue.h"

#include <algorithm>

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

bool InputQueue::has_room() const {
  return bytes_.size() - taken_ < kInputQueue;
}

InputQueue::Verdict InputQueue::accept(const std::string& writer, std::uint64_t offset,
                                       std::string_view data) {
  if (writer.size() > kMaxWriterName) return Verdict::long_name;
  auto found = writers_.find(writer);
  if (found == writers_.end()) {
    if (offset > 0) return Verdict::gap;
    if (writers_.size() == kMaxWriters)
      writers_.erase(std::min_element(writers_.begin(), writers_.end(), [](const auto& a, const auto& b) {
        return a.second.turn < b.second.turn;
      }));
    found = writers_.emplace(writer, Writer()).first;
  }
  found->second.turn = ++turns_;
  std::uint64_t& have = found->second.accepted;
  if (offset > have) return Verdict::gap;
  const std::uint64_t known = have - offset;
  if (known >= data.size()) return Verdict::accepted;
  data.remove_prefix(static_cast<std::size_t>(known));
  have += data.size();
  append(data);
  return Verdict::accepted;
}

void InputQueue::append(std::string_view data) {
  if (closing_) return;
  if (taken_ > 0 && taken_ >= bytes_.size() / 2) {
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
  bytes_.append(data);
}

std::uint64_t InputQueue::accepted(const std::string& writer) const {
  const auto found = writers_.find(writer);
  return found == writers_.end() ? 0 : found->second.accepted;
}

void InputQueue::abandon() {
  closing_ = true;
  bytes_ = {};
  taken_ = 0;
}

void InputQueue::pop(std::size_t size) {
  taken_ += std::min(size, bytes_.size() - taken_);
  if (!empty()) return;
  taken_ = 0;
  if (bytes_.capacity() > kInputQueue / 4) {
    bytes_ = {};
  } else {
    bytes_.clear();
  }
}

}  // namespace rexec::runner
