// Named settings for new sandboxes, which a person wrote into the configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "mcp/tool.h"
#include "sandbox-client/manager.h"

namespace rexec::tools {

struct Services;

struct Template {
  std::string name;
  std::string description;
  std::vector<std::pair<std::string, std::string>> env;
  std::optional<sandbox::Network> network;
  std::optional<std::uint64_t> memory_mb;
  std::optional<double> cpus;
  std::optional<std::uint64_t> disk_mb;
  std::string cwd;                                     // absolute; empty: the backend's
  std::vector<std::string> setup;                      // shell commands, run in the home one after the other
  Duration setup_timeout = std::chrono::seconds(600);  // of all of them together
  std::optional<Duration> expires_in;
};

/// The template of this name; not_found says which there are.
Result<const Template*> find_template(const std::vector<Template>& templates, const std::string& name);

/// Gives `request` what the template says. What the caller says is set afterwards.
void apply_template(const Template& chosen, sandbox::CreateRequest& request);

/// Runs the template's commands in a sandbox that has just been made, with progress, and calls `done` on a
/// worker. The error of a command that fails has the end of its output. Cancelling the call kills the
/// command.
void set_up_sandbox(const Services& services, std::shared_ptr<mcp::ToolCall> call,
                    sandbox::SandboxHandle handle, const Template& chosen, std::function<void(Status)> done);

}  // namespace rexec::tools
