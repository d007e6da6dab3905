#include "sandbox-client/terminal/scrollback.h"

#include <utility>

#include "sandbox-client/terminal/row_codec.h"

namespace rexec::terminal {
namespace {

// Counted for each line besides its bytes, so that a million empty ones are not free.
constexpr std::size_t kLineOverhead = sizeof(std::string);

}  // namespace

void Scrollback::push(const Row& row) {
  std::string line = std::move(spare_);
  line.clear();
  encode_row(row, line);
  push_encoded(std::move(line));
}

void Scrollback::push_encoded(std::string line) {
  bytes_ += line.size() + kLineOverhead;
  lines_.push_back(std::move(line));
  make_room();
}

void Scrollback::make_room() {
  while (lines_.size() > max_lines_ || bytes_ > max_bytes_) {
    bytes_ -= lines_.front().size() + kLineOverhead;
    spare_ = std::move(lines_.front());
    lines_.pop_front();
    ++dropped_;
  }
}

void Scrollback::pop_newest() {
  bytes_ -= lines_.back().size() + kLineOverhead;
  lines_.pop_back();
}

void Scrollback::clear() {
  lines_.clear();
  bytes_ = 0;
  dropped_ = 0;
}

}  // namespace rexec::terminal
