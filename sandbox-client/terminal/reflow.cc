#include "sandbox-client/terminal/reflow.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sandbox-client/terminal/row_codec.h"

namespace rexec::terminal {
namespace {

// A cursor that may be right of the last column. If the row is full of text it waits there for the next line,
// which will be written behind the text and not over it.
Cursor fitted(Cursor cursor, int used, int columns) {
  if (cursor.column < columns) return cursor;
  cursor.column = columns - 1;
  cursor.pending_wrap = used >= columns;
  return cursor;
}

// Cells of a line of text, in the order of reading, dealt out to rows of the new width.
class LineWrapper {
 public:
  LineWrapper(int columns, std::vector<std::string>& rows) : columns_(columns), rows_(rows), row_(columns) {}

  /// Follows this place in the line; it may be behind its end.
  void follow(int cell, bool pending_wrap) {
    followed_ = cell;
    pending_wrap_ = pending_wrap;
  }

  void add(const Row& from, const Cell& cell) {
    if (cell.is_continuation()) return;
    const int width = cell.is_wide() ? 2 : 1;
    if (column_ + width > columns_) {
      if (width > columns_) return;
      end_row(true);
    }
    if (followed_ && at_ <= *followed_ && *followed_ < at_ + width) place(*followed_ - at_);
    if (cell.is_cluster()) {
      row_.put_cluster(column_, from.cluster_text(cell), cell.is_wide(), cell.style);
    } else if (cell.is_blank()) {
      row_.keep_blanks(column_, 1, cell.style);
    } else {
      row_.put(column_, cell.character(), cell.is_wide(), cell.style);
    }
    column_ += width;
    at_ += width;
  }

  /// Behind the last cell `fill` goes on to the right.
  void end_line(bool wrapped) {
    if (followed_ && *followed_ >= at_ && !cursor_) place(*followed_ - at_);
    end_row(wrapped);
    column_ = 0;
    at_ = 0;
    followed_.reset();
  }

  /// Where the followed place is now: the number of its row in all, and its column.
  const std::optional<Cursor>& cursor() const { return cursor_; }

 private:
  void place(int behind) {
    Cursor cursor{static_cast<int>(rows_.size()), column_ + behind, false};
    if (pending_wrap_ && cursor.column + 1 == columns_) {
      cursor.pending_wrap = true;
    } else if (pending_wrap_) {
      ++cursor.column;
    }
    cursor_ = fitted(cursor, column_, columns_);
  }

  void end_row(bool wrapped) {
    row_.set_wrapped(wrapped);
    std::string bytes;
    encode_row(row_, bytes);
    rows_.push_back(std::move(bytes));
    row_.clear({});
    column_ = 0;
  }

  int columns_;
  std::vector<std::string>& rows_;
  Row row_;
  int column_ = 0;
  int at_ = 0;  // columns of the line that are dealt out
  std::optional<int> followed_;
  bool pending_wrap_ = false;
  std::optional<Cursor> cursor_;
};

// All rows of the scrollback and of the primary screen, oldest first, in their encoded form.
class Text {
 public:
  Text(State& state, Cursor cursor) : columns_(state.columns()), cursor_(cursor) {
    Scrollback& scrollback = state.scrollback;
    for (std::size_t i = 0; i < scrollback.size(); ++i) rows_.emplace_back(scrollback.line(i));
    cursor_.row += static_cast<int>(rows_.size());
    const Grid& grid = state.grids[0];
    for (int y = 0; y < grid.rows(); ++y) {
      std::string bytes;
      encode_row(grid.row(y), bytes);
      rows_.push_back(std::move(bytes));
    }
  }

  void wrap(int columns) {
    std::vector<std::string> rows;
    rows.reserve(rows_.size());
    LineWrapper wrapper(columns, rows);
    std::optional<Cursor> moved;
    Row row(columns_);
    bool begins = true;
    int before = 0;  // columns of the line so far
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      [[maybe_unused]] const bool valid = decode_row(rows_[i], row);
      assert(valid);
      const bool has_cursor = static_cast<int>(i) == cursor_.row;
      const bool continues = row.wrapped() && i + 1 < rows_.size();
      if (begins && !continues && row.kept() <= columns) {
        // The row is a line of its own and fits as it is, whatever its background.
        if (has_cursor) moved = kept_cursor(static_cast<int>(rows.size()), row.kept(), columns);
        rows.push_back(std::move(rows_[i]));
        continue;
      }
      if (has_cursor) wrapper.follow(before + cursor_.column, cursor_.pending_wrap);
      const int length = std::max(row.used(), 0);
      for (int column = 0; column < length; ++column) wrapper.add(row, row.at(column));
      before += length;
      begins = !continues;
      if (continues) continue;
      wrapper.end_line(false);
      before = 0;
    }
    cursor_ = wrapper.cursor() ? *wrapper.cursor() : moved.value_or(Cursor());
    rows_ = std::move(rows);
    columns_ = columns;
  }

  /// Takes away up to `count` blank rows at the end, below the cursor.
  void drop_blank_rows(int count) {
    for (; count > 0 && static_cast<int>(rows_.size()) > cursor_.row + 1; --count) {
      Row row(columns_);
      [[maybe_unused]] const bool valid = decode_row(rows_.back(), row);
      assert(valid);
      if (!row.is_blank()) return;
      rows_.pop_back();
    }
  }

  int size() const { return static_cast<int>(rows_.size()); }

  /// The last `count` rows become the screen and the rest scrollback. The cursor's row in any case.
  Cursor store(State& state, int count) {
    const int first = std::clamp(size() - count, 0, cursor_.row);
    state.scrollback.clear();
    for (int i = 0; i < first; ++i)
      state.scrollback.push_encoded(std::move(rows_[static_cast<std::size_t>(i)]));
    Grid grid(columns_, count);
    const auto next = rows_.begin() + first;
    for (int y = 0; y < count && first + y < size(); ++y) {
      [[maybe_unused]] const bool valid = decode_row(next[y], grid.row(y));
      assert(valid);
    }
    grid.row(count - 1).set_wrapped(false);
    state.grids[0] = std::move(grid);
    cursor_.row -= first;
    return cursor_;
  }

 private:
  Cursor kept_cursor(int row, int used, int columns) const {
    Cursor cursor{row, cursor_.column, false};
    if (cursor_.pending_wrap && columns != columns_) {
      cursor.pending_wrap = cursor.column + 1 == columns;
      if (!cursor.pending_wrap) ++cursor.column;
    } else {
      cursor.pending_wrap = cursor_.pending_wrap;
    }
    return fitted(cursor, used, columns);
  }

  int columns_;
  std::vector<std::string> rows_;
  Cursor cursor_;  // its row counts from the oldest
};

void clamp_cursor(Cursor& cursor, Size size) {
  cursor.row = std::clamp(cursor.row, 0, size.rows - 1);
  cursor.pending_wrap = cursor.pending_wrap && cursor.column == size.columns - 1;
  cursor.column = std::clamp(cursor.column, 0, size.columns - 1);
}

void resize_primary(State& state, Size size, Cursor& cursor) {
  Text text(state, cursor);
  const int rows = state.rows();
  if (size.rows < rows) text.drop_blank_rows(rows - size.rows);
  if (size.columns != state.columns()) {
    const int before = text.size();
    text.wrap(size.columns);
    text.drop_blank_rows(text.size() - before);
  }
  cursor = text.store(state, size.rows);
}

// Rows go at the bottom, unless the cursor is there.
void resize_alternate(Grid& grid, Size size, Cursor& cursor) {
  if (cursor.row >= size.rows) {
    const int surplus = cursor.row - size.rows + 1;
    grid.scroll_up(0, grid.rows() - 1, surplus, {});
    cursor.row -= surplus;
  }
  grid.set_rows(size.rows);
  if (grid.columns() == size.columns) return;
  grid.set_columns(size.columns);
  for (int y = 0; y < grid.rows(); ++y) grid.row(y).set_wrapped(false);
}

}  // namespace

void resize_state(State& state, Size size) {
  const bool alternate = state.modes.alternate_screen;
  // Where the cursor will be when the primary screen is shown again.
  Cursor& primary_cursor = alternate ? state.saved_cursors[0].cursor : state.cursor;
  resize_primary(state, size, primary_cursor);
  if (alternate) {
    resize_alternate(state.grids[1], size, state.cursor);
  } else {
    state.grids[1] = Grid(1, 1);
  }
  clamp_cursor(state.cursor, size);
  for (SavedCursor& saved : state.saved_cursors) clamp_cursor(saved.cursor, size);
  state.tabs.set_columns(size.columns);
  state.top = 0;
  state.bottom = size.rows - 1;
}

}  // namespace rexec::terminal
