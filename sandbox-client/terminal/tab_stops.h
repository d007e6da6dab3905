// Where the tabulator stops: every eight columns until a program says otherwise.
#pragma once

#include <cstddef>
#include <vector>

namespace rexec::terminal {

class TabStops {
 public:
  explicit TabStops(int columns) { reset(columns); }

  void reset(int columns) {
    stops_.clear();
    set_columns(columns);
  }
  /// Stops stay; new columns have the usual ones.
  void set_columns(int columns) {
    const std::size_t before = stops_.size();
    stops_.resize(static_cast<std::size_t>(columns));
    for (std::size_t column = before; column < stops_.size(); ++column) stops_[column] = column % 8 == 0;
  }
  bool at(int column) const { return stops_[static_cast<std::size_t>(column)]; }
  void set(int column, bool stop) { stops_[static_cast<std::size_t>(column)] = stop; }
  void clear() { stops_.assign(stops_.size(), false); }

  /// The next stop to the right, or the last column; the next one to the left, or the first column.
  int next(int column) const {
    const int last = static_cast<int>(stops_.size()) - 1;
    do ++column;
    while (column < last && !at(column));
    return column < last ? column : last;
  }
  int previous(int column) const {
    do --column;
    while (column > 0 && !at(column));
    return column > 0 ? column : 0;
  }

 private:
  std::vector<bool> stops_;
};

}  // namespace rexec::terminal
