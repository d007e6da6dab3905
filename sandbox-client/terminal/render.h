// Rows as text for readers.
#pragma once

#include <string>
#include <vector>

#include "sandbox-client/terminal/row.h"
#include "sandbox-client/terminal/screen.h"

namespace rexec::terminal {

/// Collects rows, in order, as lines: blanks at the end of a line are left out unless a colour shows them.
class LineRenderer {
 public:
  explicit LineRenderer(const TextOptions& options) : options_(options) {}

  void add(const Row& row);
  std::vector<std::string> take();

 private:
  void end_line();

  TextOptions options_;
  std::vector<std::string> lines_;
  std::string line_;
  std::string pending_;  // blanks that are only shown if something follows
  Style style_;
  bool open_ = false;
};

/// Lines as one text, without blank ones at the end.
std::string joined_lines(const std::vector<std::string>& lines);

}  // namespace rexec::terminal
