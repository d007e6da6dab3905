#include "sandbox-client/local/diagnose.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <cerrno>

#include "sandbox-client/local/host_check.h"
#include "sandbox-client/local/runner_image.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxVersion = 256;

Finding passed(std::string name, std::string detail) {
  return {std::move(name), true, true, std::move(detail), {}};
}

// Messages say what is wrong, then what to do.
Finding failed(std::string name, const Error& error) {
  for (const std::string_view separator : {"): ", "; ", ": "}) {
    const std::size_t at = error.message.find(separator);
    if (at == std::string::npos) continue;
    const std::size_t end = at + separator.size();
    return {std::move(name), false, true, error.message.substr(0, end - 2), error.message.substr(end)};
  }
  return {std::move(name), false, true, error.message, {}};
}

Result<std::string> read_version(const std::string& program, Spawner& spawner, const Op& op) {
  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return errno_error("/dev/null", errno);
  ASSIGN_OR_RETURN(const UniqueFd output, make_message_file(kMaxVersion));
  SpawnRequest request;
  request.program = program;
  request.arguments = {"bwrap", "--version"};
  request.standard = {null.get(), output.get(), output.get()};
  ASSIGN_OR_RETURN(const Spawned child, spawner.spawn(request, op));
  siginfo_t info{};
  while (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.pidfd.get()), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
  const auto version = parse_bubblewrap_version(read_messages(output.get(), kMaxVersion));
  if (!version) return Error{ErrorCode::failed_precondition, program + " does not say its version"};
  return *version;
}

Finding check_bubblewrap(const std::string& path, Spawner& spawner, const Op& op) {
  const auto version = read_version(path, spawner, op);
  if (!version) return failed("bubblewrap", version.error());
  Finding finding = passed("bubblewrap", path + " " + *version);
  if (!is_recent_enough(*version)) {
    finding.ok = false;
    finding.remedy = remedy_for("Unknown option", {});
  }
  return finding;
}

Finding check_sandbox(const LaunchSpec& spec, Spawner& spawner, const Op& op) {
  constexpr const char* kName = "local sandbox";
  const auto launcher = Launcher::make(runner_image());
  if (!launcher) return failed(kName, launcher.error());
  const auto launched = (*launcher)->launch(spec, spawner, op);
  if (!launched) return failed(kName, launched.error());
  return passed(kName, launched->isolation);
}

}  // namespace

std::vector<Finding> diagnose_local(const std::string& configured_bubblewrap, std::optional<uid_t> user,
                                    const StateDirectory& state, const Op& op) {
  std::vector<Finding> findings;
  if (user)
    findings.push_back(
        passed("sandbox user", "the server runs as root; sandboxes as uid " + std::to_string(*user)));
  const auto path = find_bubblewrap(configured_bubblewrap);
  if (path) {
    Spawner spawner;
    findings.push_back(check_bubblewrap(*path, spawner, op));
    LaunchSpec spec;
    spec.bubblewrap = *path;
    spec.user = user;
    findings.push_back(check_sandbox(spec, spawner, op));
  } else {
    findings.push_back(failed("bubblewrap", path.error()));
  }
  if (const Status status = state.check(); status) {
    findings.push_back(passed("state directory", state.path()));
  } else {
    findings.push_back(failed("state directory", status.error()));
  }
  return findings;
}

}  // namespace rexec::sandbox
