// Secrets in the arguments of a call: their names, and masks that were taken for contents.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/secrets.h"
#include "tools/support/arguments.h"

namespace rexec::tools {

/// The names in the argument `secrets`; adds what is wrong with them.
std::vector<std::string> secret_names(const Arguments& arguments, const Secrets* secrets,
                                      Violations& violations);

/// Adds the variables that `names` stand for, in place of others of these names. A call that has its sandbox
/// has loaded the secrets.
void add_secrets(const Secrets* secrets, const std::vector<std::string>& names, StringPairs& environment);

/// Adds a violation when `content`, which would be written, holds a mask: the caller copied it from an
/// answer, and what it stands for would be overwritten by it.
void check_no_mask(const Secrets* secrets, std::string_view pointer, std::string_view content,
                   Violations& violations);

}  // namespace rexec::tools
