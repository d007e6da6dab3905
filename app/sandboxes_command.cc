#include <algorithm>
#include <charconv>
#include <cmath>

#include "app/commands.h"
#include "app/interruption.h"
#include "app/size_text.h"
#include "app/text_table.h"
#include "sandbox-client/sandbox_table.h"
#include "tools/support/durations.h"
#include "tools/support/sandbox_record.h"

namespace rexec::app {
namespace {

using sandbox::SandboxRecord;

constexpr std::chrono::seconds kMeasureLimit{10};  // for the disk use of one sandbox

int failed(Streams& streams, const Error& error) {
  streams.err << "rexec-mcp: " << error.message << '\n';
  return kFailure;
}

Result<std::vector<SandboxRecord>> persistent_ones(sandbox::Backend& backend, const Op& op) {
  ASSIGN_OR_RETURN(std::vector<SandboxRecord> records, backend.list(op));
  std::erase_if(records, [](const SandboxRecord& record) { return !record.persistent; });
  std::ranges::sort(records, {}, &SandboxRecord::name);
  return records;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all.empty() ? "-" : all;
}

int list(Invocation& invocation, const Op& op) {
  Streams& streams = invocation.streams;
  sandbox::Backend& backend = invocation.program.backend();
  const auto records = persistent_ones(backend, op);
  if (!records) return failed(streams, records.error());
  const auto usage = [&](const SandboxRecord& record) {
    return backend.disk_usage(record.id, Op{op.stop, Deadline::after(kMeasureLimit)});
  };
  if (invocation.line.option("--output") == "json") {
    Json all = Json::array();
    for (const SandboxRecord& record : *records) {
      Json json = tools::record_json(record);
      if (const auto bytes = usage(record)) json["disk_bytes"] = *bytes;
      if (!record.problem.empty()) json["problem"] = record.problem;
      all.push_back(std::move(json));
    }
    streams.out << dump_json_pretty({{"sandboxes", std::move(all)}}) << '\n';
    return kSuccess;
  }
  if (records->empty()) {
    streams.out << "There is no persistent sandbox.\n";
    return kSuccess;
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "STATUS", "CREATED", "EXPIRES", "DISK", "NETWORK", "MOUNTS"}};
  for (const SandboxRecord& record : *records) {
    if (!record.problem.empty()) {
      rows.push_back({record.id, std::string(to_string(record.status)), record.problem});
      continue;
    }
    const auto bytes = usage(record);
    rows.push_back(
        {record.name, std::string(to_string(record.status)), tools::iso_time(record.created_unix_ms),
         record.expires_unix_ms ? tools::iso_time(*record.expires_unix_ms) : "-",
         bytes ? size_text(*bytes) : "-", std::string(to_string(record.network)), joined(record.mounts)});
  }
  print_table(streams.out, rows);
  return kSuccess;
}

int create(Invocation& invocation, const std::string& name, const Op& op) {
  Streams& streams = invocation.streams;
  const Config& config = invocation.config->config;
  if (const Status valid = sandbox::check_sandbox_name(name); !valid)
    return usage_error(streams, valid.error().message);
  sandbox::SandboxSpec spec;
  spec.name = name;
  spec.persistent = true;
  spec.principal = kLocalPrincipal;
  spec.network = config.network;
  spec.idle_expiry = config.sandboxes.persistent_idle_expiry;
  if (const std::string text = invocation.line.option("--expires-in-s"); !text.empty()) {
    const double most = std::chrono::duration<double>(config.sandboxes.max_lifetime).count();
    double seconds = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
        !(seconds > 0 && seconds <= most))
      return usage_error(streams, "--expires-in-s is a number of seconds, more than 0 and at most " +
                                      std::to_string(std::llround(most)));
    spec.expires_unix_ms = system_clock().unix_ms() + std::llround(seconds * 1000);
  }
  const auto record = invocation.program.backend().create(
      spec, Op{op.stop, Deadline::after(config.sandboxes.create_deadline)});
  if (!record) return failed(streams, record.error());
  if (invocation.line.option("--output") == "json") {
    streams.out << dump_json_pretty(tools::record_json(*record)) << '\n';
  } else {
    streams.out << tools::record_text(*record);
  }
  return kSuccess;
}

int remove(Invocation& invocation, const Op& op) {
  Streams& streams = invocation.streams;
  sandbox::Backend& backend = invocation.program.backend();
  const auto records = persistent_ones(backend, op);
  if (!records) return failed(streams, records.error());
  int status = kSuccess;
  for (auto name = invocation.line.arguments.begin() + 1; name != invocation.line.arguments.end(); ++name) {
    const auto found = std::ranges::find_if(*records, [&](const SandboxRecord& record) {
      return record.id == *name || (record.name == *name && record.principal == kLocalPrincipal);
    });
    Status done;
    if (found == records->end()) {
      done = Error{ErrorCode::not_found, "there is no persistent sandbox \"" + *name + "\""};
    } else {
      done = backend.destroy(found->id, op);
    }
    if (done) {
      streams.out << "deleted " << *name << '\n';
    } else {
      status = failed(streams, done.error());
    }
  }
  return status;
}

int prune(Invocation& invocation, const Op& op) {
  const bool dry_run = invocation.line.has("--dry-run");
  const auto removed = invocation.program.backend().prune(dry_run, op);
  if (!removed) return failed(invocation.streams, removed.error());
  if (invocation.line.option("--output") == "json") {
    invocation.streams.out << dump_json_pretty({{"removed", *removed}, {"dry_run", dry_run}}) << '\n';
    return kSuccess;
  }
  for (const std::string& id : *removed)
    invocation.streams.out << (dry_run ? "would remove " : "removed ") << id << '\n';
  if (removed->empty()) invocation.streams.out << "Nothing is left over.\n";
  return kSuccess;
}

}  // namespace

int run_sandboxes(Invocation& invocation) {
  const std::vector<std::string>& words = invocation.line.arguments;
  const std::string verb = words.empty() ? "list" : words.front();
  const auto misplaced = [&](std::string_view option, std::string_view belongs_to) {
    return invocation.line.has(option) && verb != belongs_to;
  };
  if (misplaced("--expires-in-s", "create"))
    return usage_error(invocation.streams, "--expires-in-s is for sandboxes create");
  if (misplaced("--dry-run", "prune"))
    return usage_error(invocation.streams, "--dry-run is for sandboxes prune");
  const Interruption interruption;
  const Op op{interruption.token(), Deadline::infinite()};
  if (verb == "list" && words.size() <= 1) return list(invocation, op);
  if (verb == "create" && words.size() == 2) return create(invocation, words[1], op);
  if (verb == "delete" && words.size() >= 2) return remove(invocation, op);
  if (verb == "prune" && words.size() == 1) return prune(invocation, op);
  return usage_error(invocation.streams,
                     "usage: rexec-mcp sandboxes [list | create NAME | delete NAME ... | prune]");
}

}  // namespace rexec::app
