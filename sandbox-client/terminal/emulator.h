// What the parser's actions do to the state of a screen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/terminal/parser.h"
#include "sandbox-client/terminal/state.h"

namespace rexec::terminal {

class Emulator final : public ParserActions {
 public:
  /// The state belongs to the caller and outlives this.
  explicit Emulator(State& state) : state_(state) {}

  void print_ascii(std::string_view run) override;
  void print(char32_t character) override;
  void execute(char control) override;
  void escape(const Sequence& sequence) override;
  void control_sequence(const Sequence& sequence) override;
  void osc(std::uint64_t offset, std::string_view text, bool bell) override;
  void dcs(const Sequence& sequence, std::string_view data) override;

  std::vector<Reply> take_replies();
  std::uint64_t generation() const { return generation_; }
  void changed() { ++generation_; }

 private:
  // emulator_text.cc: characters
  void write(char32_t character, int width);
  void write_ascii(std::string_view run);
  void combine(char32_t character);
  void begin_character(int width);
  void advance(int width);
  void wrap_line();
  void repeat(int count);

  // emulator.cc: controls and escape sequences
  void index(bool continues = false);
  void reverse_index();
  void next_line();
  void tab_forward(int count);
  void tab_backward(int count);
  void designate(const Sequence& sequence);
  void align();
  void save_cursor();
  void restore_cursor();
  void reset();
  void soft_reset();

  // emulator_csi.cc: control sequences
  void plain_sequence(const Sequence& sequence);
  void move_to(int row, int column);
  void move_vertically(int rows);
  void move_horizontally(int columns);
  void set_row(int row);
  void set_column(int column);
  void insert_lines(int count);
  void delete_lines(int count);
  void scroll_up(int count, bool continues = false);
  void scroll_down(int count);
  void insert_characters(int count);
  void delete_characters(int count);
  void erase_characters(int count);
  void erase_display(int what);
  void erase_line(int what);
  void set_scroll_region(int top, int bottom);
  void clear_tabs(int what);
  void window_operation(const Sequence& sequence);

  // emulator_modes.cc
  void set_modes(const Sequence& sequence, bool on);
  void set_ansi_mode(int number, bool on);
  void set_private_mode(int number, bool on);
  void set_mouse(MouseMode mode, bool on);
  void set_mouse_encoding(MouseEncoding encoding, bool on);
  void switch_columns();
  void show_alternate(bool on);
  void clear_alternate();
  int mode_report(const Sequence& sequence) const;

  // emulator_reports.cc: queries and strings
  void device_status(const Sequence& sequence);
  void report_mode(const Sequence& sequence);
  void reply(std::uint64_t offset, std::string bytes);
  void set_title(std::string_view text, bool icon, bool title);
  void push_titles(int what);
  void pop_titles(int what);
  void report_setting(std::uint64_t offset, std::string_view setting);

  Row& cursor_row() { return state_.grid().row(state_.cursor.row); }
  Cell blank() const { return Cell::blank(state_.style.background); }

  State& state_;
  std::vector<Reply> replies_;
  std::uint64_t generation_ = 0;
};

}  // namespace rexec::terminal
