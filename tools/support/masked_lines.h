// Masks in answers that show lines of files with something between them or without what is beside them: what
// a search finds, diffs, and messages that quote lines.
//
// A secret that lines break up is found in the lines as the file has them, one after the other, without
// whatever an answer puts in front of each. Where lines are left out, or a line is cut, what may be a part of
// a secret is masked. Each byte that is not masked stays where it is.
#pragma once

#include <cstddef>
#include <string>

#include "sandbox-client/runner_client.h"
#include "tools/support/masker.h"

namespace rexec::tools {

/// Masks the text of a match and the lines around it. `ends`: where fewer than `context_lines` stand behind
/// it, the file has no more.
void mask_match(const Masker& masker, sandbox::SearchMatch& match, std::size_t context_lines, bool ends);

/// Masks a unified diff: in each hunk the lines before and those after, and what is around the hunks as it
/// is. A line that stands for both is masked wherever one of them is.
void mask_diff(const Masker& masker, std::string& diff);

/// Masks a message about an edit: as it is, and the lines that it quotes as "12| text".
void mask_quoted_lines(const Masker& masker, std::string& message);

}  // namespace rexec::tools
