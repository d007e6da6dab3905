#include "sandbox-client/local/mounts.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "sandbox-client/local/host_sockets.h"
#include "sandbox-client/local/protected_paths.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxPasswd = 16 << 10;
constexpr std::string_view kNotFiles[] = {"/proc", "/sys", "/dev"};

bool is_or_is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

Error refuse(const std::string& path, const std::string& why) {
  return Error{ErrorCode::failed_precondition, path + " cannot be mounted: " + why};
}

std::vector<HostMount> all_mounts(const MountOptions& options) {
  std::vector<HostMount> all;
  if (!options.workspace.empty()) all.push_back({options.workspace, kWorkspace, false});
  all.insert(all.end(), options.mounts.begin(), options.mounts.end());
  return all;
}

Result<std::string> real_path(int fd, const std::string& source) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size =
      readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target.data(), target.size());
  if (size <= 0 || static_cast<std::size_t>(size) == target.size())
    return refuse(source, "its path is longer than 4095 bytes");
  return std::string(target.data(), static_cast<std::size_t>(size));
}

std::string home_of_user() {
  std::array<char, kMaxPasswd> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return entry.pw_dir;
}

enum class Access { granted, unreachable, denied };

// Another user's rights, with groups and access control lists, are what the kernel grants a child that has
// become that user. System calls only, as other threads may hold any lock at this moment.
Access access_as(uid_t user, const char* path, int mode) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    long status = 1;
    if (syscall(SYS_setgroups, 0, nullptr) == 0 && syscall(SYS_setresgid, user, user, user) == 0 &&
        syscall(SYS_setresuid, user, user, user) == 0 &&
        syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC) >= 0)
      status = syscall(SYS_faccessat, AT_FDCWD, path, mode) == 0 ? 0 : 2;
    syscall(SYS_exit_group, status);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  int status = 0;
  while (child > 0 && waitpid(static_cast<pid_t>(child), &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 1) return Access::unreachable;
  return WEXITSTATUS(status) == 0 ? Access::granted : Access::denied;
}

Status check_access(const std::string& path, const struct stat& status, bool read_only,
                    std::optional<uid_t> user) {
  const int mode = (read_only ? R_OK : R_OK | W_OK) | (S_ISDIR(status.st_mode) ? X_OK : 0);
  if (!user) {
    if (access(path.c_str(), mode) == 0) return {};
    return refuse(path, std::string("you may not ") + (read_only ? "read" : "write") +
                            " it; change its owner or mode" + (read_only ? "" : ", or mount it read-only"));
  }
  const Access granted = access_as(*user, path.c_str(), mode);
  if (granted == Access::granted) return {};
  const std::string id = std::to_string(*user);
  const std::string who = "the server runs as root, so its sandboxes run as uid " + id + ", which ";
  std::string remedy = "run the server as the user whom it belongs to";
  if (status.st_uid != 0) remedy += ", set sandbox_uid to that user's uid " + std::to_string(status.st_uid);
  if (granted == Access::unreachable)
    return refuse(path,
                  who + "cannot reach it: " + remedy + ", or run chmod o+x on the directories above it");
  if (read_only) return refuse(path, who + "cannot read it: " + remedy + ", or run chmod -R o+rX on it");
  return refuse(
      path, who + "cannot write it: " + remedy + ", run chown -R " + id + " on it, or mount it read-only");
}

Status check_source(const HostMount& mount, const std::string& path, const struct stat& status,
                    const std::string& state) {
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
    return refuse(path, "it is neither a directory nor a regular file");
  if (mount.destination == kWorkspace && !S_ISDIR(status.st_mode))
    return refuse(path, "a workspace is a directory");
  if (path == "/") return refuse(path, "it is this machine's whole file system; name a directory in it");
  for (const std::string_view place : kNotFiles)
    if (is_or_is_below(path, place)) return refuse(path, "it is a part of the kernel's or of devices");
  std::error_code error;
  const std::string real_state = std::filesystem::weakly_canonical(state, error).string();
  if (is_or_is_below(path, real_state) || is_or_is_below(real_state, path))
    return refuse(path,
                  "the state directory " + real_state +
                      " with the files of all sandboxes would be seen there; mount another directory, or "
                      "set another state_directory");
  const std::string home = home_of_user();
  if (!mount.read_only && !home.empty() && home != "/" &&
      is_or_is_below(std::filesystem::weakly_canonical(home, error).string(), path))
    return refuse(path,
                  "it is or contains your home, and much in there is run when you log in; mount a "
                  "directory below it");
  return {};
}

Status add_protection(OpenMounts& opened, int root, const std::string& path, const HostMount& mount,
                      const std::vector<std::string>& allowed, const std::string& state) {
  ASSIGN_OR_RETURN(Placeholders placeholders, Placeholders::open(root, path, state));
  auto found = find_protection(root, allowed, placeholders, home_of_user());
  opened.placeholders.push_back(std::move(placeholders));
  if (!found) return with_context("protecting " + path, std::move(found).error());
  for (Pin& pin : found->pins) {
    opened.binds.push_back({pin.fd.get(), mount.destination + "/" + pin.path, pin.read_only});
    opened.kept.push_back(std::move(pin.fd));
  }
  if (!found->complete)
    opened.notes.push_back("git repositories deep in " + mount.destination +
                           " may be unprotected: it is too "
                           "large to look for all of them");
  if (!found->followed)
    opened.notes.push_back("settings of git in " + mount.destination +
                           " lead to places that are not known or not protected, so hooks there may be "
                           "writable");
  return {};
}

Status add_mount(OpenMounts& opened, const HostMount& mount, const MountOptions& options,
                 std::optional<uid_t> user, const std::string& state) {
  UniqueFd fd(open(mount.source.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) {
    Error error = errno_error(mount.source, errno);
    return refuse(mount.source, error.code == ErrorCode::not_found ? "it does not exist" : error.message);
  }
  ASSIGN_OR_RETURN(const std::string path, real_path(fd.get(), mount.source));
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return errno_error(path, errno);
  RETURN_IF_ERROR(check_source(mount, path, status, state));
  RETURN_IF_ERROR(check_access(path, status, mount.read_only, user));
  const int root = fd.get();
  opened.binds.push_back({root, mount.destination, mount.read_only});
  opened.kept.push_back(std::move(fd));
  opened.described.push_back(path + " at " + mount.destination +
                             (mount.read_only ? ", read-only" : ", read-write"));
  if (!S_ISDIR(status.st_mode)) return {};
  if (std::string note = socket_note(find_sockets(root), mount.destination); !note.empty())
    opened.notes.push_back(std::move(note));
  if (mount.read_only) return {};
  return add_protection(opened, root, path, mount, options.allow_write, state);
}

/// proc(5): space, tab, newline and backslash are octal escapes.
std::string unescaped(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      made += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      made += text[i];
    }
  }
  return made;
}

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

Result<HostMount> parse_mount(std::string_view text) {
  const auto wrong = [text](const char* why) {
    return Error{ErrorCode::invalid_argument, "\"" + std::string(text) + "\" " + why +
                                                  "; expected SRC:DST or SRC:DST:ro, such as "
                                                  "/home/me/data:/data:ro"};
  };
  HostMount mount;
  if (text.ends_with(":ro")) {
    mount.read_only = true;
    text.remove_suffix(3);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return wrong("names no destination");
  mount.source = text.substr(0, colon);
  mount.destination = text.substr(colon + 1);
  if (mount.source.empty() || mount.source.find('\0') != std::string::npos) return wrong("names no source");
  if (mount.destination == "rw") return wrong("has a mode that there is not; writable is the default");
  if (mount.destination.empty() || mount.destination.front() != '/')
    return wrong("has a destination that is not an absolute path");
  return mount;
}

Status check_mounts(const MountOptions& options) {
  const std::vector<HostMount> all = all_mounts(options);
  if (all.size() > kMaxMounts)
    return Error{ErrorCode::invalid_argument,
                 "there are more than " + std::to_string(kMaxMounts) + " mounts; mount a common parent"};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string& path = all[i].destination;
    if (!may_hold_mount(path))
      return Error{ErrorCode::invalid_argument,
                   "nothing can be mounted at " + path +
                       ": it is not a plain path, or would hide a part of the sandbox; take one such as "
                       "/data or /home/user/data"};
    for (std::size_t j = 0; j < i; ++j)
      if (is_or_is_below(path, all[j].destination) || is_or_is_below(all[j].destination, path))
        return Error{ErrorCode::invalid_argument, "the mounts at " + path + " and " + all[j].destination +
                                                      " overlap; take destinations apart from each other"};
  }
  return {};
}

Result<OpenMounts> open_mounts(const MountOptions& options, std::optional<uid_t> user,
                               const std::string& state) {
  RETURN_IF_ERROR(check_mounts(options));
  OpenMounts opened;
  for (const HostMount& mount : all_mounts(options))
    RETURN_IF_ERROR(add_mount(opened, mount, options, user, state));
  return opened;
}

Status verify_binds(const std::vector<Bind>& binds, std::string_view mountinfo) {
  std::map<std::string, bool> read_only;  // by mount point; the last one is on top
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    for (int skipped = 0; skipped < 4; ++skipped) next_word(line);
    const std::string point = unescaped(next_word(line));
    const std::string_view options = next_word(line);
    read_only[point] = options == "ro" || options.starts_with("ro,");
  }
  for (const Bind& bind : binds) {
    const auto found = read_only.find(bind.destination);
    if (found == read_only.end() || (bind.read_only && !found->second))
      return Error{ErrorCode::failed_precondition,
                   "the sandbox lacks the " + std::string(bind.read_only ? "read-only " : "") + "mount at " +
                       bind.destination +
                       " and was not used; something changes the directory meanwhile, or a "
                       "symbolic link is in its way"};
  }
  return {};
}

}  // namespace rexec::sandbox
