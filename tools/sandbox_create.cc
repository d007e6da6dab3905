// sandbox_create: a further sandbox beside the default one.
#include <utility>

#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/sandbox_record.h"

namespace rexec::tools {

mcp::ToolHandler make_sandbox_create(const Services& services) {
  return [services](const std::shared_ptr<mcp::ToolCall>& call) {
    const Arguments arguments(call->arguments());
    Violations violations;
    check_environment(arguments, "env", violations);
    if (!violations.empty()) return call->reject(violations);
    sandbox::CreateRequest request;
    request.spec.name = arguments.text("name");
    request.spec.env = arguments.string_map("env");
    if (arguments.text("network") == "host") request.spec.network = sandbox::Network::host;
    for (auto& [key, value] : arguments.string_map("labels")) request.spec.labels.emplace(key, value);
    request.spec.persistent = arguments.flag("persistent");
    request.expires_in = arguments.seconds("expires_in_s");
    call->defer([&sandboxes = services.sandboxes, call, request = std::move(request)] {
      const auto record = sandboxes.create({call->principal()}, request, call->op());
      if (!record) {
        call->reply(mcp::to_tool_failure(record.error()));
        return;
      }
      mcp::ToolResult result =
          mcp::ToolResult::text("[created a sandbox; name it as \"sandbox\":\"" + record->name +
                                "\" in other calls]\n" + record_text(*record));
      result.structured = record_json(*record);
      call->reply(std::move(result));
    });
  };
}

}  // namespace rexec::tools
