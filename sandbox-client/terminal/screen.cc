#include "sandbox-client/terminal/screen.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sandbox-client/terminal/checkpoint.h"
#include "sandbox-client/terminal/emulator.h"
#include "sandbox-client/terminal/parser.h"
#include "sandbox-client/terminal/reflow.h"
#include "sandbox-client/terminal/render.h"
#include "sandbox-client/terminal/row_codec.h"
#include "sandbox-client/terminal/state.h"

namespace rexec::terminal {
namespace {

Size bounded(Size size) {
  return {std::clamp(size.columns, 1, kMaxColumns), std::clamp(size.rows, 1, kMaxRows)};
}

Options bounded(const Options& options) {
  return {std::min(options.scrollback_lines, kMaxScrollbackLines),
          std::min(options.scrollback_bytes, kMaxScrollbackBytes)};
}

}  // namespace

class Screen::Impl {
 public:
  Impl(Size size, const Options& options)
      : state(bounded(size), bounded(options)), emulator(state), parser(emulator) {}

  State state;
  Emulator emulator;
  Parser parser;
};

Screen::Screen(Size size, const Options& options) : impl_(std::make_unique<Impl>(size, options)) {}
Screen::Screen(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Screen::~Screen() = default;
Screen::Screen(Screen&&) noexcept = default;
Screen& Screen::operator=(Screen&&) noexcept = default;

void Screen::feed(std::string_view bytes) {
  impl_->parser.feed(bytes);
}

std::uint64_t Screen::offset() const {
  return impl_->parser.offset();
}

void Screen::set_offset(std::uint64_t offset) {
  impl_->parser.set_offset(offset);
}

void Screen::resize(Size size) {
  size = bounded(size);
  if (size == this->size()) return;
  resize_state(impl_->state, size);
  impl_->emulator.changed();
}

std::vector<Reply> Screen::take_replies() {
  return impl_->emulator.take_replies();
}

std::uint64_t Screen::generation() const {
  return impl_->emulator.generation();
}

Size Screen::size() const {
  return {impl_->state.columns(), impl_->state.rows()};
}

CursorPosition Screen::cursor() const {
  return {impl_->state.cursor.row + 1, impl_->state.cursor.column + 1};
}

const Modes& Screen::modes() const {
  return impl_->state.modes;
}

const std::string& Screen::title() const {
  return impl_->state.title;
}

const std::string& Screen::icon() const {
  return impl_->state.icon;
}

const Row& Screen::row(int row) const {
  return impl_->state.grid().row(row);
}

std::vector<std::string> Screen::lines(const TextOptions& options) const {
  const Grid& grid = impl_->state.grid();
  LineRenderer renderer(options);
  for (int y = 0; y < grid.rows(); ++y) renderer.add(grid.row(y));
  return renderer.take();
}

std::string Screen::text(const TextOptions& options) const {
  return joined_lines(lines(options));
}

std::uint64_t Screen::scrollback_begin() const {
  return impl_->state.scrollback.dropped();
}

std::uint64_t Screen::scrollback_end() const {
  return scrollback_begin() + impl_->state.scrollback.size();
}

std::vector<std::string> Screen::scrollback(std::uint64_t first, std::uint64_t last,
                                            const TextOptions& options) const {
  first = std::max(first, scrollback_begin());
  last = std::min(last, scrollback_end());
  LineRenderer renderer(options);
  Row row(impl_->state.columns());
  for (std::uint64_t number = first; number < last; ++number) {
    const auto index = static_cast<std::size_t>(number - scrollback_begin());
    [[maybe_unused]] const bool valid = decode_row(impl_->state.scrollback.line(index), row);
    assert(valid);
    renderer.add(row);
  }
  return renderer.take();
}

std::string Screen::save(bool with_scrollback) const {
  return save_checkpoint(impl_->state, impl_->parser, with_scrollback);
}

Result<Screen> Screen::restore(std::string_view bytes, const Options& options) {
  ASSIGN_OR_RETURN(const Size size, checkpoint_size(bytes));
  auto impl = std::make_unique<Impl>(size, options);
  RETURN_IF_ERROR(load_checkpoint(bytes, impl->state, impl->parser));
  return Screen(std::move(impl));
}

}  // namespace rexec::terminal
