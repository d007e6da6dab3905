// Shows what the screen model makes of standard input, for comparison with another terminal.
//
// Usage: rexec-screen-dump [--size COLUMNSxROWS] [--piece BYTES] [--resize COLUMNSxROWS]... [--scrollback]
//
// Reads everything, fed in pieces of that many bytes if asked, then resizes. Writes a line "row column
// columns rows alternate", one with the title, the number of scrollback lines that follow, those lines, and
// the lines of the screen, all with SGR sequences.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/terminal/screen.h"

using rexec::terminal::Screen;
using rexec::terminal::Size;

namespace {

Size parse_size(const std::string& text) {
  Size size;
  if (std::sscanf(text.c_str(), "%dx%d", &size.columns, &size.rows) != 2) {
    std::cerr << "not a size: " << text << '\n';
    std::exit(2);
  }
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  Size size;
  std::size_t piece = SIZE_MAX;
  std::vector<Size> resizes;
  bool with_scrollback = false;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool has_value = i + 1 < arguments.size();
    if (arguments[i] == "--scrollback") {
      with_scrollback = true;
    } else if (arguments[i] == "--size" && has_value) {
      size = parse_size(arguments[++i]);
    } else if (arguments[i] == "--resize" && has_value) {
      resizes.push_back(parse_size(arguments[++i]));
    } else if (arguments[i] == "--piece" && has_value) {
      piece = std::stoul(arguments[++i]);
    } else {
      std::cerr << "unknown argument: " << arguments[i] << '\n';
      return 2;
    }
  }

  const std::string input{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  Screen screen(size);
  for (std::string_view rest = input; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    screen.feed(rest.substr(0, piece));
  for (const Size& next : resizes) screen.resize(next);

  const rexec::terminal::TextOptions options{.colors = true, .join_wrapped = false};
  const auto cursor = screen.cursor();
  std::cout << cursor.row << ' ' << cursor.column << ' ' << screen.size().columns << ' ' << screen.size().rows
            << ' ' << screen.modes().alternate_screen << '\n'
            << screen.title() << '\n';
  std::vector<std::string> above;
  if (with_scrollback) above = screen.scrollback(0, screen.scrollback_end(), options);
  std::cout << above.size() << '\n';
  for (const std::string& line : above) std::cout << line << '\n';
  for (const std::string& line : screen.lines(options)) std::cout << line << '\n';
  return 0;
}
