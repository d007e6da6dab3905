#include <algorithm>
#include <utility>

#include "base/similar.h"
#include "base/utf8.h"
#include "mcp/methods.h"
#include "mcp/page.h"
#include "mcp/pending_answer.h"

namespace rexec::mcp {
namespace {

Json to_json(const Prompt& prompt, ProtocolVersion version) {
  const bool titles = has_titles(version);
  Json json{{"name", prompt.name}};
  if (titles && !prompt.title.empty()) json["title"] = prompt.title;
  if (!prompt.description.empty()) json["description"] = prompt.description;
  if (prompt.arguments.empty()) return json;
  Json arguments = Json::array();
  for (const PromptArgument& argument : prompt.arguments) {
    Json entry{{"name", argument.name}, {"required", argument.required}};
    if (titles && !argument.title.empty()) entry["title"] = argument.title;
    if (!argument.description.empty()) entry["description"] = argument.description;
    arguments.push_back(std::move(entry));
  }
  json["arguments"] = std::move(arguments);
  return json;
}

Json to_json(const PromptResult& result) {
  Json messages = Json::array();
  for (const PromptMessage& message : result.messages) {
    messages.push_back({{"role", message.role == PromptMessage::Role::user ? "user" : "assistant"},
                        {"content", {{"type", "text"}, {"text", to_valid_utf8(message.text)}}}});
  }
  Json json{{"messages", std::move(messages)}};
  if (!result.description.empty()) json["description"] = result.description;
  return json;
}

RpcResult<Json> list_prompts(const ServerCore& core, const Request& request) {
  const auto& prompts = core.features.prompts;
  const auto page = read_page(request, "prompts", core.options.list_page, prompts.size());
  if (const auto* error = std::get_if<RpcError>(&page)) return *error;
  Json entries = Json::array();
  for (const Prompt& prompt : prompts) entries.push_back(to_json(prompt, request.context.version));
  return with_cache_hint(core.options, request.context, make_page(std::get<Page>(page), std::move(entries)));
}

std::string unknown(const std::string& what, std::string_view name, const std::vector<std::string>& known) {
  const auto similar = similar_names(name, known);
  std::string text = "unknown " + what + " \"" + std::string(name) + "\"";
  if (!similar.empty()) return text + "; did you mean " + quoted_alternatives(similar) + "?";
  return text + (known.empty() ? "; there are none" : "; there are: " + quoted_alternatives(known));
}

/// What clients have filled in. An empty text is an argument that was left out: forms send those.
RpcResult<PromptArguments> read_arguments(const Prompt& prompt, const Json& params) {
  PromptArguments arguments;
  std::vector<std::string> known;
  for (const PromptArgument& argument : prompt.arguments) known.push_back(argument.name);
  if (const Json* given = find(params, "arguments"); given && !given->is_null()) {
    if (!given->is_object()) return invalid_params("params.arguments must be an object of strings");
    for (const auto& [name, value] : given->items()) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        return invalid_params(unknown("argument", name, known));
      if (value.is_null()) continue;
      if (!value.is_string())
        return invalid_params("params.arguments" + pointer_step(name) + " must be a string");
      if (!value.get_ref<const std::string&>().empty())
        arguments.emplace(name, value.get_ref<const std::string&>());
    }
  }
  for (const PromptArgument& argument : prompt.arguments) {
    if (argument.required && !arguments.contains(argument.name)) {
      return invalid_params("the prompt \"" + prompt.name + "\" needs the argument \"" + argument.name +
                            "\": " + argument.description);
    }
  }
  return arguments;
}

void get_prompt(const std::shared_ptr<ServerCore>& core, Request request) {
  const auto refuse = [&](std::string why) { answer(*core, request, invalid_params(std::move(why))); };
  const auto name = find_string(request.params, "name");
  if (!name) return refuse("params.name must be a string");
  const auto& prompts = core->features.prompts;
  const auto found = std::find_if(prompts.begin(), prompts.end(),
                                  [&](const Prompt& prompt) { return prompt.name == *name; });
  if (found == prompts.end()) {
    std::vector<std::string> known;
    for (const Prompt& prompt : prompts) known.push_back(prompt.name);
    return refuse(unknown("prompt", *name, known));
  }
  auto arguments = read_arguments(*found, request.params);
  if (auto* error = std::get_if<RpcError>(&arguments)) return answer(*core, request, std::move(*error));
  PendingAnswer::start(core, std::move(request),
                       [&prompt = *found, arguments = std::get<PromptArguments>(std::move(arguments))](
                           const std::shared_ptr<PendingAnswer>& pending) {
                         prompt.handler(pending->inquiry(), arguments,
                                        [pending](Result<PromptResult> result) {
                                          if (!result) return pending->fail(result.error());
                                          pending->finish(to_json(*result));
                                        });
                       });
}

}  // namespace

void add_prompt_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  using Eras = MethodTable::Eras;
  table.add(core, "prompts/list", Eras::both,
            [core](const Request& request) { return list_prompts(*core, request); });
  table.add("prompts/get", Eras::both, [core](Request request) { get_prompt(core, std::move(request)); });
  table.declare("prompts", Json::object());
}

}  // namespace rexec::mcp
