#include "tools/support/sandbox_record.h"

#include "tools/support/durations.h"

namespace rexec::tools {
namespace {

template <class Range>
std::string listed(const Range& range) {
  std::string text;
  for (const std::string& item : range) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::string labels_text(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [key, value] : labels) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

std::string limits_text(const std::vector<sandbox::Limit>& limits) {
  std::string text;
  for (const sandbox::Limit& limit : limits) {
    text += (text.empty() ? "" : ", ") + limit.name + (limit.value.empty() ? "" : " " + limit.value) + " (" +
            limit.mechanism + ")";
  }
  return text;
}

void add_line(std::string& text, std::string_view what, const std::string& value) {
  if (!value.empty()) text += "  " + std::string(what) + ": " + value + "\n";
}

}  // namespace

Json record_json(const sandbox::SandboxRecord& record) {
  Json json = {{"name", record.name},
               {"backend", record.backend},
               {"id", record.id},
               {"status", std::string(to_string(record.status))},
               {"home", record.home},
               {"cwd", record.cwd},
               {"isolation", record.isolation},
               {"capabilities", record.capabilities},
               {"network", std::string(to_string(record.network))},
               {"created_at", iso_time(record.created_unix_ms)}};
  if (!record.mounts.empty()) json["mounts"] = record.mounts;
  if (record.backend == kAgentBackend) json["real_machine"] = true;
  if (!record.image.empty()) json["image"] = record.image;
  if (!record.template_name.empty()) json["template"] = record.template_name;
  if (record.expires_unix_ms) json["expires_at"] = iso_time(*record.expires_unix_ms);
  if (!record.labels.empty()) json["labels"] = record.labels;
  if (record.persistent) json["persistent"] = true;
  Json limits = Json::object();
  for (const sandbox::Limit& limit : record.limits) {
    limits[limit.name] = Json{{"mechanism", limit.mechanism}};
    if (!limit.value.empty()) limits[limit.name]["value"] = limit.value;
  }
  json["limits"] = std::move(limits);
  return json;
}

std::string record_text(const sandbox::SandboxRecord& record) {
  std::string text = record.name + " · " + std::string(to_string(record.status)) + " · " + record.backend +
                     (record.backend == kAgentBackend ? ", a real machine" : "") + " · network " +
                     std::string(to_string(record.network)) + "\n";
  add_line(text, "id", record.id);
  add_line(text, "home", record.home);
  add_line(text, "cwd", record.cwd);
  add_line(text, "isolation", record.isolation);
  add_line(text, "mounts", listed(record.mounts));
  add_line(text, "reduced", listed(record.capabilities));
  add_line(text, "image", record.image);
  add_line(text, "template", record.template_name);
  add_line(text, "created", iso_time(record.created_unix_ms));
  if (record.expires_unix_ms) add_line(text, "expires", iso_time(*record.expires_unix_ms));
  add_line(text, "labels", labels_text(record.labels));
  add_line(text, "limits", limits_text(record.limits));
  if (record.persistent) add_line(text, "persistent", "yes, outlives this server");
  return text;
}

}  // namespace rexec::tools
