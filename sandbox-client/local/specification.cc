#include "sandbox-client/local/specification.h"

#include <algorithm>
#include <string_view>

#include "sandbox-client/local/system_view.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxVariables = 1024;
constexpr std::size_t kMaxVariableBytes = 128 << 10;  // MAX_ARG_STRLEN, execve(2)

}  // namespace

Result<Environment> environment_for(const SandboxSpec& spec) {
  if (spec.env.size() > kMaxVariables)
    return Error{ErrorCode::invalid_argument, "env has more than 1024 variables"};
  Environment environment = base_environment();
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      return Error{ErrorCode::invalid_argument, "env: a name is empty or contains '=' or NUL"};
    if (value.find('\0') != std::string::npos)
      return Error{ErrorCode::invalid_argument, "env: the value of " + name + " contains NUL"};
    if (name.size() + value.size() + 2 > kMaxVariableBytes)
      return Error{ErrorCode::invalid_argument, "env: " + name.substr(0, 64) + " is longer than 128 KiB"};
    const auto same = std::find_if(environment.begin(), environment.end(),
                                   [&name = name](const auto& variable) { return variable.first == name; });
    if (same != environment.end()) {
      same->second = value;
    } else {
      environment.emplace_back(name, value);
    }
  }
  return environment;
}

Result<SandboxLimits> limits_for(const SandboxSpec& spec, const LocalOptions& options) {
  SandboxLimits limits{{spec.memory_mb, spec.cpus}, spec.disk_mb, options.file_mb};
  const auto exceeded = [](const char* name, std::uint64_t most) {
    return Error{ErrorCode::permission_denied, std::string("the configuration of this server allows ") +
                                                   name + " up to " + std::to_string(most)};
  };
  if (options.memory_mb > 0) {
    if (limits.groups.memory_mb.value_or(0) > options.memory_mb)
      return exceeded("memory_mb", options.memory_mb);
    if (!limits.groups.memory_mb) limits.groups.memory_mb = options.memory_mb;
  }
  if (options.cpus > 0) {
    if (limits.groups.cpus.value_or(0) > static_cast<double>(options.cpus))
      return exceeded("cpus", options.cpus);
    if (!limits.groups.cpus) limits.groups.cpus = static_cast<double>(options.cpus);
  }
  if (options.disk_mb > 0) {
    if (limits.disk_mb.value_or(0) > options.disk_mb) return exceeded("disk_mb", options.disk_mb);
    if (!limits.disk_mb) limits.disk_mb = options.disk_mb;
  }
  return limits;
}

}  // namespace rexec::sandbox
