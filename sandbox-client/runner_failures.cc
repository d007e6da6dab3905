// What a runner's failure means to whoever asked.
#include <cerrno>

#include "base/utf8.h"
#include "sandbox-client/runner_messages.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxQuoted = 300;

std::string quote(std::string_view text) {
  return "\"" + quotable(text) + "\"";
}

}  // namespace

std::string quotable(std::string_view text) {
  std::string line(text.substr(0, kMaxQuoted));
  if (line.size() < text.size()) line.resize(line.size() - utf8_incomplete_tail(line));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  line = to_valid_utf8(line);
  if (text.size() > kMaxQuoted) line += "…";
  return line;
}

std::string resolve_path(std::string_view path, std::string_view home, std::string_view cwd) {
  const auto below = [](std::string_view folder, std::string_view rest) {
    std::string result(folder);
    if (result.empty() || result.back() != '/') result += '/';
    return result.append(rest);
  };
  if (path.empty()) return std::string(cwd);
  if (path.front() == '/') return std::string(path);
  if (path == "~") return std::string(home);
  if (path.starts_with("~/")) return below(home, path.substr(2));
  return below(cwd, path);
}

Error explain(const runner::Failure& failure, std::string_view what) {
  Error error = errno_error(what, failure.number);
  if (failure.step == "limit") error.code = ErrorCode::resource_exhausted;
  if (!failure.text.empty()) error.message = std::string(what) + ": " + quotable(failure.text);
  return error;
}

Error explain_start(const runner::Failure& failure, const runner::Start& start) {
  const std::string program = start.argv.empty() ? "the shell of the sandbox" : quote(start.argv.front());
  if (failure.step == "cwd") {
    const std::string folder = "the working directory " + quote(start.cwd);
    switch (failure.number) {
      case ENOENT:
        return {ErrorCode::invalid_argument, folder + " does not exist"};
      case ENOTDIR:
        return {ErrorCode::invalid_argument, folder + " is not a directory"};
      case EACCES:
        return {ErrorCode::permission_denied, folder + " may not be entered"};
      default:
        return errno_error(folder, failure.number);
    }
  }
  if (failure.step == "exec") {
    switch (failure.number) {
      case ENOENT:
        return {ErrorCode::invalid_argument, "there is no program " + program + " in the sandbox"};
      case EACCES:
        return {ErrorCode::permission_denied, program + " is not executable"};
      case ENOEXEC:
        return {ErrorCode::invalid_argument, program + " is not a program that can be run"};
      case E2BIG:
        return {ErrorCode::invalid_argument, "command, arguments and environment are too long together"};
      default:
        return errno_error("starting " + program, failure.number);
    }
  }
  if (failure.step == "shell")
    return {ErrorCode::failed_precondition, "the sandbox has no shell; give the program and its arguments"};
  if (failure.step == "limit") {
    return {ErrorCode::resource_exhausted, "the sandbox runs as many commands as it may (" +
                                               std::to_string(runner::kMaxRunning) +
                                               "); end some of them first"};
  }
  if (failure.number == EAGAIN || failure.number == ENOMEM)
    return {ErrorCode::resource_exhausted,
            "the sandbox cannot start another process: " + quotable(failure.text)};
  return explain(failure, "the command could not be started");
}

Error explain_process(const runner::Failure& failure, std::uint64_t process) {
  const std::string name = "p" + std::to_string(process);
  if (failure.number == ESRCH || failure.number == ENOENT)
    return {ErrorCode::not_found, "there is no process " + name +
                                      " in this sandbox; it may have ended long ago and been forgotten"};
  return explain(failure, "process " + name);
}

Error explain_file(const runner::Failure& failure, const std::string& path) {
  const std::string name = quote(path);
  if (failure.step == "limit" && failure.number == EDQUOT)
    return {ErrorCode::resource_exhausted, "the " + quotable(failure.text)};
  if (failure.step == "expect") {
    switch (failure.number) {
      case EEXIST:
        return {ErrorCode::failed_precondition, name + " exists already"};
      case ENOENT:
        return {ErrorCode::failed_precondition, name + " does not exist, but was expected to"};
      default:
        return {ErrorCode::failed_precondition,
                name + " is not what was expected; read it again before writing. " + quotable(failure.text)};
    }
  }
  if (failure.step == "parent" && failure.number == ENOENT)
    return {ErrorCode::not_found, "the directory of " + name + " does not exist"};
  switch (failure.number) {
    case ENOENT:
      return {ErrorCode::not_found, name + " does not exist"};
    case EISDIR:
      return {ErrorCode::invalid_argument, name + " is a directory"};
    case ENOTDIR:
      return {ErrorCode::invalid_argument, "a part of the path " + name + " is not a directory"};
    case EACCES:
    case EPERM:
      return {ErrorCode::permission_denied, "no permission for " + name};
    case EROFS:
      return {ErrorCode::permission_denied, name + " is on a read-only file system"};
    case ELOOP:
      return {ErrorCode::invalid_argument, name + " leads through too many symbolic links"};
    case ENAMETOOLONG:
      return {ErrorCode::invalid_argument, "the path " + name + " is too long"};
    case ENOSPC:
    case EDQUOT:
      return {ErrorCode::resource_exhausted, "there is no space left for " + name};
    default:
      return explain(failure, name);
  }
}

}  // namespace rexec::sandbox
