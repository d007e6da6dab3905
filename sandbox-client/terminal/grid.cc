#include "sandbox-client/terminal/grid.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

namespace rexec::terminal {

Grid::Grid(int columns, int rows)
    : rows_(static_cast<std::size_t>(rows), Row(columns)),
      order_(static_cast<std::size_t>(rows)),
      columns_(columns) {
  std::iota(order_.begin(), order_.end(), 0U);
}

void Grid::unwrap(int y) {
  if (y >= 0) row(y).set_wrapped(false);
}

void Grid::scroll_up(int top, int bottom, int count, const Cell& blank, bool continues) {
  assert(0 <= top && top <= bottom && bottom < rows());
  count = std::min(count, bottom - top + 1);
  if (count <= 0) return;
  unwrap(top - 1);
  if (!continues) unwrap(bottom);
  const auto first = order_.begin() + top;
  const auto last = order_.begin() + bottom + 1;
  std::rotate(first, first + count, last);
  for (int y = bottom - count + 1; y <= bottom; ++y) row(y).clear(blank);
}

void Grid::scroll_down(int top, int bottom, int count, const Cell& blank) {
  assert(0 <= top && top <= bottom && bottom < rows());
  count = std::min(count, bottom - top + 1);
  if (count <= 0) return;
  unwrap(top - 1);
  const auto first = order_.begin() + top;
  const auto last = order_.begin() + bottom + 1;
  std::rotate(first, last - count, last);
  unwrap(bottom);
  for (int y = top; y < top + count; ++y) row(y).clear(blank);
}

void Grid::clear(const Cell& blank) {
  for (Row& row : rows_) row.clear(blank);
}

void Grid::set_rows(int count) {
  std::vector<Row> kept;
  kept.reserve(static_cast<std::size_t>(count));
  for (int y = 0; y < std::min(count, rows()); ++y) kept.push_back(std::move(row(y)));
  if (count < rows()) kept.back().set_wrapped(false);
  kept.resize(static_cast<std::size_t>(count), Row(columns_));
  rows_ = std::move(kept);
  order_.resize(rows_.size());
  std::iota(order_.begin(), order_.end(), 0U);
}

void Grid::set_columns(int columns) {
  columns_ = columns;
  for (Row& row : rows_) row.set_columns(columns);
}

}  // namespace rexec::terminal
