// What a keyboard sends: names of keys, and pasted text, as the bytes that xterm would write to the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox-client/terminal/screen.h"

namespace rexec::terminal {

/// The bytes of a key such as "enter", "up", "f5", "ctrl-c", "alt-x", "shift-tab", "ctrl-alt-left" or a
/// single character. Names are case-insensitive but for single letters without ctrl; modifiers are joined by
/// "-" or "+". Cursor keys, home and end depend on application_cursor_keys. Modifiers of other keys follow
/// xterm's defaults (ctlseqs, "PC-Style Function Keys"): what a terminal cannot tell from the plain key, such
/// as ctrl-enter, is sent as that. An unknown name is invalid_argument, and the message names those that are
/// near it.
Result<std::string> encode_key(std::string_view name, const Modes& modes);

/// The bytes of pasted text: between the markers when the program asked for them, without any marker of the
/// text's own, which would end the paste early; otherwise each line break is the Enter key.
std::string encode_paste(std::string_view text, const Modes& modes);

/// Names of all keys without modifiers, for documentation.
std::vector<std::string> key_names();

}  // namespace rexec::terminal
