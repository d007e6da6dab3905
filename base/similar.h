// "Did you mean": the names that a misspelt one may have stood for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rexec {

/// Number of single-character insertions, deletions and replacements between two byte strings
/// (Levenshtein). Quadratic: for names, not for texts.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// At most three of `candidates`, nearest first: those within a few edits of `name`, and those that contain
/// it or are contained in it. Empty for a name of more than 128 bytes.
std::vector<std::string> similar_names(std::string_view name, const std::vector<std::string>& candidates);

/// `"a"`, `"a" or "b"`, `"a", "b" or "c"`; empty for no names.
std::string quoted_alternatives(const std::vector<std::string>& names);

}  // namespace rexec
