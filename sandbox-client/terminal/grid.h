// The rows of one screen. Scrolling moves row numbers, not rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sandbox-client/terminal/row.h"

namespace rexec::terminal {

class Grid {
 public:
  Grid(int columns, int rows);

  int columns() const { return columns_; }
  int rows() const { return static_cast<int>(order_.size()); }
  Row& row(int y) { return rows_[order_[static_cast<std::size_t>(y)]]; }
  const Row& row(int y) const { return rows_[order_[static_cast<std::size_t>(y)]]; }

  /// Moves the rows [top, bottom] by `count`, at most their number; the rows that become free are cleared to
  /// `blank`. Text that went on across an edge of what moved does so no longer, unless `continues` says that
  /// the last row is about to go on in the new one.
  void scroll_up(int top, int bottom, int count, const Cell& blank, bool continues = false);
  void scroll_down(int top, int bottom, int count, const Cell& blank);
  void clear(const Cell& blank);

  /// Adds blank rows below, or takes rows away there.
  void set_rows(int rows);
  void set_columns(int columns);

 private:
  void unwrap(int y);

  std::vector<Row> rows_;
  std::vector<std::uint32_t> order_;
  int columns_;
};

}  // namespace rexec::terminal
