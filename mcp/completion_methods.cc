#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "mcp/methods.h"
#include "mcp/pending_answer.h"
#include "mcp/uri_template.h"

namespace rexec::mcp {
namespace {

/// The names that can be completed in what `ref` names.
RpcResult<std::vector<std::string>> read_reference(const ServerCore& core, const Json& ref,
                                                   CompletionQuery& query) {
  const auto type = find_string(ref, "type");
  const bool prompt = type == "ref/prompt";
  if (!prompt && type != "ref/resource")
    return invalid_params("params.ref.type must be \"ref/prompt\" or \"ref/resource\"");
  const char* member = prompt ? "name" : "uri";
  const auto name = find_string(ref, member);
  if (!name) return invalid_params(std::string("params.ref.") + member + " must be a string");
  query.of = prompt ? CompletionQuery::Of::prompt : CompletionQuery::Of::resource_template;
  query.name = *name;
  std::vector<std::string> names;
  if (prompt) {
    for (const Prompt& known : core.features.prompts) {
      if (known.name != *name) continue;
      for (const PromptArgument& argument : known.arguments) names.push_back(argument.name);
      return names;
    }
    return invalid_params("there is no prompt \"" + *name + "\"");
  }
  if (core.features.resources) {
    for (const ResourceInfo& known : core.features.resources->templates()) {
      if (known.uri != *name) continue;
      const auto parsed = UriTemplate::parse(known.uri);
      return parsed ? parsed->variables() : names;
    }
  }
  return invalid_params("there is no resource template \"" + *name + "\"");
}

RpcResult<CompletionQuery> read_query(const ServerCore& core, const Request& request) {
  CompletionQuery query;
  const Json* ref = find(request.params, "ref");
  if (!ref || !ref->is_object()) return invalid_params("params.ref must be an object");
  auto names = read_reference(core, *ref, query);
  if (auto* error = std::get_if<RpcError>(&names)) return std::move(*error);
  const Json* argument = find(request.params, "argument");
  const auto name = argument ? find_string(*argument, "name") : std::nullopt;
  const auto value = argument ? find_string(*argument, "value") : std::nullopt;
  if (!name || !value)
    return invalid_params("params.argument must be an object with the strings name and value");
  const auto& known = std::get<std::vector<std::string>>(names);
  if (std::find(known.begin(), known.end(), *name) == known.end())
    return invalid_params("\"" + query.name + "\" has no argument \"" + *name + "\"");
  query.argument = *name;
  query.value = *value;
  const Json* context = find(request.params, "context");
  const Json* others = context ? find(*context, "arguments") : nullptr;
  if (others && has_completion_context(request.context.version)) {
    if (!others->is_object()) return invalid_params("params.context.arguments must be an object of strings");
    for (const auto& [key, other] : others->items()) {
      if (other.is_string()) query.known.emplace(key, other.get<std::string>());
    }
  }
  return query;
}

Json to_json(const std::vector<std::string>& candidates, const std::string& value) {
  Json values = Json::array();
  std::size_t total = 0;
  for (const std::string& candidate : candidates) {
    if (!candidate.starts_with(value)) continue;
    if (++total <= kMaxCompletionValues) values.push_back(to_valid_utf8(candidate));
  }
  const bool more = total > kMaxCompletionValues;
  return Json{{"completion", {{"values", std::move(values)}, {"total", total}, {"hasMore", more}}}};
}

void complete(const std::shared_ptr<ServerCore>& core, Request request) {
  auto query = read_query(*core, request);
  if (auto* error = std::get_if<RpcError>(&query)) return answer(*core, request, std::move(*error));
  PendingAnswer::start(
      core, std::move(request),
      [query = std::get<CompletionQuery>(std::move(query))](const std::shared_ptr<PendingAnswer>& pending) {
        pending->core().features.completer->complete(
            pending->inquiry(), query,
            [pending, value = query.value](Result<std::vector<std::string>> candidates) {
              if (!candidates) return pending->fail(candidates.error());
              pending->finish(to_json(*candidates, value));
            });
      });
}

}  // namespace

void add_completion_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  table.add("completion/complete", MethodTable::Eras::both,
            [core](Request request) { complete(core, std::move(request)); });
  table.declare("completions", Json::object());
}

}  // namespace rexec::mcp
