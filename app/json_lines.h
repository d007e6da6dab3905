// Where in a JSON text a value stands, for error messages about a file.
#pragma once

#include <cstddef>
#include <string_view>

namespace rexec::app {

/// The 1-based line on which the member or element at `pointer` (RFC 6901) begins; of the deepest part of
/// `pointer` that exists when it does not. `text` is valid JSON.
std::size_t line_of(std::string_view text, std::string_view pointer);

}  // namespace rexec::app
