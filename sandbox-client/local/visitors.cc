#include "sandbox-client/local/visitors.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/json.h"
#include "sandbox-client/local/sandbox_socket.h"

namespace rexec::sandbox {
namespace {

constexpr const char* kNewInvitationName = "visit.json.new";

Error no_invitation(std::string_view why) {
  return Error{ErrorCode::data_loss, "not an invitation: " + std::string(why)};
}

Error no_visit(const SandboxId& id) {
  return Error{ErrorCode::not_found, "the sandbox " + id + " is over, or its server keeps it to itself"};
}

Result<SandboxRecord> read_invitation(int directory) {
  const UniqueFd fd(openat(directory, kInvitationName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return errno_error("opening the sandbox's invitation", errno);
  std::string text(kMaxInvitationBytes + 1, '\0');
  const ssize_t size = pread(fd.get(), text.data(), text.size(), 0);
  if (size < 0) return errno_error("reading the sandbox's invitation", errno);
  text.resize(static_cast<std::size_t>(size));
  if (text.size() > kMaxInvitationBytes) return no_invitation("it is too large");
  return decode_invitation(text);
}

}  // namespace

std::string encode_invitation(const SandboxRecord& record) {
  const Json json = {{"format", kInvitationFormat},     {"name", record.name},
                     {"principal", record.principal},   {"home", record.settings.home},
                     {"cwd", record.settings.cwd},      {"created_unix_ms", record.created_unix_ms},
                     {"secret", record.settings.secret}};
  return dump_json_pretty(json) + "\n";
}

Result<SandboxRecord> decode_invitation(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, parse_json(text));
  const auto format = find_integer(json, "format");
  if (!format) return no_invitation("it has no format");
  if (*format != kInvitationFormat)
    return Error{ErrorCode::unsupported, "the sandbox belongs to another version of rexec-mcp"};
  SandboxRecord record;
  const std::pair<const char*, std::string*> texts[] = {{"name", &record.name},
                                                        {"principal", &record.principal},
                                                        {"home", &record.home},
                                                        {"cwd", &record.cwd},
                                                        {"secret", &record.settings.secret}};
  for (const auto& [name, member] : texts) {
    auto value = find_string(json, name);
    if (!value) return no_invitation(std::string("bad or missing: ") + name);
    *member = *std::move(value);
  }
  const auto created = find_integer(json, "created_unix_ms");
  if (!created) return no_invitation("bad or missing: created_unix_ms");
  record.created_unix_ms = *created;
  record.settings.home = record.home;
  record.settings.cwd = record.cwd;
  return record;
}

Status invite(const StateDirectory& state, const SandboxRecord& record, const Op& op) {
  const std::string text = encode_invitation(record);
  if (text.size() > kMaxInvitationBytes)
    return Error{ErrorCode::invalid_argument, "the sandbox's names are too long for an invitation"};
  ASSIGN_OR_RETURN(const OpenedDirectory opened, state.open(record.id, false, op));
  const int directory = opened.directory.get();
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd fd(openat(directory, kNewInvitationName, kFlags, 0600));
  if (!fd.valid()) return errno_error("making the sandbox's invitation", errno);
  RETURN_IF_ERROR(write_all(fd.get(), text));
  // Not forced to disk: it means nothing after the server, and so after the machine.
  if (renameat(directory, kNewInvitationName, directory, kInvitationName) != 0)
    return errno_error("writing the sandbox's invitation", errno);
  return {};
}

Result<std::vector<SandboxRecord>> invitations(const StateDirectory& state, const Op& op) {
  ASSIGN_OR_RETURN(const auto ids, state.ids());
  std::vector<SandboxRecord> records;
  for (const SandboxId& id : ids) {
    const auto opened = state.open(id, false, op);
    if (!opened) continue;
    auto record = read_invitation(opened->directory.get());
    // Whether there is a runner shows when one knocks; it minds no client that says nothing.
    if (!record || !connect_sandbox_socket(opened->directory.get(), op)) continue;
    record->id = id;
    record->status = SandboxStatus::running;
    records.push_back(*std::move(record));
  }
  return records;
}

Result<UniqueFd> visit(const StateDirectory& state, const SandboxId& id, const Op& op) {
  ASSIGN_OR_RETURN(const OpenedDirectory opened, state.open(id, false, op));
  struct stat status {};
  if (fstatat(opened.directory.get(), kInvitationName, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return no_visit(id);
  auto socket = connect_sandbox_socket(opened.directory.get(), op);
  if (!socket && socket.error().code == ErrorCode::unavailable) return no_visit(id);
  return socket;
}

}  // namespace rexec::sandbox
