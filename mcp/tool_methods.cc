#include <charconv>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "mcp/methods.h"
#include "mcp/wire_call.h"

namespace rexec::mcp {
namespace {

constexpr std::string_view kCursorPrefix = "tools:";
constexpr std::size_t kMaxInputResponses = 32;

RpcError invalid_params(std::string message) {
  return RpcError{kInvalidParams, std::move(message), nullptr};
}

std::string make_cursor(std::size_t first) {
  return base64url_encode(std::string(kCursorPrefix) + std::to_string(first));
}

/// Only what make_cursor() gives for the start of a page.
std::optional<std::size_t> read_cursor(const Json& cursor, std::size_t page, std::size_t size) {
  if (!cursor.is_string()) return std::nullopt;
  const auto text = base64url_decode(cursor.get_ref<const std::string&>());
  if (!text || !text->starts_with(kCursorPrefix)) return std::nullopt;
  std::size_t first = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data() + kCursorPrefix.size(), end, first);
  if (error != std::errc() || stop != end || first == 0 || first >= size || first % page != 0)
    return std::nullopt;
  return first;
}

RpcResult<Json> list_tools(const ServerCore& core, const Request& request) {
  const std::size_t page = core.options.tools_page;
  std::size_t first = 0;
  if (const Json* cursor = find(request.params, "cursor"); cursor && !cursor->is_null()) {
    const auto read = read_cursor(*cursor, page, core.tools.size());
    if (!read) return invalid_params("params.cursor is not one that tools/list has given");
    first = *read;
  }
  Json result{{"tools", core.tools.list(first, page, request.context.version)}};
  if (first + page < core.tools.size()) result["nextCursor"] = make_cursor(first + page);
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
