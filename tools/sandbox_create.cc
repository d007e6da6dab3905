// sandbox_create: a further sandbox beside the default one.
#include <utility>

#include "tools/services.h"
#include "tools/support/arguments.h"
#include "tools/support/sandbox_record.h"

namespace rexec::tools {
namespace {

constexpr Duration kRemoveDeadline = std::chrono::seconds(10);

/// The template's values, and over them those of the call.
sandbox::CreateRequest read_request(const Arguments& arguments, const Template* chosen) {
  sandbox::CreateRequest request;
  if (chosen != nullptr) apply_template(*chosen, request);
  sandbox::SandboxSpec& spec = request.spec;
  spec.name = arguments.text("name");
  for (auto& [name, value] : arguments.string_map("env")) {
    std::erase_if(spec.env, [&name = name](const auto& variable) { return variable.first == name; });
    spec.env.emplace_back(name, value);
  }
  if (arguments.has("network"))
    spec.network = arguments.text("network") == "host" ? sandbox::Network::host : sandbox::Network::none;
  if (arguments.has("memory_mb")) spec.memory_mb = arguments.size("memory_mb", 0);
  if (arguments.has("cpus")) spec.cpus = arguments.number("cpus");
  if (arguments.has("disk_mb")) spec.disk_mb = arguments.size("disk_mb", 0);
  for (auto& [key, value] : arguments.string_map("labels")) spec.labels.emplace(key, value);
  spec.persistent = arguments.flag("persistent");
  if (const auto expires_in = arguments.seconds("expires_in_s")) request.expires_in = expires_in;
  return request;
}

void reply_created(mcp::ToolCall& call, const sandbox::SandboxRecord& record) {
  mcp::ToolResult result = mcp::ToolResult::text("[created a sandbox; name it as \"sandbox\":\"" +
                                                 record.name + "\" in other calls]\n" + record_text(record));
  result.structured = record_json(record);
  (void)call.reply(std::move(result));
}

void set_up(const Services& services, const std::shared_ptr<mcp::ToolCall>& call,
            const sandbox::SandboxRecord& record, const Template& chosen) {
  auto finish = [services, call, record](Status status) {
    if (status) return reply_created(*call, record);
    // The call may be over, and its own op with it.
    (void)services.sandboxes.control({call->principal()}, record.name, sandbox::ControlAction::remove,
                                     std::nullopt, Op{{}, Deadline::after(kRemoveDeadline)});
    Error error = std::move(status).error();
    error.message = "The sandbox was not made: " + error.message;
    (void)call->reply(mcp::to_tool_failure(error));
  };
  auto handle = services.sandboxes.acquire({call->principal()}, record.name, call->op());
  if (!handle) return finish(std::move(handle).error());
  set_up_sandbox(services, call, *std::move(handle), chosen, std::move(finish));
}

}  // namespace

mcp::ToolHandler make_sandbox_create(const Services& services) {
  return [services](const std::shared_ptr<mcp::ToolCall>& call) {
    const Arguments arguments(call->arguments());
    Violations violations;
    check_environment(arguments, "env", violations);
    const Template* chosen = nullptr;
    if (const auto name = arguments.optional_text("template")) {
      const auto found = find_template(*services.templates, *name);
      if (found) {
        chosen = *found;
      } else {
        violations.push_back({"/template", found.error().message});
      }
    }
    // A persistent sandbox is offered from the moment it is there, and must not be before it is set up.
    if (chosen != nullptr && !chosen->setup.empty() && arguments.flag("persistent")) {
      violations.push_back({"/persistent",
                            "cannot be had with a template that runs set-up commands; create it "
                            "without the template and run them with exec"});
    }
    if (!violations.empty()) return call->reject(violations);
    call->defer([services, call, chosen, request = read_request(arguments, chosen)] {
      const auto record = services.sandboxes.create({call->principal()}, request, call->op());
      if (!record) {
        (void)call->reply(mcp::to_tool_failure(record.error()));
      } else if (chosen == nullptr || chosen->setup.empty()) {
        reply_created(*call, *record);
      } else {
        set_up(services, call, *record, *chosen);
      }
    });
  };
}

}  // namespace rexec::tools
