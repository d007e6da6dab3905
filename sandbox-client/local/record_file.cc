#include "sandbox-client/local/record_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/fd.h"
#include "base/json.h"

namespace rexec::sandbox {
namespace {

constexpr const char* kNewName = "record.json.new";

std::int64_t milliseconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

Error unreadable(std::string_view why) {
  return Error{ErrorCode::data_loss, "its record cannot be read (" + std::string(why) +
                                         "); delete it by its id with rexec-mcp sandboxes delete"};
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Json json_of(const Pairs& pairs) {
  Json list = Json::array();
  for (const auto& [name, value] : pairs) list.push_back(Json::array({name, value}));
  return list;
}

/// The members of a record; the first that is missing or of another type is remembered.
class Members {
 public:
  explicit Members(const Json& json) : json_(json) {}

  std::string text(const char* name) { return take(name, find_string(json_, name)); }
  std::int64_t integer(const char* name) { return take(name, find_integer(json_, name)); }
  std::optional<std::int64_t> optional_integer(const char* name) { return find_integer(json_, name); }
  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> list;
    for (const Json& item : array(name)) {
      if (!item.is_string()) missing(name);
      if (item.is_string()) list.push_back(item.get<std::string>());
    }
    return list;
  }
  /// Arrays of `width` strings each.
  std::vector<std::vector<std::string>> rows(const char* name, std::size_t width) {
    std::vector<std::vector<std::string>> list;
    for (const Json& item : array(name)) {
      std::vector<std::string> row;
      if (item.is_array())
        for (const Json& cell : item)
          if (cell.is_string()) row.push_back(cell.get<std::string>());
      if (row.size() == width) {
        list.push_back(std::move(row));
      } else {
        missing(name);
      }
    }
    return list;
  }
  Pairs pairs(const char* name) {
    Pairs list;
    for (auto& row : rows(name, 2)) list.emplace_back(std::move(row[0]), std::move(row[1]));
    return list;
  }
  const std::string& problem() const { return problem_; }

 private:
  template <class T>
  T take(const char* name, std::optional<T> value) {
    if (!value) missing(name);
    return value.value_or(T());
  }
  const Json& array(const char* name) {
    static const Json none = Json::array();
    const Json* found = find(json_, name);
    if (found != nullptr && found->is_array()) return *found;
    missing(name);
    return none;
  }
  void missing(const char* name) {
    if (problem_.empty()) problem_ = std::string("bad or missing: ") + name;
  }

  const Json& json_;
  std::string problem_;
};

}  // namespace

Result<std::string> encode_record(const KeptRecord& kept) {
  const SandboxRecord& record = kept.record;
  const SandboxSpec& spec = kept.spec;
  Json labels = Json::array();
  for (const auto& [key, value] : record.labels) labels.push_back(Json::array({key, value}));
  Json limits = Json::array();
  for (const Limit& limit : record.limits)
    limits.push_back(Json::array({limit.name, limit.value, limit.mechanism}));
  Json json = {{"format", kRecordFormat},
               {"principal", spec.principal},
               {"name", record.name},
               {"id", record.id},
               {"home", record.home},
               {"cwd", record.cwd},
               {"isolation", record.isolation},
               {"mounts", record.mounts},
               {"capabilities", record.capabilities},
               {"network", std::string(to_string(record.network))},
               {"created_unix_ms", record.created_unix_ms},
               {"idle_expiry_ms", milliseconds_of(spec.idle_expiry)},
               {"labels", std::move(labels)},
               {"limits", std::move(limits)},
               {"env", json_of(record.settings.env)},
               {"asked_env", json_of(spec.env)},
               {"secret", record.settings.secret}};
  if (spec.expires_unix_ms) json["expires_unix_ms"] = *spec.expires_unix_ms;
  if (spec.template_name) json["template"] = *spec.template_name;
  if (spec.memory_mb) json["memory_mb"] = *spec.memory_mb;
  if (spec.cpus) json["cpus"] = *spec.cpus;
  if (spec.disk_mb) json["disk_mb"] = *spec.disk_mb;
  std::string text = dump_json_pretty(json) + "\n";
  if (text.size() > kMaxRecordBytes)
    return Error{ErrorCode::invalid_argument,
                 "environment and labels of a persistent sandbox are too large: its record may have 4 MiB"};
  return text;
}

Result<KeptRecord> decode_record(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return unreadable(json.error().message);
  const auto format = find_integer(*json, "format");
  if (!format || *format < 1) return unreadable("it has no format");
  if (*format > kRecordFormat)
    return Error{ErrorCode::unsupported,
                 "it was made by a newer version of rexec-mcp (format " + std::to_string(*format) +
                     ", this version knows " + std::to_string(kRecordFormat) +
                     "); use that version, or delete it by its id with rexec-mcp sandboxes delete"};
  Members members(*json);
  KeptRecord kept;
  SandboxRecord& record = kept.record;
  SandboxSpec& spec = kept.spec;
  spec.persistent = record.persistent = true;
  spec.principal = record.principal = members.text("principal");
  spec.name = record.name = members.text("name");
  record.id = members.text("id");
  record.home = record.settings.home = members.text("home");
  record.cwd = record.settings.cwd = members.text("cwd");
  record.isolation = members.text("isolation");
  record.mounts = members.texts("mounts");
  record.capabilities = members.texts("capabilities");
  spec.network = record.network = members.text("network") == "host" ? Network::host : Network::none;
  record.created_unix_ms = members.integer("created_unix_ms");
  const auto idle = std::chrono::milliseconds(members.integer("idle_expiry_ms"));
  spec.idle_expiry = record.idle_expiry = idle;
  spec.expires_unix_ms = record.expires_unix_ms = members.optional_integer("expires_unix_ms");
  for (auto& row : members.rows("labels", 2)) record.labels.emplace(std::move(row[0]), std::move(row[1]));
  spec.labels = record.labels;
  for (auto& row : members.rows("limits", 3))
    record.limits.push_back({std::move(row[0]), std::move(row[1]), std::move(row[2])});
  record.settings.env = members.pairs("env");
  spec.env = members.pairs("asked_env");
  record.settings.secret = members.text("secret");
  spec.template_name = find_string(*json, "template");
  record.template_name = spec.template_name.value_or("");
  const auto amount = [&](const char* name) -> std::optional<std::uint64_t> {
    const auto value = members.optional_integer(name);
    return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
  };
  spec.memory_mb = amount("memory_mb");
  spec.disk_mb = amount("disk_mb");
  if (const Json* cpus = find(*json, "cpus"); cpus != nullptr && cpus->is_number())
    spec.cpus = cpus->get<double>();
  if (!members.problem().empty()) return unreadable(members.problem());
  return kept;
}

Result<KeptRecord> read_record(int directory) {
  const UniqueFd fd(openat(directory, kRecordName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return errno_error("opening the sandbox's record", errno);
  std::string text;
  char buffer[16 << 10];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading the sandbox's record", errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kMaxRecordBytes) return unreadable("it is too large");
  }
  return decode_record(text);
}

Status write_record(int directory, const KeptRecord& kept) {
  ASSIGN_OR_RETURN(const std::string text, encode_record(kept));
  const UniqueFd fd(openat(directory, kNewName, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno_error("making the sandbox's record", errno);
  RETURN_IF_ERROR(write_all(fd.get(), text));
  if (fsync(fd.get()) != 0) return errno_error("writing the sandbox's record", errno);
  if (renameat(directory, kNewName, directory, kRecordName) != 0)
    return errno_error("writing the sandbox's record", errno);
  fsync(directory);
  return {};
}

bool has_record(int directory) {
  struct stat status {};
  return fstatat(directory, kRecordName, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

Status remove_record(int directory) {
  if (unlinkat(directory, kRecordName, 0) != 0 && errno != ENOENT)
    return errno_error("removing the sandbox's record", errno);
  return {};
}

}  // namespace rexec::sandbox
