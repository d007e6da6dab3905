// What tools are built from. A tool is one source, tools/<name>.cc, that defines
//
//   mcp::ToolHandler make_<name>(const Services& services);
//
// and one schema, schemas/tools/<name>.json. CMake finds the pairs, fails when a half is missing, and makes
// the sorted table that make_tools() returns. Tools see sandboxes only through the interfaces of
// sandbox-client.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "mcp/tool.h"
#include "sandbox-client/manager.h"
#include "tools/support/templates.h"

namespace rexec::tools {

/// Budgets and defaults of the tools; all of them come from the configuration.
struct ToolLimits {
  Duration default_wait = std::chrono::seconds(45);  // exec's wait_s
  Duration max_wait = std::chrono::seconds(300);
  Duration default_timeout = std::chrono::seconds(600);  // exec's timeout_s for a call that waits
  Duration max_timeout = std::chrono::seconds(86400);
  std::size_t default_chars = 30000;  // max_chars
  std::size_t max_chars = 400000;
  std::size_t read_cap = 1 << 20;  // bytes of one read_file
  std::size_t image_cap = 1 << 20;
  Duration progress_interval = std::chrono::seconds(5);
};

/// What a default sandbox is like, for texts that come before there is one.
struct SandboxDefaults {
  sandbox::Network network = sandbox::Network::none;
  std::string home = "/home/user";  // as in sandbox::RunnerSettings
  std::string cwd = "/home/user";
};

/// From the configuration; see tools/support/terminal_recording.h.
struct RecordingOptions {
  std::string directory;  // empty: nothing can be recorded
  bool always = false;    // also terminals that are not opened with `record`
  bool input = false;     // also what the tools type
};

class Secrets;
class TerminalViews;

std::shared_ptr<TerminalViews> make_terminal_views();

/// With secrets, `sandboxes` is a manager that masks them (tools/support/masking_manager.h).
struct Services {
  sandbox::SandboxManager& sandboxes;  // outlives the tools
  ToolLimits limits;
  SandboxDefaults defaults{};
  Secrets* secrets = nullptr;  // outlives the tools; null: none is configured
  std::shared_ptr<const std::vector<Template>> templates = std::make_shared<const std::vector<Template>>();
  std::shared_ptr<TerminalViews> terminals = make_terminal_views();
  RecordingOptions recording{};
};

/// Every tool of this build, sorted by name.
std::vector<mcp::Tool> make_tools(const Services& services);

}  // namespace rexec::tools
