#include "sandbox-client/local/host_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/fd.h"

namespace rexec::sandbox {
namespace {

constexpr const char* kInstall =
    "install bubblewrap 0.8.0 or newer (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install "
    "bubblewrap; "
    "Arch: pacman -S bubblewrap)";
constexpr const char* kPlaces[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"};

std::optional<long> read_number(const char* path) {
  const auto text = read_whole_file(path, 64);
  long value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

bool exists(const char* path) {
  return access(path, F_OK) == 0;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

HostFacts read_host_facts(const std::string& bubblewrap) {
  HostFacts facts;
  facts.unprivileged_userns_clone = read_number("/proc/sys/kernel/unprivileged_userns_clone");
  facts.max_user_namespaces = read_number("/proc/sys/user/max_user_namespaces");
  facts.apparmor_restriction = read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  facts.container = exists("/.dockerenv") || exists("/run/.containerenv");
  struct stat status {};
  facts.bubblewrap_is_setuid = stat(bubblewrap.c_str(), &status) == 0 && (status.st_mode & S_ISUID) != 0;
  return facts;
}

std::string remedy_for(std::string_view messages, const HostFacts& facts) {
  if (has(messages, "Unknown option")) return std::string("this bubblewrap is too old: ") + kInstall;
  if (facts.bubblewrap_is_setuid)
    return "bwrap is installed setuid root, which cannot turn off nested user namespaces: run chmod u-s on "
           "it (and "
           "sysctl -w kernel.unprivileged_userns_clone=1 where that setting exists)";
  if (facts.max_user_namespaces == 0L || has(messages, "ENOSPC") || has(messages, "No space left on device"))
    return "the number of user namespaces is limited: as root run sysctl -w user.max_user_namespaces=15000 "
           "(and put "
           "it into /etc/sysctl.d to keep it)";
  if (facts.unprivileged_userns_clone == 0L)
    return "unprivileged user namespaces are turned off: as root run sysctl -w "
           "kernel.unprivileged_userns_clone=1 "
           "(and put it into /etc/sysctl.d to keep it)";
  const bool refused = has(messages, "uid map") || has(messages, "RTM_NEWADDR") ||
                       has(messages, "RTM_NEWLINK") || has(messages, "No permissions") ||
                       has(messages, "Permission denied") || has(messages, "Operation not permitted");
  if (facts.apparmor_restriction.value_or(0) != 0 && refused)
    return "AppArmor keeps unprivileged programs from using user namespaces (Ubuntu 23.10 and later). Allow "
           "it for "
           "bwrap: run printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap "
           "flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/bwrap, then sudo systemctl "
           "reload "
           "apparmor; or, for all programs, sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  if (has(messages, "mount proc"))
    return "the container that the server runs in hides parts of /proc, so the kernel refuses a new one: "
           "start it with "
           "--security-opt systempaths=unconfined (Docker, Podman)";
  if (facts.container && refused)
    return "the container that the server runs in may not make user namespaces: start it with --security-opt "
           "seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined";
  if (has(messages, "No permissions") ||
      has(messages, "Creating new namespace failed: Operation not permitted"))
    return "the kernel refuses user namespaces to this process: a chroot, a seccomp filter or a security "
           "module is in "
           "the way; start the server outside of it";
  if (has(messages, "does not support user namespaces"))
    return "the kernel has no user namespaces (CONFIG_USER_NS): use another kernel";
  if (has(messages, "pivot_root") || has(messages, "make / slave"))
    return "the root file system of this machine cannot be pivoted (an initramfs or a restricted container): "
           "run the "
           "server from an ordinary root file system";
  if (has(messages, "option --bind-fd") || has(messages, "option --ro-bind-fd"))
    return "this bubblewrap cannot mount a directory that is open (--bind-fd): install 0.10.0 or later, or "
           "your "
           "distribution's security update of 0.8.0 or 0.9.0; or leave out workspace and mount";
  if (has(messages, "find source path"))
    return "the sandboxes' user cannot reach the state directory: run chmod o+x on the directories above it, "
           "or set "
           "REXEC_STATE_DIR";
  return "run \"bwrap --unshare-all --ro-bind / / true\" as the same user to see more";
}

Error bubblewrap_failure(std::string_view messages, const HostFacts& facts) {
  std::string text = "no sandbox can be made on this machine";
  if (!messages.empty()) text += " (" + std::string(messages) + ")";
  return Error{ErrorCode::failed_precondition, text + ": " + remedy_for(messages, facts)};
}

Result<std::string> find_bubblewrap(const std::string& configured) {
  if (!configured.empty()) {
    if (access(configured.c_str(), X_OK) == 0) return configured;
    return Error{ErrorCode::failed_precondition, "bubblewrap is configured as " + configured +
                                                     ", which is not an executable file; correct the path"};
  }
  for (const char* place : kPlaces)
    if (access(place, X_OK) == 0) return std::string(place);
  return Error{ErrorCode::failed_precondition,
               std::string("bubblewrap (bwrap) is not installed: ") + kInstall};
}

std::optional<std::string> parse_bubblewrap_version(std::string_view output) {
  constexpr std::string_view kVersionPrefix = "bubblewrap ";
  if (output.substr(0, kVersionPrefix.size()) != kVersionPrefix) return std::nullopt;
  output.remove_prefix(kVersionPrefix.size());
  const std::size_t end = output.find_first_not_of("0123456789.");
  const std::string version(output.substr(0, end));
  if (version.empty()) return std::nullopt;
  return version;
}

bool is_recent_enough(std::string_view version) {
  std::array<long, 2> parts{};
  for (long& part : parts) {
    const auto [next, error] = std::from_chars(version.data(), version.data() + version.size(), part);
    if (error != std::errc()) return false;
    version.remove_prefix(static_cast<std::size_t>(next - version.data()));
    if (!version.empty()) version.remove_prefix(1);
  }
  return parts[0] > 0 || parts[1] >= 8;
}

}  // namespace rexec::sandbox
