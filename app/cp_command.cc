#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "app/commands.h"
#include "app/copy_operands.h"
#include "app/copy_progress.h"
#include "app/interruption.h"
#include "app/reachable.h"
#include "sandbox-client/transfer/transfer.h"

namespace rexec::app {
namespace {

using sandbox::SandboxRecord;
using sandbox::SandboxStatus;

constexpr std::chrono::milliseconds kInputPatience{100};  // between two looks at whether to stop

Result<SandboxRecord> find_sandbox(sandbox::Backend& backend, const std::string& name, const Op& op) {
  ASSIGN_OR_RETURN(std::vector<SandboxRecord> records, reachable_sandboxes(backend, op));
  std::erase_if(records, [](const SandboxRecord& record) {
    return record.principal != kLocalPrincipal && record.problem.empty();
  });
  const std::vector<SandboxRecord> found = sandboxes_named(records, name);
  if (found.empty()) {
    std::string known;
    for (const SandboxRecord& record : records) known += (known.empty() ? "" : ", ") + record.name;
    return Error{ErrorCode::not_found, "there is no persistent sandbox \"" + name +
                                           "\", and none of a server that runs" +
                                           (known.empty() ? "" : ", only: " + known) +
                                           ". To make one: rexec-mcp sandboxes create " + name};
  }
  if (found.size() > 1) {
    std::string ids;
    for (const SandboxRecord& record : found) ids += (ids.empty() ? "" : ", ") + record.id;
    return Error{ErrorCode::failed_precondition,
                 "there are several sandboxes \"" + name + "\"; say which by its id: " + ids};
  }
  const SandboxRecord& record = found.front();
  if (!record.problem.empty())
    return Error{ErrorCode::failed_precondition, "the sandbox \"" + name + "\": " + record.problem};
  if (record.status != SandboxStatus::running)
    return Error{ErrorCode::failed_precondition,
                 "the sandbox \"" + name + "\" is " + std::string(to_string(record.status)) +
                     "; to start it: rexec-mcp call sandbox_control action=start sandbox=" + name};
  return record;
}

/// Standard input, which may be a person: waiting for it ends when `stop` fires.
sandbox::ReadSome reader(Streams& streams, std::stop_token stop) {
  if (streams.in_fd < 0) {
    return [&in = streams.in](char* bytes, std::size_t size) -> Result<std::size_t> {
      in.read(bytes, static_cast<std::streamsize>(size));
      return static_cast<std::size_t>(in.gcount());
    };
  }
  return [fd = streams.in_fd, stop = std::move(stop)](char* bytes, std::size_t size) -> Result<std::size_t> {
    for (;;) {
      if (stop.stop_requested()) return Error{ErrorCode::cancelled, "the copy was interrupted"};
      pollfd input{fd, POLLIN, 0};
      if (::poll(&input, 1, static_cast<int>(kInputPatience.count())) <= 0) continue;
      const ssize_t got = ::read(fd, bytes, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR && errno != EAGAIN) return errno_error("standard input", errno);
    }
  };
}

sandbox::WriteAll writer(Streams& streams) {
  return [&out = streams.out](const std::string& bytes) -> Status {
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (out) return {};
    return Error{ErrorCode::unavailable, "standard output takes nothing any more"};
  };
}

Status copy(Invocation& invocation, const CopyPlan& plan, CopyProgress& progress, const Op& op) {
  ASSIGN_OR_RETURN(const SandboxRecord record, find_sandbox(invocation.program.backend(), plan.sandbox, op));
  auto runner = connect_to(invocation.program, record, op);
  if (!runner)
    return with_context("connecting to the sandbox \"" + plan.sandbox + "\"", std::move(runner).error());
  const std::string path =
      sandbox::resolve_path(plan.sandbox_path, record.settings.home, record.settings.cwd);
  Streams& streams = invocation.streams;
  Status done;
  if (plan.into_sandbox) {
    done = plan.host_path.empty()
               ? sandbox::copy_in_stream(**runner, reader(streams, op.stop), path, progress, op)
               : sandbox::copy_in(**runner, plan.host_path, path, progress, op);
  } else {
    done = plan.host_path.empty() ? sandbox::copy_out_stream(**runner, path, writer(streams), progress, op)
                                  : sandbox::copy_out(**runner, path, plan.host_path, progress, op);
  }
  (*runner)->close();
  return done;
}

Json to_json(const sandbox::TransferCounts& counts) {
  return {{"files", counts.files}, {"directories", counts.directories}, {"symlinks", counts.symlinks},
          {"bytes", counts.bytes}, {"skipped", counts.skipped},         {"errors", counts.errors}};
}

}  // namespace

int run_cp(Invocation& invocation) {
  Streams& streams = invocation.streams;
  const auto plan = plan_copy(invocation.line.arguments[0], invocation.line.arguments[1]);
  if (!plan) return usage_error(streams, plan.error().message);
  const bool json = invocation.line.option("--output") == "json";
  if (json && !plan->into_sandbox && plan->host_path.empty())
    return usage_error(streams, "standard output cannot take both the file and --output json");

  const Interruption interruption;
  CopyProgress progress(streams, invocation.line.has("--quiet"), system_clock());
  const Status done = copy(invocation, *plan, progress, Op{interruption.token()});
  const bool interrupted = interruption.signal() != 0;
  const sandbox::TransferCounts& counts = progress.counts();
  if (done || counts.files + counts.directories + counts.bytes > 0) progress.finish();
  if (!done && !interrupted) print_problem(streams.err, done.error().message);
  if (interrupted) print_problem(streams.err, "the copy was interrupted");
  if (json) streams.out << dump_json_pretty(to_json(counts)) << '\n';
  invocation.program.shutdown();
  if (interrupted) return kSignalBase + interruption.signal();
  return done && counts.errors == 0 && counts.skipped == 0 ? kSuccess : kFailure;
}

}  // namespace rexec::app
