// Rows of text for a person, with aligned columns.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace rexec::app {

/// A row may have fewer columns than others. The last column is not padded.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

}  // namespace rexec::app
