#include "sandbox-client/local/kept_sandboxes.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/log.h"
#include "base/random.h"
#include "sandbox-client/local/kept_process.h"
#include "sandbox-client/local/sandbox_socket.h"

namespace rexec::sandbox {
namespace {

constexpr auto kHalfMadeCleanUpLimit = std::chrono::seconds(5);
constexpr auto kReapLimit = std::chrono::milliseconds(200);  // from the end of pid 1 to that of bwrap

/// The sandbox is over, whether or not its files are still there.
bool is_over(const KeptRecord& kept, const KeptState& state) {
  const auto& expires = kept.record.expires_unix_ms;
  return state.lease_over || (expires && *expires <= system_clock().unix_ms());
}

Error none(const SandboxId& id) {
  return Error{ErrorCode::not_found, "there is no persistent sandbox " + id + " any more: its time was over"};
}

/// The record of a sandbox that is not over.
Result<KeptRecord> read_live(const SandboxId& id, int directory) {
  ASSIGN_OR_RETURN(KeptRecord kept, read_record(directory));
  if (is_over(kept, look_at_kept(directory))) return none(id);
  return kept;
}

SandboxRecord unreadable(const SandboxId& id, const Error& why) {
  SandboxRecord record;
  record.id = id;
  record.persistent = true;
  record.status = SandboxStatus::error;
  record.problem = why.message;
  return record;
}

}  // namespace

void KeptSandboxes::reap() {
  const MutexLock lock(mutex_);
  std::erase_if(children_, [](const auto& child) {
    return !child->alive() && child->end(Op{{}, Deadline::after(kReapLimit)}).ok();
  });
}

Status KeptSandboxes::check_name(const SandboxSpec& spec) const {
  ASSIGN_OR_RETURN(const std::vector<SandboxRecord> all, list({}));
  for (const SandboxRecord& other : all)
    if (other.principal == spec.principal && other.name == spec.name)
      return Error{ErrorCode::already_exists, "there is a persistent sandbox \"" + spec.name + "\" already"};
  return {};
}

Status KeptSandboxes::launch(int directory, const std::string& home, KeptRecord& kept, const Op& op) {
  reap();
  ASSIGN_OR_RETURN(const UniqueFd alive, claim_alive(directory));
  ASSIGN_OR_RETURN(const UniqueFd socket, make_sandbox_socket(directory));
  KeptInputs inputs;
  inputs.listen_fd = socket.get();
  inputs.alive_fd = alive.get();
  inputs.secret = kept.record.settings.secret;
  inputs.idle_s =
      static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(kept.spec.idle_expiry).count());
  inputs.expires_unix_ms = kept.spec.expires_unix_ms.value_or(0);
  ASSIGN_OR_RETURN(Launched launched, launch_(kept.spec, kept.record.id, home, inputs, op));
  kept.record.isolation = launched.isolation;
  kept.record.mounts = std::move(launched.mounts);
  kept.record.capabilities = std::move(launched.notes);
  kept.record.limits = std::move(launched.limits);
  launched.sandbox->release();
  const MutexLock lock(mutex_);
  children_.push_back(std::move(launched.sandbox));
  return {};
}

Result<SandboxRecord> KeptSandboxes::create(const SandboxSpec& spec, SandboxRecord record, const Op& op) {
  RETURN_IF_ERROR(check_name(spec));
  KeptRecord kept{spec, std::move(record)};
  kept.record.persistent = true;
  kept.record.principal = spec.principal;
  kept.record.idle_expiry = spec.idle_expiry;
  kept.record.expires_unix_ms = spec.expires_unix_ms;
  kept.record.settings.secret = random_hex(kSandboxSecretBytes);
  RETURN_IF_ERROR(encode_record(kept));  // too large a one is refused before anything is made

  ASSIGN_OR_RETURN(const auto made, state_.make(op));
  kept.record.id = made->id();
  const auto finish = [&]() -> Status {
    ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(made->id(), false, op));
    RETURN_IF_ERROR(launch(opened.directory.get(), made->home(), kept, op));
    ASSIGN_OR_RETURN(const UniqueFd names, state_.lock_all(op));
    RETURN_IF_ERROR(check_name(spec));
    return write_record(opened.directory.get(), kept);
  };
  if (Status done = finish(); !done) {
    if (const Status removed = made->remove(Op{{}, Deadline::after(kHalfMadeCleanUpLimit)}); !removed)
      log(LogLevel::warning, "local", removed.error().message);
    reap();
    return std::move(done).error();
  }
  kept.record.status = SandboxStatus::running;
  return kept.record;
}

Result<std::vector<SandboxRecord>> KeptSandboxes::list(const Op& op) const {
  std::vector<SandboxRecord> records;
  ASSIGN_OR_RETURN(const auto ids, state_.ids());
  for (const SandboxId& id : ids) {
    const auto opened = state_.open(id, false, op);
    if (!opened) continue;
    const int directory = opened->directory.get();
    auto kept = read_record(directory);
    if (!kept) {
      if (kept.error().code != ErrorCode::not_found) records.push_back(unreadable(id, kept.error()));
      continue;
    }
    const KeptState state = look_at_kept(directory);
    if (is_over(*kept, state)) continue;
    kept->record.id = id;
    kept->record.status = state.running ? SandboxStatus::running : SandboxStatus::stopped;
    kept->record.ended = state.ended;
    records.push_back(std::move(kept->record));
  }
  return records;
}

Status KeptSandboxes::start(const SandboxId& id, const Op& op) {
  ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(id, true, op));
  const int directory = opened.directory.get();
  ASSIGN_OR_RETURN(KeptRecord kept, read_live(id, directory));
  if (look_at_kept(directory).running) return {};
  RETURN_IF_ERROR(launch(directory, state_.home_of(id), kept, op));
  return write_record(directory, kept);
}

Status KeptSandboxes::stop(const SandboxId& id, const Op& op) {
  {
    ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(id, true, op));
    ASSIGN_OR_RETURN(const KeptRecord kept, read_live(id, opened.directory.get()));
    RETURN_IF_ERROR(end_kept(opened.directory.get(), op));
  }
  reap();
  return {};
}

Status KeptSandboxes::destroy(const SandboxId& id, const Op& op) {
  {
    ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(id, true, op));
    if (!has_record(opened.directory.get()))
      return Error{ErrorCode::not_found, "there is no persistent sandbox " + id};
    RETURN_IF_ERROR(state_.remove(id, op));
  }
  reap();
  return {};
}

Status KeptSandboxes::set_expiry(const SandboxId& id, std::int64_t expires_unix_ms, const Op& op) {
  ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(id, true, op));
  ASSIGN_OR_RETURN(KeptRecord kept, read_live(id, opened.directory.get()));
  kept.spec.expires_unix_ms = expires_unix_ms;
  return write_record(opened.directory.get(), kept);
}

Result<UniqueFd> KeptSandboxes::connect(const SandboxId& id, const Op& op) const {
  ASSIGN_OR_RETURN(const OpenedDirectory opened, state_.open(id, false, op));
  const int directory = opened.directory.get();
  if (const auto kept = read_live(id, directory); !kept) return kept.error();
  auto socket = connect_sandbox_socket(directory, op);
  if (socket || socket.error().code != ErrorCode::unavailable) return socket;
  const std::string why = look_at_kept(directory).ended;
  return Error{ErrorCode::failed_precondition,
               "the sandbox is stopped: its files are there, what ran in it has ended" +
                   (why.empty() ? "" : " (" + why + ")") + "; start it first"};
}

Result<std::uint64_t> KeptSandboxes::disk_usage(const SandboxId& id, const Op& op) const {
  namespace fs = std::filesystem;
  std::uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator at(state_.home_of(id), fs::directory_options::skip_permission_denied,
                                      error);
  if (error) return errno_error("reading the sandbox's files", error.value());
  for (; at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "cancelled"};
    if (op.deadline.passed()) return Error{ErrorCode::deadline_exceeded, "it has too many files"};
    struct stat status {};
    if (!error && lstat(at->path().c_str(), &status) == 0)
      bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

Result<std::vector<SandboxId>> KeptSandboxes::prune(bool dry_run, const Op& op) {
  std::vector<SandboxId> removed;
  ASSIGN_OR_RETURN(const auto ids, state_.ids());
  for (const SandboxId& id : ids) {
    const auto over = [&](int directory) {
      const auto kept = read_record(directory);
      return kept && is_over(*kept, look_at_kept(directory));
    };
    if (const auto seen = state_.open(id, false, op); !seen || !over(seen->directory.get())) continue;
    const auto opened = state_.open(id, true, op);
    if (!opened || !over(opened->directory.get())) continue;
    if (!dry_run) {
      if (const Status status = state_.remove(id, op); !status) {
        log(LogLevel::warning, "local", "persistent sandbox " + id + ": " + status.error().message);
        continue;
      }
    }
    removed.push_back(id);
  }
  reap();
  return removed;
}

}  // namespace rexec::sandbox
