// A state as bytes and back. See Screen::save().
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox-client/terminal/parser.h"
#include "sandbox-client/terminal/state.h"

namespace rexec::terminal {

/// Equal states have equal bytes.
std::string save_checkpoint(const State& state, const Parser& parser, bool with_scrollback);

/// The size alone, so that a state can be made to load the rest into.
Result<Size> checkpoint_size(std::string_view bytes);

/// Into a state of that size. After an error both are in a valid state, but in no particular one.
Status load_checkpoint(std::string_view bytes, State& state, Parser& parser);

}  // namespace rexec::terminal
