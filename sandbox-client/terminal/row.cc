#include "sandbox-client/terminal/row.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sandbox-client/terminal/limits.h"

namespace rexec::terminal {

void append_utf8(std::string& text, char32_t character) {
  const auto put = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  const std::uint32_t c = character;
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0U | (c >> 6U));
    put(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    put(0xE0U | (c >> 12U));
    put(0x80U | ((c >> 6U) & 0x3FU));
    put(0x80U | (c & 0x3FU));
  } else {
    put(0xF0U | (c >> 18U));
    put(0x80U | ((c >> 12U) & 0x3FU));
    put(0x80U | ((c >> 6U) & 0x3FU));
    put(0x80U | (c & 0x3FU));
  }
}

int Row::used() const {
  if (!fill_.is_blank()) return columns_;
  std::size_t count = cells_.size();
  while (count > 0 && cells_[count - 1].is_blank()) --count;
  return static_cast<int>(count);
}

bool Row::is_blank() const {
  return fill_ == Cell() && std::ranges::all_of(cells_, [](const Cell& cell) { return cell == Cell(); });
}

void Row::append_text(const Cell& cell, std::string& text) const {
  if (cell.is_continuation()) return;
  if (cell.is_blank()) {
    text.push_back(' ');
  } else if (cell.is_cluster()) {
    text.append(cluster_text(cell));
  } else {
    append_utf8(text, cell.character());
  }
}

void Row::keep(int count) {
  if (kept() >= count) return;
  if (cells_.capacity() < static_cast<std::size_t>(columns_))
    cells_.reserve(static_cast<std::size_t>(columns_));
  cells_.resize(static_cast<std::size_t>(count), fill_);
}

void Row::split_wide_at(int column) {
  if (!has_wide_ || column <= 0 || column >= kept()) return;
  const auto index = static_cast<std::size_t>(column);
  if (!cells_[index].is_continuation()) return;
  cells_[index] = Cell::blank(cells_[index].style.background);
  cells_[index - 1] = Cell::blank(cells_[index - 1].style.background);
}

void Row::put_ascii(int column, std::string_view text, const Style& style) {
  const int end = column + static_cast<int>(text.size());
  assert(end <= columns_);
  if (has_wide_) {
    split_wide_at(column);
    split_wide_at(end);
  }
  keep(end);
  Cell* cell = &cells_[static_cast<std::size_t>(column)];
  for (const char c : text) *cell++ = Cell(static_cast<unsigned char>(c), false, style);
}

void Row::put(int column, char32_t character, bool wide, const Style& style) {
  const int end = column + (wide ? 2 : 1);
  assert(end <= columns_);
  split_wide_at(column);
  split_wide_at(end);
  keep(end);
  const auto index = static_cast<std::size_t>(column);
  cells_[index] = Cell(character, wide, style);
  if (!wide) return;
  cells_[index + 1] = Cell::continuation(style);
  has_wide_ = true;
}

void Row::put_cluster(int column, std::string_view text, bool wide, const Style& style) {
  put(column, U' ', wide, style);
  const std::uint32_t index = add_cluster(text.substr(0, kMaxClusterBytes));
  cells_[static_cast<std::size_t>(column)].set_cluster(index);
}

bool Row::combine(int column, char32_t character) {
  keep(column + 1);
  const auto index = static_cast<std::size_t>(column);
  assert(!cells_[index].is_continuation());
  std::string text;
  append_text(cells_[index], text);
  append_utf8(text, character);
  if (text.size() > kMaxClusterBytes) return false;
  if (cells_[index].is_cluster()) {
    clusters_[cells_[index].cluster()] = std::move(text);
  } else {
    const std::uint32_t cluster = add_cluster(text);
    cells_[index].set_cluster(cluster);
  }
  return true;
}

std::uint32_t Row::add_cluster(std::string_view text) {
  if (clusters_.size() >= 2 * static_cast<std::size_t>(columns_)) drop_unused_clusters();
  clusters_.emplace_back(text);
  return static_cast<std::uint32_t>(clusters_.size() - 1);
}

void Row::drop_unused_clusters() {
  std::vector<std::string> live;
  for (Cell& cell : cells_) {
    if (!cell.is_cluster()) continue;
    live.push_back(std::move(clusters_[cell.cluster()]));
    cell.set_cluster(static_cast<std::uint32_t>(live.size() - 1));
  }
  clusters_ = std::move(live);
}

void Row::erase(int first, int last, const Cell& blank) {
  last = std::min(last, columns_);
  if (first >= last) return;
  split_wide_at(first);
  split_wide_at(last);
  if (last == columns_ && (fill_ == blank || first == 0)) {
    cells_.resize(std::min(cells_.size(), static_cast<std::size_t>(first)));
    fill_ = blank;
    return;
  }
  if (first >= kept() && fill_ == blank) return;
  keep(last);
  std::fill(cells_.begin() + first, cells_.begin() + last, blank);
}

void Row::clear(const Cell& fill) {
  cells_.clear();
  clusters_.clear();
  fill_ = fill;
  wrapped_ = false;
  has_wide_ = false;
}

void Row::insert(int column, int count, const Cell& blank) {
  count = std::min(count, columns_ - column);
  if (count <= 0) return;
  split_wide_at(column);
  split_wide_at(columns_ - count);
  if (column >= kept() && fill_ == blank) return;
  keep(columns_);
  const auto from = cells_.begin() + column;
  std::move_backward(from, cells_.end() - count, cells_.end());
  std::fill(from, from + count, blank);
}

void Row::remove(int column, int count, const Cell& blank) {
  count = std::min(count, columns_ - column);
  if (count <= 0) return;
  split_wide_at(column);
  split_wide_at(column + count);
  if (column >= kept() && fill_ == blank) return;
  keep(columns_);
  std::move(cells_.begin() + column + count, cells_.end(), cells_.begin() + column);
  std::fill(cells_.end() - count, cells_.end(), blank);
}

void Row::keep_blanks(int column, int count, const Style& style) {
  const int end = column + count;
  assert(end <= columns_);
  split_wide_at(column);
  split_wide_at(end);
  keep(end);
  std::fill(cells_.begin() + column, cells_.begin() + end, Cell(0, false, style));
}

void Row::set_columns(int columns) {
  if (columns < kept()) {
    split_wide_at(columns);
    cells_.resize(static_cast<std::size_t>(columns));
  }
  columns_ = columns;
  drop_unused_clusters();
}

}  // namespace rexec::terminal
