#include "sandbox-client/runner/program.h"

#include <cerrno>

namespace rexec::runner {
namespace {

constexpr std::size_t kMaxText = 1000;

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

}  // namespace

bool Program::check(Failure& failure) const {
  const auto refuse = [&failure](int number, const char* step, std::string text) {
    failure = {number, step, std::move(text)};
    return false;
  };
  if (!argv.empty() && argv.front().empty()) return refuse(ENOENT, "exec", "the program's name is empty");
  std::size_t total = command.size();
  const auto check_string = [&](const std::string& text) {
    total += text.size() + 1;
    return text.size() <= kMaxStringArgument;
  };
  bool fits = check_string(command);
  bool clean = !has_nul(command) && !has_nul(cwd);
  for (const auto* strings : {&argv, &env})
    for (const std::string& text : *strings) {
      fits = check_string(text) && fits;
      clean = clean && !has_nul(text);
    }
  if (!clean) return refuse(EINVAL, "start", "a NUL byte in a command, argument, variable or directory");
  if (!fits)
    return refuse(E2BIG, "limit",
                  "a single argument is longer than " + std::to_string(kMaxStringArgument) +
                      " bytes, the kernel's limit; pass it on standard input or in a file");
  if (total > kMaxArgumentBytes)
    return refuse(E2BIG, "limit", "arguments and environment are larger than 1 MiB");
  if (cwd.size() > kMaxPath) return refuse(ENAMETOOLONG, "cwd", "the working directory's path is too long");
  if (!cwd.empty() && cwd.front() != '/')
    return refuse(EINVAL, "cwd", "the working directory must be absolute");
  return true;
}

std::string Program::text() const {
  std::string text = command;
  if (text.empty())
    for (const std::string& argument : argv) {
      if (!text.empty()) text += ' ';
      text += argument.substr(0, kMaxText);
      if (text.size() > kMaxText) break;
    }
  if (text.size() > kMaxText) text.resize(kMaxText);
  return text;
}

}  // namespace rexec::runner
