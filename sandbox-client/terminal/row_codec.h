// A row as bytes: about as many as its text has, a tenth of its cells. Scrollback consists of these, and so
// do checkpoints.
#pragma once

#include <string>
#include <string_view>

#include "sandbox-client/terminal/row.h"

namespace rexec::terminal {

/// Appends a row. Equal rows have equal bytes.
void encode_row(const Row& row, std::string& bytes);

/// Whether encoded text goes on in the next row.
bool encoded_row_wraps(std::string_view bytes);

/// Reads what encode_row wrote into a row that has its number of columns already. False, with the row in any
/// valid state, for anything else: the bytes may come from a hostile place.
bool decode_row(std::string_view bytes, Row& row);

}  // namespace rexec::terminal
