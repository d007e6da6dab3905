// sandbox_list: what there is to work in.
#include <algorithm>
#include <utility>

#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/sandbox_record.h"

namespace rexec::tools {
namespace {

struct Label {
  std::string key;
  std::string value;
};

std::optional<Label> read_label(const Arguments& arguments, Violations& violations) {
  const auto text = arguments.optional_text("label");
  if (!text) return std::nullopt;
  const std::size_t equals = text->find('=');
  if (equals == std::string::npos || equals == 0) {
    violations.push_back({"/label", in_quotes(*text) + " is not a label; expected key=value"});
    return std::nullopt;
  }
  return Label{text->substr(0, equals), text->substr(equals + 1)};
}

bool listed(const sandbox::SandboxRecord& record, const std::string& include,
            const std::optional<Label>& label) {
  const bool agent = record.backend == kAgentBackend;
  if (include == "templates" || include == "images") return false;
  if ((include == "sandboxes" && agent) || (include == "agents" && !agent)) return false;
  if (!label) return true;
  const auto found = record.labels.find(label->key);
  return found != record.labels.end() && found->second == label->value;
}

void add_templates(const std::vector<Template>& templates, Json& json, std::string& text) {
  json["templates"] = Json::array();
  for (const Template& known : templates) {
    Json entry = {{"name", known.name}};
    if (!known.description.empty()) entry["description"] = known.description;
    json["templates"].push_back(std::move(entry));
    text += "template " + known.name + (known.description.empty() ? "" : ": " + known.description) + "\n";
  }
  if (templates.empty()) text += "This server has no templates.\n";
}

mcp::ToolResult present(const std::vector<sandbox::SandboxRecord>& records,
                        const std::vector<Template>& templates, const std::string& include,
                        const std::optional<Label>& label) {
  Json json = Json::object();
  std::string text;
  if (include != "templates" && include != "images") {
    Json sandboxes = Json::array();
    for (const sandbox::SandboxRecord& record : records) {
      if (!listed(record, include, label)) continue;
      sandboxes.push_back(record_json(record));
      text += record_text(record);
    }
    if (sandboxes.empty() && label) {
      text += "No sandbox has this label.\n";
    } else if (sandboxes.empty()) {
      text += include == "agents"
                  ? "There are no agents.\n"
                  : "There is no sandbox yet. Any tool that works in one makes your default sandbox.\n";
    }
    json["sandboxes"] = std::move(sandboxes);
  }
  if (include == "templates" || include == "all") add_templates(templates, json, text);
  if (include == "images" || include == "all") {
    json["images"] = Json::array();
    text += "This server has no images.\n";
  }
  mcp::ToolResult result = mcp::ToolResult::text(std::move(text));
  result.structured = std::move(json);
  return result;
}

}  // namespace

mcp::ToolHandler make_sandbox_list(const Services& services) {
  return [services](const std::shared_ptr<mcp::ToolCall>& call) {
    const Arguments arguments(call->arguments());
    Violations violations;
    const auto label = read_label(arguments, violations);
    if (!violations.empty()) return call->reject(violations);
    call->defer([&sandboxes = services.sandboxes, templates = services.templates, call, label,
                 include = arguments.text("include")] {
      auto records = sandboxes.list({call->principal()}, call->op());
      if (!records) {
        call->reply(mcp::to_tool_failure(records.error()));
        return;
      }
      std::sort(records->begin(), records->end(),
                [](const auto& a, const auto& b) { return a.name < b.name; });
      call->reply(present(*records, *templates, include, label));
    });
  };
}

}  // namespace rexec::tools
