#include "sandbox-client/terminal/render.h"

#include <utility>

#include "sandbox-client/terminal/sgr.h"

namespace rexec::terminal {
namespace {

// The foreground of a space is not to be seen, nor is anything else that only matters for ink.
Style visible_style(const Cell& cell) {
  constexpr std::uint16_t kOnBlanks = kReverse | kUnderlineMask | kStrike | kOverline;
  const bool blank = cell.is_blank() || (!cell.is_cluster() && cell.character() == U' ');
  if (!blank || (cell.style.attributes & kOnBlanks) != 0) return cell.style;
  return {{}, cell.style.background, 0};
}

bool is_space(const Cell& cell) {
  return cell.is_blank() || (!cell.is_cluster() && !cell.is_continuation() && cell.character() == U' ');
}

}  // namespace

void LineRenderer::add(const Row& row) {
  open_ = true;
  // Where a line goes on, a blank at the very end is room that a wide character did not fit into.
  const int last = options_.colors && !row.wrapped() ? row.columns() : row.used();
  for (int column = 0; column < last; ++column) {
    const Cell& cell = row.at(column);
    if (cell.is_continuation()) continue;
    const Style style = options_.colors ? visible_style(cell) : Style();
    if (is_space(cell) && style == Style()) {
      pending_ += ' ';
      continue;
    }
    if (!pending_.empty()) {
      append_sgr(line_, std::exchange(style_, Style()), Style());
      line_ += std::exchange(pending_, {});
    }
    append_sgr(line_, std::exchange(style_, style), style);
    row.append_text(cell, line_);
  }
  if (!options_.join_wrapped || !row.wrapped()) end_line();
}

void LineRenderer::end_line() {
  append_sgr(line_, std::exchange(style_, Style()), Style());
  pending_.clear();
  lines_.push_back(std::exchange(line_, {}));
  open_ = false;
}

std::vector<std::string> LineRenderer::take() {
  if (open_) end_line();
  return std::exchange(lines_, {});
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::size_t count = lines.size();
  while (count > 0 && lines[count - 1].empty()) --count;
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += lines[i] + '\n';
  return text;
}

}  // namespace rexec::terminal
