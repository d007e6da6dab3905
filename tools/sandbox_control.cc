// sandbox_control: starts, stops, deletes and extends sandboxes.
#include <utility>

#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/sandbox_record.h"

namespace rexec::tools {
namespace {

using sandbox::ControlAction;

struct Action {
  std::string_view name;
  ControlAction action;
  std::string_view done;
};

constexpr Action kActions[] = {
    {"start", ControlAction::start, "started"},
    {"stop", ControlAction::stop, "stopped; its files are kept"},
    {"restart", ControlAction::restart, "restarted"},
    {"delete", ControlAction::remove, "deleted, with its files"},
    {"extend", ControlAction::extend, "has a new expiry"},
};

const Action& find_action(std::string_view name) {
  for (const Action& action : kActions) {
    if (action.name == name) return action;
  }
  return kActions[0];
}

mcp::ToolResult present(const sandbox::SandboxRecord& record, const Action& action) {
  const bool deleted = action.action == ControlAction::remove;
  std::string text = "[the sandbox " + record.name + " " + std::string(action.done) + "]\n";
  if (!deleted) text += record_text(record);
  mcp::ToolResult result = mcp::ToolResult::text(std::move(text));
  result.structured = deleted ? Json{{"name", record.name}, {"deleted", true}} : record_json(record);
  return result;
}

}  // namespace

mcp::ToolHandler make_sandbox_control(const Services& services) {
  return [services](const std::shared_ptr<mcp::ToolCall>& call) {
    const Arguments arguments(call->arguments());
    const Action& action = find_action(arguments.text("action"));
    const auto expires_in = arguments.seconds("expires_in_s");
    if (expires_in.has_value() != (action.action == ControlAction::extend)) {
      return call->reject(
          {{"/expires_in_s", expires_in ? "belongs to action \"extend\"; expected no such field with "
                                          "action " +
                                              in_quotes(action.name)
                                        : "is missing; action \"extend\" expects the seconds from "
                                          "now after which the sandbox ends"}});
    }
    call->defer([&sandboxes = services.sandboxes, call, &action, expires_in,
                 name = arguments.text("sandbox")] {
      const auto record = sandboxes.control({call->principal()}, name, action.action, expires_in, call->op());
      if (!record) {
        call->reply(mcp::to_tool_failure(record.error()));
        return;
      }
      call->reply(present(*record, action));
    });
  };
}

}  // namespace rexec::tools
