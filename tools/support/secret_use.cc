#include "tools/support/secret_use.h"

#include <algorithm>

namespace rexec::tools {
namespace {

std::string known_names(const Secrets* secrets) {
  if (secrets == nullptr || secrets->names().empty()) return "none is configured";
  std::string text;
  for (const std::string& name : secrets->names()) text += (text.empty() ? "" : ", ") + name;
  return "expected one of " + text;
}

bool is_known(const Secrets* secrets, const std::string& name) {
  return secrets != nullptr &&
         std::find(secrets->names().begin(), secrets->names().end(), name) != secrets->names().end();
}

}  // namespace

std::vector<std::string> secret_names(const Arguments& arguments, const Secrets* secrets,
                                      Violations& violations) {
  std::vector<std::string> names = arguments.texts("secrets");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (is_known(secrets, names[i])) continue;
    violations.push_back({"/secrets/" + std::to_string(i),
                          in_quotes(names[i]) + " is no secret of this server; " + known_names(secrets)});
  }
  return names;
}

void add_secrets(const Secrets* secrets, const std::vector<std::string>& names, StringPairs& environment) {
  if (names.empty()) return;
  const auto loaded = secrets->loaded();
  if (loaded == nullptr) return;
  for (const Secret& secret : loaded->values) {
    if (std::find(names.begin(), names.end(), secret.name) == names.end()) continue;
    std::erase_if(environment, [&](const auto& variable) { return variable.first == secret.name; });
    environment.emplace_back(secret.name, secret.value);
  }
}

void check_no_mask(const Secrets* secrets, std::string_view pointer, std::string_view content,
                   Violations& violations) {
  if (secrets == nullptr) return;
  const auto mask = find_mask(content, secrets->names());
  if (!mask) return;
  violations.push_back({std::string(pointer),
                        "contains " + in_quotes(*mask) +
                            ", which stands for a value that answers hide; writing it would destroy the "
                            "value. Change only the "
                            "other parts of the file, or have a command write the value: exec with secrets"});
}

}  // namespace rexec::tools
