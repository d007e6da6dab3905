#include "tools/support/arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/utf8.h"

namespace rexec::tools {
namespace {

constexpr double kMaxSeconds = 100.0 * 365 * 86'400;  // Duration holds 292 years
constexpr std::size_t kQuotedChars = 80;

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

}  // namespace

std::string Arguments::text(std::string_view key, std::string_view fallback) const {
  return optional_text(key).value_or(std::string(fallback));
}

std::optional<std::string> Arguments::optional_text(std::string_view key) const {
  return find_string(arguments_, key);
}

std::int64_t Arguments::integer(std::string_view key, std::int64_t fallback) const {
  const Json* value = find(arguments_, key);
  if (!value || !value->is_number()) return fallback;
  if (value->is_number_unsigned()) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(std::min(value->get<std::uint64_t>(), kMax));
  }
  if (value->is_number_integer()) return value->get<std::int64_t>();
  // An integer may be written 3.0 (JSON Schema Core, section 4.2.3).
  return static_cast<std::int64_t>(std::clamp(value->get<double>(), -9e18, 9e18));
}

std::size_t Arguments::size(std::string_view key, std::size_t fallback) const {
  return has(key) ? static_cast<std::size_t>(std::max<std::int64_t>(integer(key, 0), 0)) : fallback;
}

bool Arguments::flag(std::string_view key, bool fallback) const {
  return find_bool(arguments_, key).value_or(fallback);
}

std::optional<double> Arguments::number(std::string_view key) const {
  const Json* value = find(arguments_, key);
  if (!value || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

std::optional<Duration> Arguments::seconds(std::string_view key) const {
  const Json* value = find(arguments_, key);
  if (!value || !value->is_number()) return std::nullopt;
  const double seconds = std::clamp(value->get<double>(), 0.0, kMaxSeconds);
  return Duration(static_cast<Duration::rep>(seconds * 1e9));
}

StringPairs Arguments::string_map(std::string_view key) const {
  StringPairs pairs;
  const Json* object = find(arguments_, key);
  if (!object || !object->is_object()) return pairs;
  for (const auto& [name, value] : object->items()) {
    if (value.is_string()) pairs.emplace_back(name, value.get_ref<const std::string&>());
  }
  return pairs;
}

std::vector<std::string> Arguments::texts(std::string_view key) const {
  std::vector<std::string> texts;
  const Json* array = find(arguments_, key);
  if (!array || !array->is_array()) return texts;
  for (const Json& element : *array) {
    if (element.is_string()) texts.push_back(element.get<std::string>());
  }
  return texts;
}

std::size_t Arguments::max_chars(const ToolLimits& limits) const {
  return std::min(size("max_chars", limits.default_chars), limits.max_chars);
}

void check_path(const Arguments& arguments, std::string_view key, Violations& violations) {
  const auto path = arguments.optional_text(key);
  if (!path) return;
  const std::string pointer = pointer_step(key);
  if (path->empty()) {
    violations.push_back({pointer, "is empty; expected a path"});
  } else if (has_nul(*path)) {
    violations.push_back({pointer, "contains a NUL character, which no path can"});
  } else if (path->size() > kMaxPathBytes) {
    violations.push_back({pointer, "has " + std::to_string(path->size()) + " bytes; a path has at most " +
                                       std::to_string(kMaxPathBytes)});
  }
}

void check_command(const Arguments& arguments, std::string_view key, Violations& violations) {
  const std::string command = arguments.text(key);
  if (command.find('\0') != std::string::npos)
    violations.push_back({pointer_step(key), "contains a NUL character, which no command line can"});
  if (command.size() > kMaxCommandBytes) {
    violations.push_back(
        {pointer_step(key), "has " + std::to_string(command.size()) + " bytes; expected at most " +
                                std::to_string(kMaxCommandBytes) +
                                ": put longer scripts into a file with write_file, data into stdin"});
  }
}

void check_environment(const Arguments& arguments, std::string_view key, Violations& violations) {
  for (const auto& [name, value] : arguments.string_map(key)) {
    const std::string pointer = pointer_step(key) + pointer_step(name);
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name)) {
      violations.push_back({pointer, in_quotes(name) +
                                         " is not a name of an environment variable; expected a "
                                         "name without = and NUL"});
    } else if (has_nul(value)) {
      violations.push_back({pointer, "contains a NUL character, which no environment variable can"});
    }
  }
}

std::string decode_content(const Arguments& arguments, std::string_view key, Violations& violations) {
  std::string text = arguments.text(key);
  if (arguments.text("encoding") != "base64") return text;
  auto bytes = base64_decode(text);
  if (!bytes) {
    violations.push_back({pointer_step(key),
                          "is not base64; expected the standard alphabet with padding and "
                          "no line breaks, or encoding \"text\""});
    return {};
  }
  return std::move(*bytes);
}

std::optional<std::uint64_t> parse_numbered_name(std::string_view name, char letter) {
  if (name.size() < 2 || name[0] != letter || name[1] == '0') return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + 1, end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_process_name(std::string_view name) {
  return parse_numbered_name(name, 'p');
}

std::uint64_t process_number(const Arguments& arguments, std::string_view key, Violations& violations) {
  const std::string text = arguments.text(key);
  if (const auto number = parse_process_name(text)) return *number;
  violations.push_back(
      {pointer_step(key), in_quotes(text) +
                              " is not a process handle; expected one that exec returned, such as "
                              "\"p7\" (process_list shows them)"});
  return 0;
}

std::string process_name(std::uint64_t number) {
  return "p" + std::to_string(number);
}

std::string in_quotes(std::string_view value) {
  const std::string valid = to_valid_utf8(value);
  const std::string_view shown = utf8_prefix(valid, kQuotedChars);
  return "\"" + std::string(shown) + (shown.size() < valid.size() ? "…\"" : "\"");
}

}  // namespace rexec::tools
