#include "app/config.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "app/json_lines.h"
#include "base/fd.h"
#include "base/similar.h"
#include "mcp/schema.h"

namespace rexec::app {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::string_view kPrefix = "REXEC_MCP_";
// Variables with the prefix that are not settings.
constexpr std::string_view kConfigVariable = "REXEC_MCP_CONFIG";
constexpr std::string_view kBinaryVariable = "REXEC_MCP_BINARY";

struct Pair {
  std::string_view smaller;
  std::string_view larger;
};
constexpr Pair kOrdered[] = {{"limits.default_wait_s", "limits.max_wait_s"},
                             {"limits.default_timeout_s", "limits.max_timeout_s"},
                             {"limits.default_chars", "limits.max_chars"},
                             {"sandboxes.per_principal", "sandboxes.total"}};

std::string lookup(const Environment& environment, std::string_view name) {
  const auto found = environment.find(std::string(name));
  return found == environment.end() ? "" : found->second;
}

class Loader {
 public:
  explicit Loader(const ConfigSources& sources) : sources_(sources) {}

  Result<LoadedConfig> load() {
    RETURN_IF_ERROR(read_file());
    RETURN_IF_ERROR(read_environment());
    RETURN_IF_ERROR(read_flags());
    check_order();
    if (!problems_.empty()) return failure();
    if (loaded_.config.backend != "local") {
      return Error{ErrorCode::unsupported, "backend \"" + loaded_.config.backend +
                                               "\" is not part of this version, which has \"local\" only"};
    }
    return std::move(loaded_);
  }

 private:
  using Place = std::function<std::string(const std::string& pointer)>;

  Error failure() const {
    std::string text;
    for (const std::string& problem : problems_) text += (text.empty() ? "" : "\n") + problem;
    return Error{ErrorCode::invalid_argument, text};
  }

  Status compile() {
    if (schema_ != nullptr) return {};
    ASSIGN_OR_RETURN(schema_, mcp::compile_schema(settings_schema()));
    return {};
  }

  /// Takes over a layer of values that the schema accepts, and notes the others.
  Status take(const Json& document, const Place& place) {
    RETURN_IF_ERROR(compile());
    const auto violations = schema_->validate(document);
    for (const auto& violation : violations)
      problems_.push_back(place(violation.pointer) + ": " + violation.message);
    if (!violations.empty()) return {};
    for (const Setting& setting : settings()) {
      const std::string pointer = pointer_of(setting);
      const Json::json_pointer path(pointer);
      if (!document.contains(path)) continue;
      if (const std::string wrong = setting.check == nullptr ? "" : setting.check(document[path]);
          !wrong.empty()) {
        problems_.push_back(place(pointer) + ": " + wrong);
        continue;
      }
      setting.set(loaded_.config, document[path]);
      loaded_.origins[std::string(setting.name)] = place(pointer);
    }
    return {};
  }

  Status read_file() {
    std::string file = sources_.file.value_or(lookup(sources_.environment, kConfigVariable));
    const bool named = !file.empty();
    if (!named) file = default_config_file(sources_.environment);
    if (file.empty() || (!named && ::access(file.c_str(), F_OK) != 0)) return {};
    ASSIGN_OR_RETURN(const std::string text, rexec::read_whole_file(file, kMaxFile));
    auto document = parse_json(text);
    if (!document) return with_context(file, std::move(document).error());
    loaded_.file = file;
    return take(*document, [&](const std::string& pointer) {
      return file + ":" + std::to_string(line_of(text, pointer)) + ": " + (pointer.empty() ? "/" : pointer);
    });
  }

  Status read_texts(const std::map<std::string, std::string>& values, const Place& place) {
    if (values.empty()) return {};
    RETURN_IF_ERROR(compile());
    Json document = Json::object();
    for (const auto& [name, value] : values) {
      const Setting& setting = *find_setting(name);
      document[Json::json_pointer(pointer_of(setting))] = from_words(setting, value);
    }
    return take(schema_->normalise(std::move(document)), place);
  }

  Status read_environment() {
    std::map<std::string, std::string> values;
    std::map<std::string, std::string> variables;  // by pointer
    std::vector<std::string> known = {std::string(kConfigVariable), std::string(kBinaryVariable)};
    for (const Setting& setting : settings()) {
      if (!has_flag(setting)) continue;
      known.push_back(variable_name(setting));
      for (const std::string& variable : {known.back(), std::string(setting.other_variable)}) {
        const std::string value = lookup(sources_.environment, variable);
        if (value.empty()) continue;
        values[std::string(setting.name)] = value;
        variables[pointer_of(setting)] = variable;
        break;
      }
    }
    for (const auto& [variable, value] : sources_.environment) {
      if (!variable.starts_with(kPrefix) || std::ranges::find(known, variable) != known.end()) continue;
      const auto similar = similar_names(variable, known);
      loaded_.warnings.push_back("the environment variable " + variable + " means nothing to this version" +
                                 (similar.empty() ? "" : "; did you mean " + similar.front() + "?"));
    }
    return read_texts(values, [&](const std::string& pointer) { return variables[pointer]; });
  }

  Status read_flags() {
    return read_texts(sources_.flags, [](const std::string& pointer) {
      const auto found = std::ranges::find(settings(), pointer, pointer_of);
      return found == settings().end() ? pointer : flag_name(*found);
    });
  }

  /// A default gives way to a value that somebody set; two values that were set must agree.
  void check_order() {
    for (const Pair& pair : kOrdered) {
      const Setting& smaller = *find_setting(pair.smaller);
      const Setting& larger = *find_setting(pair.larger);
      const Json low = smaller.get(loaded_.config);
      const Json high = larger.get(loaded_.config);
      if (low <= high) continue;
      const auto low_origin = loaded_.origins.find(std::string(pair.smaller));
      const auto high_origin = loaded_.origins.find(std::string(pair.larger));
      if (low_origin == loaded_.origins.end()) {
        smaller.set(loaded_.config, high);
      } else if (high_origin == loaded_.origins.end()) {
        larger.set(loaded_.config, low);
      } else {
        problems_.push_back(low_origin->second + ": " + dump_json(low) + " is more than " +
                            std::string(pair.larger) + ", which is " + dump_json(high) + " (" +
                            high_origin->second + ")");
      }
    }
  }

  const ConfigSources& sources_;
  LoadedConfig loaded_;
  std::vector<std::string> problems_;
  std::shared_ptr<const mcp::Schema> schema_;
};

}  // namespace

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == text.npos) continue;
    const std::string_view name = text.substr(0, equals);
    if (!name.starts_with("REXEC_") && name != "XDG_CONFIG_HOME" && name != "HOME") continue;
    environment.emplace(name, text.substr(equals + 1));
  }
  return environment;
}

std::string default_config_file(const Environment& environment) {
  const std::string base = lookup(environment, "XDG_CONFIG_HOME");
  if (base.starts_with('/')) return base + "/rexec-mcp/config.json";
  const std::string home = lookup(environment, "HOME");
  return home.empty() ? "" : home + "/.config/rexec-mcp/config.json";
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  return Loader(sources).load();
}

}  // namespace rexec::app
