// Text from a sandbox on its way to a person's terminal. What comes from a sandbox is hostile: control
// sequences can set the clipboard (OSC 52), make the terminal type an answer (device and window reports),
// change the title, redefine keys or switch modes that outlive the program.
#pragma once

#include <string>
#include <string_view>

namespace rexec::app {

/// Keeps printable text, line ends, tabs, and the control sequences for colours, cursor movement and erasing;
/// drops every other control character and sequence, also in their 8-bit forms and when cut off at the end.
/// `text` is valid UTF-8, and so is the result.
std::string filter_for_terminal(std::string_view text);

}  // namespace rexec::app
