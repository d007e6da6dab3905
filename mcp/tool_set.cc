#include "mcp/tool_set.h"

#include <algorithm>
#include <utility>

#include "base/similar.h"
#include "base/utf8.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kMaxNameLength = 64;  // MCP allows 128; several clients prefix the name and stop at 64
constexpr std::size_t kMaxQuotedChars = 80;

bool is_valid_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxNameLength && std::ranges::all_of(name, allowed);
}

Error bad_tool(const std::string& name, const std::string& what) {
  return Error{ErrorCode::invalid_argument, "tool \"" + name + "\": " + what};
}

Result<ToolEntry> make_entry(Tool tool) {
  ASSIGN_OR_RETURN(Json file, parse_json(tool.schema));
  ToolEntry entry;
  entry.name = find_string(file, "name").value_or("");
  if (!is_valid_name(entry.name)) return bad_tool(entry.name, "the name is missing or not allowed");
  if (!find_string(file, "description")) return bad_tool(entry.name, "description is missing");
  for (const char* key :
       {"name", "title", "description", "inputSchema", "outputSchema", "annotations", "_meta"}) {
    if (const Json* value = find(file, key)) entry.published[key] = *value;
  }
  for (const char* key : {"inputSchema", "outputSchema"}) {
    const Json* schema = find(file, key);
    if (!schema && key == std::string_view("outputSchema")) continue;
    // Clients drop the whole list for one tool whose schema has another root (MCP 2025-06-18, schema.ts).
    if (!schema || find_string(*schema, "type") != "object") {
      return bad_tool(entry.name, std::string(key) + " must be a schema of type \"object\"");
    }
    auto compiled = compile_schema(*schema);
    if (!compiled) return with_context("tool \"" + entry.name + "\": " + key, std::move(compiled).error());
    (key == std::string_view("inputSchema") ? entry.input : entry.output) = std::move(compiled).value();
  }
  if (!tool.handler.run) return bad_tool(entry.name, "the handler is missing");
  entry.handler = std::move(tool.handler);
  return entry;
}

}  // namespace

Result<ToolSet> ToolSet::make(std::vector<Tool> tools) {
  ToolSet set;
  for (Tool& tool : tools) {
    ASSIGN_OR_RETURN(ToolEntry entry, make_entry(std::move(tool)));
    set.entries_.push_back(std::move(entry));
  }
  std::ranges::sort(set.entries_, {}, &ToolEntry::name);
  const auto twice = std::ranges::adjacent_find(set.entries_, {}, &ToolEntry::name);
  if (twice != set.entries_.end()) return bad_tool(twice->name, "the name is used twice");
  return set;
}

const ToolEntry* ToolSet::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(entries_, name, {}, &ToolEntry::name);
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

std::string ToolSet::unknown_tool(std::string_view name) const {
  std::vector<std::string> names;
  for (const ToolEntry& entry : entries_) names.push_back(entry.name);
  const std::string valid = to_valid_utf8(name);
  std::string text = "unknown tool \"" + std::string(utf8_prefix(valid, kMaxQuotedChars)) + "\"";
  const auto alternatives = similar_names(name, names);
  if (alternatives.empty()) return text + "; tools/list names those that exist";
  return text + "; did you mean " + quoted_alternatives(alternatives) + "?";
}

Json ToolSet::list(std::size_t first, std::size_t count, ProtocolVersion version) const {
  Json list = Json::array();
  const std::size_t end = std::min(entries_.size(), first + std::min(count, entries_.size()));
  for (std::size_t i = first; i < end; ++i) {
    Json tool = entries_[i].published;
    if (!has_titles(version)) tool.erase("title");
    if (!has_structured_content(version)) tool.erase("outputSchema");
    if (!has_annotations(version)) tool.erase("annotations");
    list.push_back(std::move(tool));
  }
  return list;
}

}  // namespace rexec::mcp
