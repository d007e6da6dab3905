#include "app/settings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "app/secret_settings.h"
#include "app/templates.h"

namespace rexec::app {
namespace {

using Type = Setting::Type;

constexpr double kDay = 86400;
constexpr double kMaxCount = 1e6;
constexpr double kMaxMegabytes = 1 << 24;
constexpr double kMaxBytes = 1 << 30;

constexpr std::array<std::string_view, 5> kLogLevels = {"debug", "info", "warning", "error", "off"};

/// Whole numbers as JSON integers.
Json number(double value) {
  return value == std::floor(value) ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

Json from_duration(Duration duration) {
  return number(std::chrono::duration<double>(duration).count());
}

template <auto group, auto member>
Json get_value(const Config& config) {
  return config.*group.*member;
}

template <auto group, auto member>
void set_value(Config& config, const Json& value) {
  auto& target = config.*group.*member;
  target = value.get<std::remove_reference_t<decltype(target)>>();
}

template <auto group, auto member>
Json get_duration(const Config& config) {
  return from_duration(config.*group.*member);
}

template <auto group, auto member>
void set_duration(Config& config, const Json& value) {
  config.*group.*member = to_duration(value);
}

template <auto group, auto member>
constexpr Setting integer(std::string_view name, double minimum, double maximum, std::string_view summary) {
  return {
      name, Type::integer, {}, minimum, maximum, summary, get_value<group, member>, set_value<group, member>};
}

template <auto group, auto member>
constexpr Setting seconds(std::string_view name, double minimum, double maximum, std::string_view summary) {
  return {name,
          Type::seconds,
          {},
          minimum,
          maximum,
          summary,
          get_duration<group, member>,
          set_duration<group, member>};
}

template <auto group, auto member>
constexpr Setting text(std::string_view name, std::string_view summary, std::string (*automatic)(),
                       std::string_view other_variable = {}) {
  return {name,      Type::text,    {}, 0, 0, summary, get_value<group, member>, set_value<group, member>,
          automatic, other_variable};
}

template <auto group, auto member>
constexpr Setting boolean(std::string_view name, std::string_view summary) {
  return {name, Type::boolean, {}, 0, 0, summary, get_value<group, member>, set_value<group, member>};
}

std::string default_recording_directory() {
  return sandbox::default_state_directory() + "/recordings";
}

std::string looked_up() {
  return "(looked up)";
}

Json get_log_level(const Config& config) {
  return kLogLevels[static_cast<std::size_t>(config.log_level)];
}

void set_log_level(Config& config, const Json& value) {
  const auto found = std::ranges::find(kLogLevels, value.get_ref<const std::string&>());
  config.log_level = static_cast<LogLevel>(found - kLogLevels.begin());
}

Json get_mounts(const Config& config) {
  Json list = Json::array();
  for (const sandbox::HostMount& mount : config.local.mounts.mounts)
    list.push_back(mount.source + ":" + mount.destination + (mount.read_only ? ":ro" : ""));
  return list;
}

/// The text has passed check_mounts().
void set_mounts(Config& config, const Json& value) {
  config.local.mounts.mounts.clear();
  for (const Json& entry : value) {
    if (auto mount = sandbox::parse_mount(entry.get_ref<const std::string&>()))
      config.local.mounts.mounts.push_back(*std::move(mount));
  }
}

std::string check_mounts(const Json& value) {
  sandbox::MountOptions options;
  for (const Json& entry : value) {
    auto mount = sandbox::parse_mount(entry.get_ref<const std::string&>());
    if (!mount) return mount.error().message;
    options.mounts.push_back(*std::move(mount));
  }
  const Status status = sandbox::check_mounts(options);
  return status ? "" : status.error().message;
}

constexpr Setting kSettings[] = {
    {"log.level", Type::choice, "debug|info|warning|error|off", 0, 0,
     "The least important messages that are logged to standard error.", get_log_level, set_log_level},
    {"log.format", Type::choice, "text|json", 0, 0, "Form of a log line.",
     [](const Config& config) { return Json(config.log_format == LogFormat::json ? "json" : "text"); },
     [](Config& config, const Json& value) {
       config.log_format = value == "json" ? LogFormat::json : LogFormat::text;
     }},
    {"backend", Type::choice, "local|docker|rexec", 0, 0,
     "What makes the sandboxes. This version has `local`: namespaces on this machine.",
     [](const Config& config) { return Json(config.backend); },
     [](Config& config, const Json& value) { config.backend = value.get<std::string>(); }},
    {"network", Type::choice, "none|host", 0, 0,
     "`none`: no sandbox has a network. `host`: the default sandbox shares this machine's network, and "
     "`sandbox_create` may ask for it.",
     [](const Config& config) { return Json(sandbox::to_string(config.network)); },
     [](Config& config, const Json& value) {
       config.network = value == "host" ? sandbox::Network::host : sandbox::Network::none;
       config.local.allow_host_network = config.network == sandbox::Network::host;
     }},
    {"workspace",
     Type::text,
     {},
     0,
     0,
     "A directory of this machine that every sandbox sees at `/workspace`, may write, and starts in.",
     [](const Config& config) { return Json(config.local.mounts.workspace); },
     [](Config& config, const Json& value) { config.local.mounts.workspace = value.get<std::string>(); },
     [] { return std::string("(none)"); }},
    {.name = "mount",
     .type = Type::list,
     .choices = "SRC:DST[:ro]",
     .minimum = 0,
     .maximum = 0,
     .summary =
         "Further files and directories of this machine, and where sandboxes see them; writable unless "
         "`:ro`.",
     .get = get_mounts,
     .set = set_mounts,
     .check = check_mounts},
    {.name = "allow_write",
     .type = Type::list,
     .choices = "PATH",
     .minimum = 0,
     .maximum = 0,
     .summary =
         "Paths in writable directories that may be written although programs of yours run or obey them, "
         "such as `.vscode` or `.git/hooks`.",
     .get = [](const Config& config) { return Json(config.local.mounts.allow_write); },
     .set =
         [](Config& config, const Json& value) {
           config.local.mounts.allow_write = value.get<std::vector<std::string>>();
         }},
    text<&Config::local, &sandbox::LocalOptions::state_directory>(
        "state_directory", "Where sandboxes keep their files.", sandbox::default_state_directory,
        "REXEC_STATE_DIR"),
    text<&Config::local, &sandbox::LocalOptions::bubblewrap>("bubblewrap", "Path of the program bwrap.",
                                                             looked_up),
    integer<&Config::local, &sandbox::LocalOptions::sandbox_uid>(
        "sandbox_uid", 1, 4294967294.0, "The user id that sandboxes run as when the server runs as root."),

    {.name = "secrets",
     .type = Type::object,
     .choices = {},
     .minimum = 0,
     .maximum = 0,
     .summary = "Values for commands that name them, which answers hide.",
     .get = [](const Config& config) { return without_commands(config.secrets); },
     .set = [](Config& config, const Json& value) { config.secrets = value; },
     .schema = secrets_schema,
     .check = check_secrets},

    integer<&Config::local, &sandbox::LocalOptions::memory_mb>(
        "sandbox.memory_mb", 0, kMaxMegabytes,
        "Memory of a sandbox, and the most that `sandbox_create` may ask for; 0: no limit."),
    integer<&Config::local, &sandbox::LocalOptions::cpus>(
        "sandbox.cpus", 0, 4096,
        "Processors' time that a sandbox may use, and the most that `sandbox_create` may ask for; 0: no "
        "limit."),
    integer<&Config::local, &sandbox::LocalOptions::disk_mb>(
        "sandbox.disk_mb", 0, kMaxMegabytes,
        "What a sandbox's home may take on the disk, and the most that `sandbox_create` may ask for; 0: no "
        "limit."),
    integer<&Config::local, &sandbox::LocalOptions::file_mb>(
        "sandbox.file_mb", 0, kMaxMegabytes,
        "The largest file that a sandbox may write; 0: no "
        "limit."),

    {.name = "templates",
     .type = Type::object,
     .choices = {},
     .minimum = 0,
     .maximum = 0,
     .summary = "Named settings for sandboxes that `sandbox_create` makes, with commands that set one up.",
     .get = [](const Config& config) { return config.templates; },
     .set = [](Config& config, const Json& value) { config.templates = value; },
     .schema = templates_schema,
     .check = check_templates},

    seconds<&Config::tools, &tools::ToolLimits::default_wait>(
        "limits.default_wait_s", 0, kDay, "How long `exec` waits for a command when the call does not say."),
    seconds<&Config::tools, &tools::ToolLimits::max_wait>("limits.max_wait_s", 0, kDay,
                                                          "The longest wait that a call may ask for."),
    seconds<&Config::tools, &tools::ToolLimits::default_timeout>(
        "limits.default_timeout_s", 0.1, 31 * kDay,
        "When a command is ended that `exec` waits for, and the call does not say."),
    seconds<&Config::tools, &tools::ToolLimits::max_timeout>("limits.max_timeout_s", 0.1, 31 * kDay,
                                                             "When every command is ended."),
    integer<&Config::tools, &tools::ToolLimits::default_chars>(
        "limits.default_chars", 200, kMaxBytes, "Characters of a tool's text when the call does not say."),
    integer<&Config::tools, &tools::ToolLimits::max_chars>("limits.max_chars", 200, kMaxBytes,
                                                           "The most characters that a call may ask for."),
    integer<&Config::tools, &tools::ToolLimits::read_cap>("limits.read_bytes", 1024, kMaxBytes,
                                                          "The most bytes that one `read_file` returns."),
    integer<&Config::tools, &tools::ToolLimits::image_cap>(
        "limits.image_bytes", 1024, kMaxBytes, "The largest image that `read_file` returns as an image."),
    seconds<&Config::tools, &tools::ToolLimits::progress_interval>(
        "limits.progress_s", 0.1, 3600, "Time between two progress notifications of one call."),

    boolean<&Config::recording, &tools::RecordingOptions::always>(
        "terminals.record", "Every terminal is recorded, not only one that was opened with `record`."),
    boolean<&Config::recording, &tools::RecordingOptions::input>(
        "terminals.record_input",
        "Recordings hold what tools type too, unless a program reads it without showing it."),
    text<&Config::recording, &tools::RecordingOptions::directory>(
        "terminals.recordings", "Where recordings are kept, the last 200 of them; else beside the sandboxes.",
        default_recording_directory),

    integer<&Config::sandboxes, &sandbox::ManagerLimits::sandboxes_per_principal>(
        "sandboxes.per_principal", 1, kMaxCount, "Sandboxes that one caller may have."),
    integer<&Config::sandboxes, &sandbox::ManagerLimits::sandboxes>("sandboxes.total", 1, kMaxCount,
                                                                    "Sandboxes of this server in all."),
    seconds<&Config::sandboxes, &sandbox::ManagerLimits::idle_expiry>(
        "sandboxes.idle_expiry_s", 0, 366 * kDay,
        "A sandbox that nobody uses and in which nothing runs is deleted after this time; 0: never."),
    seconds<&Config::sandboxes, &sandbox::ManagerLimits::max_lifetime>(
        "sandboxes.max_lifetime_s", 1, 366 * kDay, "The most that `expires_in_s` may ask for."),
    seconds<&Config::sandboxes, &sandbox::ManagerLimits::create_deadline>(
        "sandboxes.create_timeout_s", 1, 3600, "How long making a sandbox may take."),

    {"sandboxes.persistent",
     Type::boolean,
     {},
     0,
     0,
     "The default sandbox outlives the server; every server of this user with this setting continues it.",
     [](const Config& config) { return Json(config.persistent_default); },
     [](Config& config, const Json& value) { config.persistent_default = value.get<bool>(); }},
    seconds<&Config::sandboxes, &sandbox::ManagerLimits::persistent_idle_expiry>(
        "sandboxes.persistent_idle_s", 0, 366 * kDay,
        "A persistent sandbox that nobody uses and in which nothing runs ends after this time; 0: never."),

    integer<&Config::workers, &WorkerPool::Options::threads>("server.workers", 1, 256,
                                                             "Threads that run tool handlers."),
    integer<&Config::workers, &WorkerPool::Options::queue>(
        "server.queue", 1, kMaxCount, "Calls that may wait for a worker; beyond, the answer is \"busy\"."),
    integer<&Config::server, &mcp::ServerOptions::max_in_flight>(
        "server.max_in_flight", 1, kMaxCount,
        "Requests under way of one caller; beyond, the answer is \"busy\"."),
    integer<&Config::stdio, &transport::StdioOptions::max_message>(
        "server.max_message_bytes", 1024, kMaxBytes, "The largest message that is read."),
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Json schema_of(const Setting& setting) {
  Json schema = setting.type == Type::object ? setting.schema() : Json::object();
  schema["description"] = setting.summary;
  if (setting.type == Type::object) return schema;
  if (setting.type == Type::choice) {
    schema["enum"] = split(setting.choices, '|');
    schema["type"] = "string";
  } else if (setting.type == Type::text) {
    schema["type"] = "string";
  } else if (setting.type == Type::list) {
    schema["type"] = "array";
    schema["items"] = {{"type", "string"}};
    schema["maxItems"] = kMaxListEntries;
  } else if (setting.type == Type::boolean) {
    schema["type"] = "boolean";
  } else {
    schema["type"] = setting.type == Type::integer ? "integer" : "number";
    schema["minimum"] = number(setting.minimum);
    schema["maximum"] = number(setting.maximum);
  }
  Json value = setting.get(Config{});
  if (value != "") schema["default"] = std::move(value);
  return schema;
}

Json object_schema() {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
}

std::string replace_all(std::string_view text, char from, std::string_view to) {
  std::string result;
  for (const char c : text) {
    if (c == from) {
      result += to;
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

Duration to_duration(const Json& seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds.get<double>()));
}

std::span<const Setting> settings() {
  return kSettings;
}

const Setting* find_setting(std::string_view name) {
  const auto found = std::ranges::find(kSettings, name, &Setting::name);
  return found == std::end(kSettings) ? nullptr : found;
}

bool has_flag(const Setting& setting) {
  return setting.type != Type::object;
}

std::string flag_name(const Setting& setting) {
  std::string name = "--" + std::string(setting.name);
  std::ranges::replace_if(
      name, [](char c) { return c == '.' || c == '_'; }, '-');
  return name;
}

std::string variable_name(const Setting& setting) {
  std::string name = "REXEC_MCP_";
  for (const char c : setting.name) {
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : '_';
  }
  return name;
}

std::string pointer_of(const Setting& setting) {
  return "/" + replace_all(setting.name, '.', "/");
}

std::string value_placeholder(const Setting& setting) {
  switch (setting.type) {
    case Type::text:
      return "PATH";
    case Type::choice:
      return std::string(setting.choices);
    case Type::boolean:
      return "true|false";
    case Type::integer:
      return "NUMBER";
    case Type::seconds:
      return "SECONDS";
    case Type::list:
      return std::string(setting.choices);
    case Type::object:
      return "OBJECT";
  }
  return {};
}

Json from_words(const Setting& setting, std::string_view words) {
  if (setting.type != Type::list) return words;
  Json list = Json::array();
  for (std::string& line : split(words, '\n')) {
    if (!line.empty()) list.push_back(std::move(line));
  }
  return list;
}

std::string display_value(const Setting& setting, const Json& value) {
  if (!value.is_string()) return dump_json(value);
  if (value == "") return setting.automatic == nullptr ? "" : setting.automatic();
  return setting.secret ? "********" : value.get<std::string>();
}

Json settings_schema() {
  Json schema = object_schema();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "Configuration of rexec-mcp";
  schema["properties"]["$schema"] = {{"type", "string"}, {"description", "Names this schema, for editors."}};
  for (const Setting& setting : kSettings) {
    Json* place = &schema;
    const std::vector<std::string> steps = split(setting.name, '.');
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      Json& group = (*place)["properties"][steps[i]];
      if (group.is_null()) group = object_schema();
      place = &group;
    }
    (*place)["properties"][steps.back()] = schema_of(setting);
  }
  return schema;
}

std::string settings_reference() {
  std::string table = "| setting | default | values | meaning |\n|---|---|---|---|\n";
  for (const Setting& setting : kSettings) {
    const Json value = setting.get(Config{});
    std::string range = replace_all(value_placeholder(setting), '|', ", ");
    if (setting.type == Type::integer || setting.type == Type::seconds) {
      range = dump_json(number(setting.minimum)) + " to " + dump_json(number(setting.maximum));
    } else if (setting.type == Type::text) {
      range = "path";
    } else if (setting.type == Type::list) {
      range = "list of texts";
    } else if (setting.type == Type::object) {
      range = "object, in the file only";
    }
    table += "| `" + std::string(setting.name) + "` | " +
             (value == "" ? "see below" : "`" + display_value(setting, value) + "`") + " | " + range + " | " +
             std::string(setting.summary) + " |\n";
  }
  return table;
}

}  // namespace rexec::app
