// Any output and any sizes: a screen never crashes, keeps its promises, and is the same after saving and
// restoring. The first byte tells how the rest is cut into pieces; a piece that begins with 0xF8 to 0xFB,
// which no text does, is a command: resize, save and restore, render, or a change of the checkpoint's bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sandbox-client/terminal/painter.h"
#include "sandbox-client/terminal/screen.h"

using rexec::terminal::Options;
using rexec::terminal::Screen;
using rexec::terminal::Size;
using rexec::terminal::TextOptions;

namespace {

constexpr Options kOptions{.scrollback_lines = 30, .scrollback_bytes = 4096};

void require(bool condition) {
  if (!condition) std::abort();
}

// Whatever a screen holds, a person's terminal is asked nothing, and is left as it was.
void check_painted(const Screen& screen) {
  rexec::terminal::Painter painter({13, 4});
  Screen person({13, 4}, kOptions);
  const auto modes = person.modes();
  person.feed(painter.begin());
  const std::string painted = painter.paint(screen);
  for (std::size_t i = 0; i < painted.size(); ++i) {
    const auto byte = static_cast<unsigned char>(painted[i]);
    require(byte == 0x1B || (byte >= 0x20 && byte != 0x7F));
    require(byte != 0xC2 || i + 1 == painted.size() || static_cast<unsigned char>(painted[i + 1]) >= 0xA0);
  }
  person.feed(painted);
  require(painter.paint(screen).empty());
  require(person.take_replies().empty() && person.title().empty());
  person.feed(painter.end());
  require(person.modes() == modes && person.text().empty());
}

void check(const Screen& screen) {
  check_painted(screen);
  const Size size = screen.size();
  const auto cursor = screen.cursor();
  require(cursor.row >= 1 && cursor.row <= size.rows && cursor.column >= 1 && cursor.column <= size.columns);
  require(screen.scrollback_end() - screen.scrollback_begin() <= kOptions.scrollback_lines);
  require(screen.title().size() <= rexec::terminal::kMaxTitleBytes);
  require(screen.lines().size() == static_cast<std::size_t>(size.rows));
  for (const bool colors : {false, true}) {
    const TextOptions options{.colors = colors, .join_wrapped = colors};
    for (const std::string& line : screen.lines(options)) require(line.find('\n') == std::string::npos);
    for (const std::string& line : screen.scrollback(0, screen.scrollback_end(), options))
      require(line.find('\n') == std::string::npos);
  }
}

Screen restored(const Screen& screen) {
  const std::string bytes = screen.save();
  auto copy = Screen::restore(bytes, kOptions);
  require(copy.ok());
  require(copy->save() == bytes);
  return *std::move(copy);
}

// Bytes that are not ours, but nearly.
void restore_changed(const Screen& screen, std::size_t at, char value) {
  std::string bytes = screen.save();
  bytes[at % bytes.size()] = value;
  auto copy = Screen::restore(bytes, kOptions);
  if (!copy.ok()) return;
  check(*copy);
  static_cast<void>(restored(*copy));
  copy->feed("\x1B[?1049l\x1B[r\x1B[9;9Habc\r\n\n\n");
  copy->resize({11, 5});
  check(*copy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 61 + 1;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Screen screen({20, 6}, kOptions);
  Screen whole({20, 6}, kOptions);  // takes each stretch of output at once
  while (!rest.empty()) {
    const auto at = [rest](std::size_t i) {
      return i < rest.size() ? static_cast<std::uint8_t>(rest[i]) : 0;
    };
    const int command = at(0);
    if (command >= 0xF8 && command <= 0xFB) {
      if (command == 0xF8) {
        const Size next{at(1) % 50, at(2) % 20};
        screen.resize(next);
        whole.resize(next);
      } else if (command == 0xF9) {
        screen = restored(screen);
      } else if (command == 0xFA) {
        check(screen);
      } else {
        restore_changed(screen, static_cast<std::size_t>(at(1)) * 7, static_cast<char>(at(2)));
      }
      rest.remove_prefix(std::min<std::size_t>(rest.size(), 3));
      continue;
    }
    const std::size_t length = std::min(rest.find_first_of("\xF8\xF9\xFA\xFB"), rest.size());
    std::string_view stretch = rest.substr(0, length);
    whole.feed(stretch);
    for (; !stretch.empty(); stretch.remove_prefix(std::min(step, stretch.size())))
      screen.feed(stretch.substr(0, step));
    rest.remove_prefix(length);
    require(screen.take_replies().size() <= rexec::terminal::kMaxReplies);
  }
  check(screen);
  require(screen.save() == whole.save());
  return 0;
}
