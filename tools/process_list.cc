// process_list: what runs in a sandbox, and what ended there lately.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/utf8.h"
#include "tools/services.h"
#include "tools/support/durations.h"
#include "tools/support/process_result.h"
#include "tools/support/sandbox_use.h"

namespace rexec::tools {
namespace {

constexpr std::size_t kMaxEntries = 200;       // in one answer
constexpr std::size_t kMaxCommandChars = 300;  // of one entry

double cpu_percent(const sandbox::ProcessEntry& entry) {
  if (entry.age <= Duration{}) return 0;
  const double share = static_cast<double>(entry.cpu.count()) / static_cast<double>(entry.age.count());
  return std::round(share * 1000) / 10;
}

std::string command_line(const std::string& command) {
  std::string line = to_valid_utf8(command);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c >= '\0' && c < ' '; }, ' ');
  const std::string_view shown = utf8_prefix(line, kMaxCommandChars);
  return std::string(shown) + (shown.size() < line.size() ? "…" : "");
}

Json entry_json(const sandbox::ProcessEntry& entry) {
  Json json = {{"pid", entry.pid},
               {"ppid", entry.ppid},
               {"command", command_line(entry.command)},
               {"status", std::string(to_string(entry.status))},
               {"started_at", iso_time(entry.started_unix_ms)},
               {"cpu_percent", cpu_percent(entry)}};
  if (entry.process != 0) json["process"] = process_name(entry.process);
  if (entry.status == sandbox::ProcessStatus::running) json["rss_bytes"] = entry.rss_bytes;
  return json;
}

std::string entry_text(const sandbox::ProcessEntry& entry) {
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "pid %d (parent %d) · %.1f %% cpu", entry.pid, entry.ppid,
                cpu_percent(entry));
  std::string text = entry.process != 0 ? process_name(entry.process) : "-";
  text += " · " + std::string(to_string(entry.status)) + " · " + numbers;
  if (entry.status == sandbox::ProcessStatus::running) {
    std::snprintf(numbers, sizeof numbers, " · %.1f MB", static_cast<double>(entry.rss_bytes) / 1e6);
    text += numbers;
  }
  return text + " · " + iso_time(entry.started_unix_ms) + " · " + command_line(entry.command);
}

mcp::ToolResult present(const sandbox::SandboxHandle& handle, sandbox::ProcessEntries found) {
  std::vector<sandbox::ProcessEntry>& entries = found.entries;
  // What runs is what a caller looks for, and then what ended last.
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    const bool a_runs = a.status == sandbox::ProcessStatus::running;
    const bool b_runs = b.status == sandbox::ProcessStatus::running;
    if (a_runs != b_runs) return a_runs;
    return a.started_unix_ms != b.started_unix_ms ? a.started_unix_ms > b.started_unix_ms : a.pid > b.pid;
  });
  const bool truncated = found.truncated || entries.size() > kMaxEntries;
  entries.resize(std::min(entries.size(), kMaxEntries));
  Json processes = Json::array();
  std::string text;
  for (const sandbox::ProcessEntry& entry : entries) {
    processes.push_back(entry_json(entry));
    text += entry_text(entry) + "\n";
  }
  if (truncated) text += "[the list is cut: there are older processes]\n";
  text += "[" + std::to_string(processes.size()) + (processes.size() == 1 ? " process" : " processes") +
          " in the sandbox " + handle.record.name + "]";
  mcp::ToolResult result = mcp::ToolResult::text(std::move(text));
  result.structured = Json{{"sandbox", handle.record.name}, {"processes", std::move(processes)}};
  if (truncated) (*result.structured)["truncated"] = true;
  return result;
}

}  // namespace

mcp::ToolHandler make_process_list(const Services& services) {
  return mcp::prompt_handler([services](const std::shared_ptr<mcp::ToolCall>& call) {
    const bool all = Arguments(call->arguments()).flag("all");
    use_sandbox(services, call, [call, all](const sandbox::SandboxHandle& handle) {
      handle.runner->list(all, call->op(), [call, handle](Result<sandbox::ProcessEntries> found) {
        if (!found) return reply_from(handle, *call, runner_failure(handle, found.error()));
        call->defer([call, handle, found = std::make_shared<sandbox::ProcessEntries>(std::move(*found))] {
          reply_from(handle, *call, present(handle, std::move(*found)));
        });
      });
    });
  });
}

}  // namespace rexec::tools
