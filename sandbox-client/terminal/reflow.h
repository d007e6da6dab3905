// A state for another size of the screen.
#pragma once

#include "sandbox-client/terminal/state.h"

namespace rexec::terminal {

/// The primary screen and the scrollback are taken together as lines of text, which are wrapped anew when the
/// width changes, with the cursor where it was in the text; the alternate screen is cut or padded.
///
/// Rows: a lower screen first gives up blank rows below the cursor, then rows at its top, to the scrollback;
/// a higher one takes them back. Only what is below the cursor and does not fit is lost.
void resize_state(State& state, Size size);

}  // namespace rexec::terminal
