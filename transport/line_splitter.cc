#include "transport/line_splitter.h"

#include <utility>

namespace rexec::transport {

LineSplitter::LineSplitter(std::size_t max_line, Sink sink) : max_line_(max_line), sink_(std::move(sink)) {}

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    if (newline == std::string_view::npos) return append(bytes);
    append(bytes.substr(0, newline));
    complete();
    bytes.remove_prefix(newline + 1);
  }
}

void LineSplitter::end() {
  complete();
}

void LineSplitter::append(std::string_view part) {
  if (discarding_) return;
  // One byte more than allowed may be the \r of a terminator.
  if (partial_.size() + part.size() > max_line_ + 1) {
    discarding_ = true;
    partial_ = std::string();
    sink_.oversized();
    return;
  }
  partial_.append(part);
}

void LineSplitter::complete() {
  if (std::exchange(discarding_, false)) return;
  std::string line = std::exchange(partial_, std::string());
  if (line.ends_with('\r')) line.pop_back();
  if (line.size() > max_line_) {
    sink_.oversized();
  } else if (!line.empty()) {
    sink_.line(std::move(line));
  }
}

}  // namespace rexec::transport
