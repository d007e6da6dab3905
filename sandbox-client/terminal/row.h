// A row of cells and everything that happens within one.
//
// Cells are kept up to the last one that was touched; all behind them look like `fill`. So clearing a row
// costs nothing however wide it is, which is what keeps a hostile stream of clears cheap.
//
// Holds after every operation: a wide character is followed by its continuation, and there are no others.
// What cuts a wide character in two leaves two blanks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/terminal/cell.h"

namespace rexec::terminal {

class Row {
 public:
  explicit Row(int columns = 1) : columns_(columns) {}

  int columns() const { return columns_; }
  /// The cell in a column (0-based, below columns()).
  const Cell& at(int column) const {
    const auto index = static_cast<std::size_t>(column);
    return index < cells_.size() ? cells_[index] : fill_;
  }
  /// How many cells are kept; fill() stands for the rest.
  int kept() const { return static_cast<int>(cells_.size()); }
  const Cell& fill() const { return fill_; }
  /// Columns up to the last one in which something was written.
  int used() const;
  bool is_blank() const;  // nothing written, and the default background everywhere
  std::string_view cluster_text(const Cell& cell) const { return clusters_[cell.cluster()]; }
  /// Appends what a cell shows, as UTF-8: a space for a blank, nothing for a continuation.
  void append_text(const Cell& cell, std::string& text) const;

  /// Whether the text goes on in the next row without a line break in between.
  bool wrapped() const { return wrapped_; }
  void set_wrapped(bool wrapped) { wrapped_ = wrapped; }

  /// Overwrites from `column` on; everything has to fit. Printable ASCII only.
  void put_ascii(int column, std::string_view text, const Style& style);
  /// Overwrites one or two columns, which have to fit.
  void put(int column, char32_t character, bool wide, const Style& style);
  /// The same for a whole cluster, given as UTF-8 of at most kMaxClusterBytes.
  void put_cluster(int column, std::string_view text, bool wide, const Style& style);
  /// Adds a character to the cell in `column` (the left half of a wide one). False when the cluster is full.
  bool combine(int column, char32_t character);

  /// Columns [first, last) become `blank`.
  void erase(int first, int last, const Cell& blank);
  /// The whole row becomes `fill`, and is not wrapped any more.
  void clear(const Cell& fill);
  /// Shifts the cells from `column` on to the right by `count`, or from `column + count` on to the left.
  void insert(int column, int count, const Cell& blank);
  void remove(int column, int count, const Cell& blank);
  /// Blanks of any style that are kept as cells of their own, also where they look like the fill.
  void keep_blanks(int column, int count, const Style& style);
  /// Cuts, or lengthens with the fill.
  void set_columns(int columns);

 private:
  void keep(int count);
  void split_wide_at(int column);
  std::uint32_t add_cluster(std::string_view text);
  void drop_unused_clusters();

  std::vector<Cell> cells_;
  std::vector<std::string> clusters_;
  Cell fill_;
  int columns_;
  bool wrapped_ = false;
  bool has_wide_ = false;  // false only if there is no wide character
};

/// Appends a character as UTF-8.
void append_utf8(std::string& text, char32_t character);

}  // namespace rexec::terminal
