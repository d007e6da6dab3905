#include "app/templates.h"

#include <algorithm>

#include "app/settings.h"

namespace rexec::app {
namespace {

constexpr std::size_t kMaxName = 40;

bool is_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMaxName && plain(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-'; });
}

Json texts(const char* description) {
  return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}, {"description", description}};
}

tools::Template read_template(const std::string& name, const Json& json) {
  tools::Template made;
  made.name = name;
  made.description = json.value("description", "");
  made.cwd = json.value("cwd", "");
  if (json.contains("env")) {
    for (const auto& [key, value] : json.at("env").items())
      made.env.emplace_back(key, value.get<std::string>());
  }
  if (json.contains("network"))
    made.network = json.at("network") == "host" ? sandbox::Network::host : sandbox::Network::none;
  if (json.contains("memory_mb")) made.memory_mb = json.at("memory_mb").get<std::uint64_t>();
  if (json.contains("disk_mb")) made.disk_mb = json.at("disk_mb").get<std::uint64_t>();
  if (json.contains("cpus")) made.cpus = json.at("cpus").get<double>();
  if (json.contains("setup")) made.setup = json.at("setup").get<std::vector<std::string>>();
  if (json.contains("setup_timeout_s")) made.setup_timeout = to_duration(json.at("setup_timeout_s"));
  if (json.contains("expires_in_s")) made.expires_in = to_duration(json.at("expires_in_s"));
  return made;
}

}  // namespace

Json templates_schema() {
  const Json properties = {
      {"description", {{"type", "string"}, {"description", "For the model: what it is for."}}},
      {"env", texts("Environment of every process.")},
      {"network", {{"type", "string"}, {"enum", {"none", "host"}}}},
      {"memory_mb", {{"type", "integer"}, {"minimum", 16}, {"maximum", 16777216}}},
      {"disk_mb", {{"type", "integer"}, {"minimum", 1}, {"maximum", 16777216}}},
      {"cpus", {{"type", "number"}, {"minimum", 0.01}, {"maximum", 4096}}},
      {"cwd", {{"type", "string"}, {"description", "Where commands start, an absolute path."}}},
      {"setup",
       {{"type", "array"},
        {"items", {{"type", "string"}}},
        {"maxItems", 64},
        {"description",
         "Shell commands, run once in the home of a new sandbox. One that fails removes it."}}},
      {"setup_timeout_s", {{"type", "number"}, {"minimum", 0.1}, {"maximum", 86400}, {"default", 600}}},
      {"expires_in_s", {{"type", "number"}, {"minimum", 1}, {"maximum", 31622400}}}};
  return {{"type", "object"},
          {"additionalProperties",
           {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}}}};
}

std::string check_templates(const Json& templates) {
  if (templates.size() > kMaxTemplates)
    return "there are more than " + std::to_string(kMaxTemplates) + " templates";
  for (const auto& [name, settings] : templates.items()) {
    if (!is_name(name))
      return "\"" + name +
             "\" is not a template's name; expected up to 40 of a-z, 0-9 and -, such as \"node\"";
    const std::string cwd = settings.value("cwd", "");
    if (!cwd.empty() && cwd.front() != '/') return "cwd of " + name + " is not an absolute path";
  }
  return {};
}

std::vector<tools::Template> read_templates(const Json& templates) {
  std::vector<tools::Template> list;
  for (const auto& [name, settings] : templates.items()) list.push_back(read_template(name, settings));
  std::ranges::sort(list, {}, &tools::Template::name);
  return list;
}

}  // namespace rexec::app
