#include "sandbox-client/runner_messages.h"

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

namespace rexec::sandbox {
namespace {

using runner::kMaxData;

// Longest duration that is passed on: far beyond any use, and safe to add up in any unit.
constexpr std::uint64_t kMaxMilliseconds = std::uint64_t{1} << 40;
constexpr std::uint64_t kMaxMicroseconds = std::uint64_t{1} << 50;

Error invalid_request(std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message)};
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Result<std::vector<std::string>> environment_of(const ProcessSpec& spec, const RunnerSettings& settings) {
  std::vector<std::string> entries;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto* list : {&settings.env, &spec.env}) {
    for (const auto& [name, value] : *list) {
      if (name.empty() || has_nul(name) || name.find('=') != std::string::npos)
        return invalid_request("\"" + quotable(name) + "\" cannot be the name of an environment variable");
      if (has_nul(value))
        return invalid_request("the value of the environment variable " + name + " contains a NUL byte");
      if (name.size() + 1 + value.size() > runner::kMaxStringArgument)
        return invalid_request("the environment variable " + name + " is longer than " +
                               std::to_string(runner::kMaxStringArgument) + " bytes");
      const auto [place, is_new] = places.emplace(name, entries.size());
      std::string entry = name + "=" + value;
      if (is_new) {
        entries.push_back(std::move(entry));
      } else {
        entries[place->second] = std::move(entry);
      }
    }
  }
  if (entries.size() > runner::kMaxArguments)
    return invalid_request("more than " + std::to_string(runner::kMaxArguments) + " environment variables");
  return entries;
}

Status check_arguments(const ProcessSpec& spec) {
  if (spec.command.empty() == spec.argv.empty()) return invalid_request("give either a command or argv");
  if (has_nul(spec.command)) return invalid_request("the command contains a NUL byte");
  if (spec.command.size() > runner::kMaxStringArgument)
    return invalid_request(
        "the command has " + std::to_string(spec.command.size()) + " bytes; at most " +
        std::to_string(runner::kMaxStringArgument) +
        " can be passed. Write it to a script with write_file and run that, or pass data as stdin");
  if (spec.argv.size() > runner::kMaxArguments)
    return invalid_request("more than " + std::to_string(runner::kMaxArguments) + " arguments");
  for (const std::string& argument : spec.argv) {
    if (has_nul(argument)) return invalid_request("an argument contains a NUL byte");
    if (argument.size() > runner::kMaxStringArgument)
      return invalid_request("an argument is longer than " + std::to_string(runner::kMaxStringArgument) +
                             " bytes; write the data to a file with write_file, or pass it as stdin");
  }
  return {};
}

bool fits(runner::StreamReport& stream, std::uint64_t from, std::size_t head, std::size_t tail) {
  if (stream.from != from || stream.head.size() + stream.tail.size() > head + tail) return false;
  if (from >= stream.produced) {
    stream.head_offset = stream.tail_offset = from;
    stream.newlines = stream.lost = 0;
    return stream.head.empty() && stream.tail.empty();
  }
  const std::uint64_t available = stream.produced - from;
  stream.newlines = std::min(stream.newlines, available);
  stream.lost = std::min(stream.lost, available);
  if (stream.head_offset < from || stream.head_offset > stream.produced) return false;
  if (stream.head.size() > stream.produced - stream.head_offset) return false;
  if (stream.tail_offset < stream.head_offset + stream.head.size()) return false;
  return stream.tail_offset <= stream.produced && stream.tail.size() <= stream.produced - stream.tail_offset;
}

StreamReport stream_from_wire(runner::StreamReport&& stream) {
  StreamReport result;
  result.from = stream.from;
  result.produced = stream.produced;
  result.newlines = stream.newlines;
  result.lost = stream.lost;
  result.end = stream.end;
  result.head_offset = stream.head_offset;
  result.head = std::move(stream.head);
  result.tail_offset = stream.tail_offset;
  result.tail = std::move(stream.tail);
  return result;
}

FileData data_from_wire(runner::FileData&& data, FileInfo info) {
  FileData result;
  result.info = std::move(info);
  result.offset = data.offset;
  result.data = std::move(data.data);
  result.first_line = data.first_line;
  result.lines = data.lines;
  result.total_lines = data.total_lines;
  result.cut_line_end = data.cut_line_end;
  result.probe = std::move(data.probe);
  return result;
}

}  // namespace

Duration microseconds(std::uint64_t value) {
  return std::chrono::microseconds(static_cast<std::int64_t>(std::min(value, kMaxMicroseconds)));
}

ProcessStatus status_from_wire(runner::ProcessStatus status) {
  switch (status) {
    case runner::ProcessStatus::running:
      return ProcessStatus::running;
    case runner::ProcessStatus::exited:
      return ProcessStatus::exited;
    case runner::ProcessStatus::signaled:
      return ProcessStatus::signaled;
    case runner::ProcessStatus::timed_out:
      return ProcessStatus::timed_out;
    case runner::ProcessStatus::cancelled:
      return ProcessStatus::cancelled;
  }
  return ProcessStatus::running;
}

std::uint64_t milliseconds(Duration duration) {
  if (duration <= Duration::zero()) return 0;
  const auto whole = duration / std::chrono::milliseconds(1);
  const auto rounded =
      static_cast<std::uint64_t>(whole) + (duration % std::chrono::milliseconds(1) > Duration{} ? 1 : 0);
  return std::min(rounded, kMaxMilliseconds);
}

Result<std::string> checked_path(std::string_view path, const RunnerSettings& settings) {
  if (path.empty()) return invalid_request("the path is empty");
  if (has_nul(path)) return invalid_request("the path contains a NUL byte");
  std::string resolved = resolve_path(path, settings.home, settings.cwd);
  if (resolved.size() > runner::kMaxPath)
    return invalid_request("the path has " + std::to_string(resolved.size()) + " bytes; at most " +
                           std::to_string(runner::kMaxPath) + " are possible");
  return resolved;
}

Result<runner::Start> to_wire(const ProcessSpec& spec, const RunnerSettings& settings) {
  runner::Start start;
  RETURN_IF_ERROR(check_arguments(spec));
  ASSIGN_OR_RETURN(start.env, environment_of(spec, settings));
  std::size_t size = spec.command.size();
  for (const std::string& entry : spec.argv) size += entry.size() + 1;
  for (const std::string& entry : start.env) size += entry.size() + 1;
  if (size > runner::kMaxArgumentBytes)
    return invalid_request("command, arguments and environment have " + std::to_string(size) +
                           " bytes together; at most " + std::to_string(runner::kMaxArgumentBytes) +
                           " are possible. Use files or stdin for data");
  if (spec.input && spec.input->size() > kMaxProcessInput)
    return invalid_request("the input has " + std::to_string(spec.input->size()) + " bytes; at most " +
                           std::to_string(kMaxProcessInput) +
                           " are possible. Write it to a file and redirect from that");
  if (spec.cwd.empty()) {
    start.cwd = settings.cwd;
  } else {
    ASSIGN_OR_RETURN(start.cwd, checked_path(spec.cwd, settings));
  }
  start.command = spec.command;
  start.argv = spec.argv;
  start.timeout_ms = milliseconds(spec.timeout);
  start.stdin_pipe = spec.stdin_pipe || (spec.input && !spec.input->empty());
  start.close_after_input = start.stdin_pipe && !spec.stdin_pipe;
  return start;
}

Result<runner::WaitSpec> to_wire(const WaitSpec& wait) {
  if (wait.head > kMaxData || wait.tail > kMaxData - wait.head)
    return invalid_request("more than " + std::to_string(kMaxData) +
                           " bytes of output cannot be asked for at once");
  runner::WaitSpec result;
  switch (wait.until) {
    case Until::now:
      result.until = runner::Until::none;
      break;
    case Until::output:
      result.until = runner::Until::output;
      break;
    case Until::exit:
      result.until = runner::Until::exit;
      break;
  }
  result.wait_ms = milliseconds(wait.wait);
  result.from = wait.from;
  result.wanted = wait.wanted;
  result.head = static_cast<std::uint32_t>(wait.head);
  result.tail = static_cast<std::uint32_t>(wait.tail);
  return result;
}

Result<runner::WriteFile> to_wire(const WriteSpec& spec, const RunnerSettings& settings) {
  runner::WriteFile write;
  ASSIGN_OR_RETURN(write.path, checked_path(spec.path, settings));
  if (spec.content.size() > kMaxWriteFile)
    return invalid_request("the content has " + std::to_string(spec.content.size()) + " bytes; at most " +
                           std::to_string(kMaxWriteFile) +
                           " can be written in one call. Append the rest in further calls");
  const std::string& expected = spec.expect_sha256;
  const bool is_hash =
      expected.size() == 64 && expected.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!expected.empty() && expected != "absent" && !is_hash)
    return invalid_request("expect_sha256 is neither \"absent\" nor 64 lower-case hexadecimal digits");
  write.size = spec.content.size();
  write.append = spec.append;
  write.create_parents = spec.create_parents;
  write.mode_given = spec.mode.has_value();
  write.mode = spec.mode.value_or(0) & 07777U;
  write.expect_sha256 = expected;
  return write;
}

std::optional<ProcessReport> from_wire(runner::Report&& report, const runner::WaitSpec& asked,
                                       std::optional<std::uint64_t> process) {
  if (report.process == 0 || (process && report.process != *process)) return std::nullopt;
  for (std::size_t i = 0; i < runner::kStreams; ++i) {
    const bool wanted = asked.wanted[i];
    if (!fits(report.streams[i], asked.from[i], wanted ? asked.head : 0, wanted ? asked.tail : 0))
      return std::nullopt;
  }
  ProcessReport result;
  result.process = report.process;
  result.pid = report.pid;
  result.status = status_from_wire(report.status);
  result.exit_code = report.exit_code;
  result.signal = report.signal;
  result.reason = quotable(report.reason);
  result.started_unix_ms = report.started_unix_ms;
  result.duration = microseconds(report.duration_us);
  if (result.status == ProcessStatus::running && report.deadline_ms != 0)
    result.time_left =
        std::chrono::milliseconds(static_cast<std::int64_t>(std::min(report.deadline_ms, kMaxMilliseconds)));
  if (report.usage_known) {
    result.cpu = microseconds(report.cpu_us);
    result.max_rss_bytes = report.max_rss;
  }
  result.pipes_held = report.pipes_held;
  for (std::size_t i = 0; i < runner::kStreams; ++i)
    result.streams[i] = stream_from_wire(std::move(report.streams[i]));
  return result;
}

std::optional<OutputPart> from_wire(runner::Output&& output, const runner::ReadOutput& asked) {
  if (output.data.size() > asked.max || output.offset < asked.offset) return std::nullopt;
  if (!output.data.empty() &&
      (output.offset > output.produced || output.data.size() > output.produced - output.offset))
    return std::nullopt;
  OutputPart part;
  part.offset = output.offset;
  part.produced = output.produced;
  part.newlines_before = std::min(output.newlines_before, output.offset);
  part.end = output.end;
  part.data = std::move(output.data);
  return part;
}

std::optional<ProcessEntries> from_wire(runner::ProcessList&& list) {
  ProcessEntries result;
  result.truncated = list.truncated;
  result.entries.reserve(list.entries.size());
  for (runner::ProcessEntry& entry : list.entries) {
    ProcessEntry& added = result.entries.emplace_back();
    added.process = entry.process;
    added.pid = entry.pid;
    added.ppid = entry.ppid;
    added.command = std::move(entry.command);
    added.status = status_from_wire(entry.status);
    added.started_unix_ms = entry.started_unix_ms;
    added.cpu = microseconds(entry.cpu_us);
    added.age = microseconds(entry.age_us);
    added.rss_bytes = entry.rss;
  }
  return result;
}

std::optional<FileInfo> from_wire(runner::FileInfo&& info) {
  FileInfo result;
  switch (info.type) {
    case runner::FileType::file:
      result.type = FileType::file;
      break;
    case runner::FileType::dir:
      result.type = FileType::dir;
      break;
    case runner::FileType::symlink:
      result.type = FileType::symlink;
      break;
    case runner::FileType::other:
      result.type = FileType::other;
      break;
  }
  result.size = info.size;
  result.mode = info.mode & 07777U;
  result.modified_unix_ms = info.modified_unix_ms;
  result.target = std::move(info.target);
  return result;
}

std::optional<FileData> from_wire(runner::FileData&& data, const runner::ReadFile& asked) {
  if (data.data.size() > asked.max || (!data.data.empty() && data.offset != asked.offset))
    return std::nullopt;
  auto info = from_wire(std::move(data.info));
  return data_from_wire(std::move(data), *std::move(info));
}

std::optional<FileData> from_wire(runner::FileData&& data, const runner::ReadLines& asked) {
  if (data.data.size() > asked.max_bytes || data.lines > asked.max_lines || data.lines > data.total_lines)
    return std::nullopt;
  auto info = from_wire(std::move(data.info));
  return data_from_wire(std::move(data), *std::move(info));
}

std::optional<FileWritten> from_wire(runner::FileWritten&& written) {
  FileWritten result;
  result.path = std::move(written.path);
  result.bytes = written.bytes;
  result.created = written.created;
  if (written.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  result.sha256 = std::move(written.sha256);
  return result;
}

}  // namespace rexec::sandbox
