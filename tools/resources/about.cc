#include "tools/resources/about.h"

#include "tools/instructions.h"
#include "tools/support/durations.h"
#include "tools/support/sandbox_record.h"

namespace rexec::tools {
namespace {

std::string bytes(std::size_t count) {
  return std::to_string(count) + " bytes";
}

}  // namespace

std::string about_text(const Services& services, const std::vector<sandbox::SandboxRecord>& records) {
  const ToolLimits& limits = services.limits;
  std::string text = "# Sandboxes of this server\n\n" + instructions(services) + "\n\n## Limits\n\n";
  text += "- a call waits " + describe(limits.default_wait) + ", at most " + describe(limits.max_wait) + "\n";
  text += "- a command that is waited for is killed after " + describe(limits.default_timeout) +
          ", at most after " + describe(limits.max_timeout) + "\n";
  text += "- an answer has " + std::to_string(limits.default_chars) + " characters, at most " +
          std::to_string(limits.max_chars) + "\n";
  text += "- a file is read up to " + bytes(limits.read_cap) + " at once, an image is shown up to " +
          bytes(limits.image_cap) + "\n\n## Your sandboxes\n\n";
  if (records.empty()) return text + "None yet. The first call of a tool that works in one makes it.\n";
  text += "```\n";
  for (const sandbox::SandboxRecord& record : records) text += record_text(record);
  return text + "```\n";
}

}  // namespace rexec::tools
