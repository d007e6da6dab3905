#include <optional>
#include <utility>

#include "mcp/methods.h"
#include "mcp/page.h"
#include "mcp/wire_call.h"

namespace rexec::mcp {
namespace {

constexpr std::size_t kMaxInputResponses = 32;

RpcResult<Json> list_tools(const ServerCore& core, const Request& request) {
  const auto page = read_page(request, "tools", core.options.tools_page, core.tools.size());
  if (const auto* error = std::get_if<RpcError>(&page)) return *error;
  const Page& wanted = std::get<Page>(page);
  Json result{{"tools", core.tools.list(wanted.first, wanted.size, request.context.version)}};
  if (wanted.first + wanted.size < core.tools.size()) result["nextCursor"] = next_cursor(wanted);
  return with_cache_hint(core.options, request.context, std::move(result));
}

/// Answers of the user that a modern client sends along with the state that belongs to them.
std::optional<RpcError> read_input(const ServerCore& core, const ToolEntry& tool, Request& request,
                                   CallStart& start) {
  const Json* responses = find(request.params, "inputResponses");
  if (responses && (!responses->is_object() || responses->size() > kMaxInputResponses)) {
    return invalid_params("params.inputResponses must be an object of at most 32 members");
  }
  const Json* text = find(request.params, "requestState");
  if (!text) return std::nullopt;
  if (!text->is_string()) return invalid_params("params.requestState must be a string");
  auto state = core.states.decode(StateBinding{request.principal, request.method, tool.name, start.arguments},
                                  text->get_ref<const std::string&>());
  if (!state) return invalid_params(state.error().message);
  start.round = state->round;
  start.state = std::move(state->state);
  for (const std::string& key : state->keys) {
    const Json* response = responses ? find(*responses, key) : nullptr;
    if (!response) continue;
    if (!response->is_object()) {
      return invalid_params("params.inputResponses" + pointer_step(key) + " must be an object");
    }
    start.responses.emplace(key, *response);
  }
  return std::nullopt;
}

void call_tool(const std::shared_ptr<ServerCore>& core, Request request) {
  const auto name = find_string(request.params, "name");
  if (!name) return answer(*core, request, invalid_params("params.name must be a string"));
  const ToolEntry* tool = core->tools.find(*name);
  if (!tool) return answer(*core, request, invalid_params(core->tools.unknown_tool(*name)));
  CallStart start;
  const auto arguments = request.params.find("arguments");
  if (arguments == request.params.end() || arguments->is_null()) {
    start.arguments = Json::object();
  } else if (arguments->is_object()) {
    start.arguments = std::move(*arguments);
  } else {
    return answer(*core, request, invalid_params("params.arguments must be an object"));
  }
  if (request.context.modern()) {
    if (auto error = read_input(*core, *tool, request, start))
      return answer(*core, request, *std::move(error));
  }
  start_wire_call(core, *tool, std::move(request), std::move(start));
}

}  // namespace

void add_tool_methods(MethodTable& table, const std::shared_ptr<ServerCore>& core) {
  using Eras = MethodTable::Eras;
  table.add(core, "tools/list", Eras::both,
            [core](const Request& request) { return list_tools(*core, request); });
  table.add("tools/call", Eras::both, [core](Request request) { call_tool(core, std::move(request)); });
  table.declare("tools", Json::object());
}

}  // namespace rexec::mcp
