#include <algorithm>
#include <iomanip>

#include "app/commands.h"

namespace rexec::app {
namespace {

constexpr std::string_view kDefaultOrigin = "default";

std::string origin_of(const LoadedConfig& config, const Setting& setting) {
  const auto found = config.origins.find(std::string(setting.name));
  return found == config.origins.end() ? std::string(kDefaultOrigin) : found->second;
}

void print_text(std::ostream& out, const LoadedConfig& config) {
  std::size_t name_width = 0;
  std::size_t value_width = 0;
  for (const Setting& setting : settings()) {
    name_width = std::max(name_width, setting.name.size());
    value_width = std::max(value_width, display_value(setting, setting.get(config.config)).size());
  }
  out << "file: " << (config.file.empty() ? "none" : config.file) << '\n' << std::left;
  for (const Setting& setting : settings()) {
    out << std::setw(static_cast<int>(name_width)) << setting.name << "  "
        << std::setw(static_cast<int>(value_width)) << display_value(setting, setting.get(config.config))
        << "  " << origin_of(config, setting) << '\n';
  }
}

void print_json(std::ostream& out, const LoadedConfig& config) {
  Json list = Json::array();
  for (const Setting& setting : settings()) {
    Json value = setting.get(config.config);
    if (value.is_string()) value = display_value(setting, value);
    list.push_back(
        {{"name", setting.name}, {"value", std::move(value)}, {"origin", origin_of(config, setting)}});
  }
  Json document = {{"settings", std::move(list)}};
  if (!config.file.empty()) document["file"] = config.file;
  out << dump_json_pretty(document) << '\n';
}

}  // namespace

int run_config(Invocation& invocation) {
  Streams& streams = invocation.streams;
  const std::string& what = invocation.line.arguments.front();
  if (what == "schema") {
    streams.out << dump_json_pretty(settings_schema()) << '\n';
  } else if (what == "reference") {
    streams.out << settings_reference();
  } else if (what != "show") {
    return usage_error(streams, "config knows show, schema and reference, not \"" + what + "\"");
  } else if (!invocation.config) {
    streams.err << "rexec-mcp: the configuration is not valid\n" << invocation.config.error().message << '\n';
    return kUsage;
  } else if (invocation.line.option("--output") == "json") {
    print_json(streams.out, *invocation.config);
  } else {
    print_text(streams.out, *invocation.config);
  }
  return kSuccess;
}

}  // namespace rexec::app
