#include "tools/instructions.h"

#include "tools/secrets.h"
#include "tools/support/durations.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kMaxShownPath = 200;

std::string shown(const std::string& path) {
  return path.size() <= kMaxShownPath ? path : path.substr(0, kMaxShownPath) + "…";
}

constexpr std::size_t kMaxSecretNames = 120;  // bytes; exec names all when it gets a wrong one

std::string secrets_text(const Secrets* secrets) {
  if (secrets == nullptr || secrets->names().empty()) return {};
  std::string names;
  for (const std::string& name : secrets->names()) {
    if (names.size() + name.size() > kMaxSecretNames) {
      names += " …";
      break;
    }
    names += (names.empty() ? "" : " ") + name;
  }
  return "\nSecrets for exec's argument secrets: " + names +
         ". Answers show [secret NAME***] for their values.";
}

std::string network_text(const Services& services) {
  if (services.defaults.network == sandbox::Network::host) return "It has the network of the host.";
  return services.sandboxes.backend().capabilities().network_host
             ? "It has no network; sandbox_create with network:\"host\" makes one that has."
             : "It has no network, and none can be had: do not try to download anything.";
}

}  // namespace

std::string instructions(const Services& services) {
  const ToolLimits& limits = services.limits;
  const SandboxDefaults& defaults = services.defaults;
  std::string text =
      "Tools of this server work in a Linux sandbox, not on the user's machine. A default sandbox is made at "
      "the "
      "first call that needs one; the argument `sandbox` is only for others (sandbox_create). ";
  text += network_text(services);
  text += " Its home is " + shown(defaults.home) + " (~)";
  text += defaults.cwd == defaults.home ? "; relative paths start there. "
                                        : "; relative paths start at " + shown(defaults.cwd) +
                                              ", a directory of the user's machine: what changes there, "
                                              "changes for the user and stays. ";
  text +=
      "Files and running processes stay from call to call, shell state (cwd, variables) does not; all is "
      "gone when "
      "the sandbox ends, as a rule with this server. What isolates it is shown by sandbox_list.\n"
      "exec runs a command and waits up to " +
      describe(limits.default_wait) + " (wait_s, at most " + describe(limits.max_wait) +
      "). A command that takes longer goes on: process_read with its process and cursor returns what "
      "follows, "
      "until:\"exit\" with wait_s waits for the end. Start servers and watchers with wait_s:0. A waiting "
      "command "
      "is killed after timeout_s (default " +
      describe(limits.default_timeout) +
      "). Programs that ask questions get end of file: use a terminal, or wait_s:0 and process_input.\n"
      "terminal_open starts a shell, REPL or editor whose state stays; terminal_send types, waits for a "
      "prompt and shows the screen. On waiting_for_secret have the user type it with rexec-mcp attach.\n"
      "Answers have at most max_chars characters of text (default " +
      std::to_string(limits.default_chars) +
      "). Longer output is cut in the middle, and the cut names the call that returns the rest; grep, "
      "head_lines "
      "and tail_lines select lines before that.\n"
      "write_file puts files in, read_file gets them out (binary: encoding \"base64\").";
  text += secrets_text(services.secrets);
  return text;
}

}  // namespace rexec::tools
