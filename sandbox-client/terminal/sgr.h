// Select Graphic Rendition: colours and attributes (ECMA-48 8.3.117, ISO 8613-6, xterm's ctlseqs).
#pragma once

#include <string>

#include "sandbox-client/terminal/cell.h"
#include "sandbox-client/terminal/parser.h"

namespace rexec::terminal {

/// Changes a style as a sequence says. What is not known is skipped, together with its sub-parameters.
void apply_sgr(const Sequence& sequence, Style& style);

/// Appends the shortest sequence that changes one style into another; nothing for equal ones.
void append_sgr(std::string& text, const Style& from, const Style& to);

/// The parameters that make a style of the default one: "0;1;31".
std::string sgr_parameters(const Style& style);

}  // namespace rexec::terminal
