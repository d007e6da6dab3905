// The part of runner_messages.h about make_entry and write_range.
#include <cerrno>
#include <utility>

#include "sandbox-client/runner_messages.h"

namespace rexec::sandbox {
namespace {

constexpr unsigned kPermissions = 0777;

Error invalid_transfer(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

}  // namespace

Result<runner::MakeEntry> to_wire(const EntrySpec& spec, const RunnerSettings& settings) {
  runner::MakeEntry entry;
  ASSIGN_OR_RETURN(entry.path, checked_path(spec.path, settings));
  switch (spec.type) {
    case FileType::dir:
      entry.type = runner::FileType::dir;
      break;
    case FileType::symlink:
      entry.type = runner::FileType::symlink;
      break;
    case FileType::file:
    case FileType::other:
      return invalid_transfer("only directories and symbolic links are made as such");
  }
  if ((spec.type == FileType::symlink) == spec.target.empty() || spec.target.size() > runner::kMaxPath ||
      spec.target.find('\0') != std::string::npos)
    return invalid_transfer("a symbolic link has a target of 1 to " + std::to_string(runner::kMaxPath) +
                            " bytes, and a directory has none");
  entry.target = spec.target;
  entry.attributes = spec.attributes;
  entry.mode = spec.mode & kPermissions;
  entry.modified_unix_ns = spec.modified_unix_ns;
  return entry;
}

Result<runner::WriteRange> to_wire(RangeSpec&& spec, const RunnerSettings& settings) {
  constexpr std::uint64_t kLargest = INT64_MAX;
  runner::WriteRange range;
  ASSIGN_OR_RETURN(range.path, checked_path(spec.path, settings));
  if (spec.data.size() > runner::kMaxData)
    return invalid_transfer("at most " + std::to_string(runner::kMaxData) + " bytes are written at once");
  if (spec.offset > kLargest - runner::kMaxData || (spec.finish && spec.finish->size > kLargest))
    return invalid_transfer("no file is as large as that");
  range.follow = spec.follow;
  range.offset = spec.offset;
  range.data = std::move(spec.data);
  range.begin = spec.begin;
  if (!spec.finish) return range;
  range.finish = true;
  range.size = spec.finish->size;
  range.mode_given = spec.finish->mode.has_value();
  range.mode = spec.finish->mode.value_or(0) & kPermissions;
  range.modified_given = spec.finish->modified_unix_ns.has_value();
  range.modified_unix_ns = spec.finish->modified_unix_ns.value_or(0);
  return range;
}

Error explain_transfer(const runner::Failure& failure, const std::string& path) {
  if (failure.number == ENOSYS && failure.step == "request")
    return {ErrorCode::unsupported,
            "the sandbox was started by an older version, whose runner cannot take copies; make a new one"};
  if (failure.step == "type") return {ErrorCode::failed_precondition, quotable(failure.text)};
  runner::Failure found = failure;
  if (failure.step == "open" || failure.step == "make") found.step = "parent";  // itself it need not be there
  return explain_file(found, path);
}

}  // namespace rexec::sandbox
