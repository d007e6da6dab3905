// The setting `templates`: its schema, what a schema cannot say, and what the tools get.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "tools/support/templates.h"

namespace rexec::app {

inline constexpr std::size_t kMaxTemplates = 64;

/// An object of templates by name.
Json templates_schema();
/// What is wrong with templates that the schema accepts, or empty.
std::string check_templates(const Json& templates);
/// Of templates that have passed both, sorted by name.
std::vector<tools::Template> read_templates(const Json& templates);

}  // namespace rexec::app
