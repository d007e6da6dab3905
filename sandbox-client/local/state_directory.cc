#include "sandbox-client/local/state_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "sandbox-client/local/kept_process.h"
#include "sandbox-client/local/local_backend.h"
#include "sandbox-client/local/record_file.h"
#include "sandbox-client/local/remove_tree.h"
#include "sandbox-client/local/system_view.h"

namespace rexec::sandbox {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kMaxPruned = 4096;                 // in one go
constexpr std::size_t kPruneBatch = 64;                  // whose locks are open at once
constexpr auto kRemoveLimit = std::chrono::seconds(60);  // for one left-over directory

bool is_id(std::string_view name) {
  return name.size() == 2 * kIdBytes && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Error cannot_use(const std::string& path, int error) {
  Error made = errno_error("state directory " + path, error);
  made.code = ErrorCode::failed_precondition;
  made.message += "; make it writable or set REXEC_STATE_DIR to a directory that is";
  return made;
}

// As in a container with its own user namespace, or without CAP_CHOWN and CAP_SETUID.
Error cannot_become(uid_t user) {
  return Error{
      ErrorCode::failed_precondition,
      "the server runs as root but cannot use uid " + std::to_string(user) +
          " for its sandboxes; run it as an ordinary user, or configure a sandbox uid that exists here"};
}

Status make_directories(const std::string& path, mode_t mode) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const bool last = end == std::string::npos;
    const std::string part = path.substr(0, end);
    if (!part.empty() && mkdir(part.c_str(), last ? mode : 0755) != 0 && errno != EEXIST)
      return cannot_use(part, errno);
    if (last) break;
  }
  // Also with a narrow umask or when the directory was there: bwrap has to pass through.
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return cannot_use(path, errno);
  const mode_t wanted = status.st_mode | (mode & S_IXOTH);
  if (wanted != status.st_mode && chmod(path.c_str(), wanted & 07777) != 0) return cannot_use(path, errno);
  return {};
}

Status check_passable(const std::string& path, uid_t user) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    struct stat status {};
    if (stat(part.c_str(), &status) != 0) return cannot_use(part, errno);
    if ((status.st_mode & S_IXOTH) != 0 || (status.st_uid == user && (status.st_mode & S_IXUSR) != 0))
      continue;
    return Error{ErrorCode::failed_precondition,
                 "the sandboxes' user (uid " + std::to_string(user) + ") cannot pass through " + part +
                     "; run chmod o+x on it, or set REXEC_STATE_DIR to a directory that everybody can reach"};
  }
  return {};
}

// bwrap is given paths, so nobody else may exchange what is below.
Status check_own(const std::string& path) {
  struct stat status {};
  struct stat link {};
  if (stat(path.c_str(), &status) != 0 || lstat(path.c_str(), &link) != 0)
    return errno_error("reading " + path, errno);
  const auto ours = [](uid_t user) { return user == 0 || user == geteuid(); };
  if (ours(status.st_uid) && ours(link.st_uid) && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return Error{ErrorCode::failed_precondition,
               "state directory " + path +
                   " belongs to another user or can be written by others; run chmod go-w on it, or set "
                   "REXEC_STATE_DIR to a directory of your own"};
}

bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// Sandboxes would see each other's files below a directory that all are shown.
Status check_hidden(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  if (error) return cannot_use(path, error.value());
  std::vector<std::string> shown = system_view(Network::host).read_only;
  shown.insert(shown.end(), {"/usr", "/opt"});
  for (const std::string& directory : shown) {
    const auto real_directory = std::filesystem::weakly_canonical(directory, error);
    if (error) return cannot_use(directory, error.value());
    if (is_below(real, real_directory))
      return Error{ErrorCode::failed_precondition,
                   "state directory " + path + " is below " + directory +
                       ", which all sandboxes are shown; set REXEC_STATE_DIR to a directory elsewhere"};
  }
  return {};
}

}  // namespace

// In steps: a blocking flock(2) would know neither deadline nor cancellation.
Status lock_file(int fd, const Op& op) {
  constexpr int kStepMs = 1;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_error("locking the state directory", errno);
    if (op.stop.stop_requested())
      return Error{ErrorCode::cancelled, "waiting for the state directory's lock"};
    if (op.deadline.passed())
      return Error{ErrorCode::deadline_exceeded, "another server holds the state directory's lock"};
    poll(nullptr, 0, kStepMs);
  }
  return {};
}

namespace {

// Held while a directory is made and while left-over ones are looked for, so that no directory is seen before
// it is locked.
Result<UniqueFd> lock_all_in(int sandboxes, const Op& op) {
  UniqueFd fd(openat(sandboxes, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno_error("opening the state directory's lock", errno);
  RETURN_IF_ERROR(lock_file(fd.get(), op));
  return fd;
}

struct LeftOver {
  std::string id;
  UniqueFd lock;
};

std::vector<LeftOver> find_left_over(int sandboxes, const std::set<std::string>& except) {
  std::vector<LeftOver> found;
  const int copy = openat(sandboxes, ".", kDirectory);
  DIR* list = copy < 0 ? nullptr : fdopendir(copy);
  if (list == nullptr) {
    if (copy >= 0) close(copy);
    return found;
  }
  while (const dirent* entry = readdir(list)) {
    if (found.size() == kPruneBatch) break;
    struct stat status {};
    if (!is_id(entry->d_name) || except.count(entry->d_name) != 0 ||
        fstatat(sandboxes, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode))
      continue;
    const std::string path = std::string(entry->d_name) + "/lock";
    UniqueFd fd(openat(sandboxes, path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid() && errno != ENOENT) continue;
    if (fd.valid() && flock(fd.get(), LOCK_EX | LOCK_NB) != 0) continue;
    const UniqueFd directory(openat(sandboxes, entry->d_name, kDirectory | O_NOFOLLOW));
    if (!directory.valid() || has_record(directory.get())) continue;
    found.push_back({entry->d_name, std::move(fd)});
  }
  closedir(list);
  return found;
}

// The lock goes last: until then the directory is ours.
Status remove_sandbox(int sandboxes, const std::string& id, const Op& op) {
  {
    const UniqueFd directory(openat(sandboxes, id.c_str(), kDirectory | O_NOFOLLOW));
    if (!directory.valid()) return errno == ENOENT ? Status() : errno_error("opening " + id, errno);
    RETURN_IF_ERROR(remove_record(directory.get()));
    RETURN_IF_ERROR(end_kept(directory.get(), op));
    RETURN_IF_ERROR(remove_tree(directory.get(), "home", op));
  }
  return remove_tree(sandboxes, id, op);
}

}  // namespace

std::string default_state_directory() {
  const auto absolute = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value != nullptr && value[0] == '/' ? value : "";
  };
  if (const std::string path = absolute("REXEC_STATE_DIR"); !path.empty()) return path;
  if (geteuid() == 0) return "/var/lib/rexec-mcp";
  if (const std::string path = absolute("XDG_STATE_HOME"); !path.empty()) return path + "/rexec-mcp";
  if (const std::string path = absolute("HOME"); !path.empty()) return path + "/.local/state/rexec-mcp";
  return "/var/tmp/rexec-mcp-" + std::to_string(geteuid());
}

Status SandboxDirectory::remove(const Op& op) {
  if (Status status = remove_sandbox(parent_.get(), id_, op); !status)
    return with_context("removing the sandbox's files", std::move(status).error());
  return {};
}

Result<UniqueFd> StateDirectory::open_sandboxes() const {
  RETURN_IF_ERROR(check_own(path_));
  const std::string path = path_ + "/sandboxes";
  UniqueFd fd(::open(path.c_str(), kDirectory | O_NOFOLLOW));
  if (!fd.valid()) return errno_error("opening " + path, errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return errno_error("reading " + path, errno);
  if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{
        ErrorCode::failed_precondition,
        path + " belongs to another user or can be written by others; remove it or set REXEC_STATE_DIR"};
  return fd;
}

Result<std::unique_ptr<SandboxDirectory>> StateDirectory::make(const Op& op) const {
  const mode_t mode = owner_ ? 0711 : 0700;
  RETURN_IF_ERROR(check_hidden(path_));
  RETURN_IF_ERROR(make_directories(path_, mode));
  RETURN_IF_ERROR(check_own(path_));
  const std::string sandboxes_path = path_ + "/sandboxes";
  RETURN_IF_ERROR(make_directories(sandboxes_path, mode));
  if (owner_) RETURN_IF_ERROR(check_passable(sandboxes_path, *owner_));
  ASSIGN_OR_RETURN(UniqueFd sandboxes, open_sandboxes());
  ASSIGN_OR_RETURN(const UniqueFd guard, lock_all_in(sandboxes.get(), op));

  const std::string id = random_hex(kIdBytes);
  const std::string path = sandboxes_path + "/" + id;
  if (mkdirat(sandboxes.get(), id.c_str(), mode) != 0) return cannot_use(path, errno);
  const UniqueFd directory(openat(sandboxes.get(), id.c_str(), kDirectory | O_NOFOLLOW));
  if (!directory.valid()) return cannot_use(path, errno);
  UniqueFd own(openat(directory.get(), "lock", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!own.valid()) return cannot_use(path, errno);
  RETURN_IF_ERROR(lock_file(own.get(), op));
  if (mkdirat(directory.get(), "home", 0700) != 0) return cannot_use(path, errno);
  // The process's umask may have taken bits that bwrap needs to pass through.
  if (fchmod(directory.get(), mode) != 0) return cannot_use(path, errno);
  if (owner_ && fchownat(directory.get(), "home", *owner_, *owner_, AT_SYMLINK_NOFOLLOW) != 0) {
    const int error = errno;
    unlinkat(directory.get(), "home", AT_REMOVEDIR);
    unlinkat(directory.get(), "lock", 0);
    unlinkat(sandboxes.get(), id.c_str(), AT_REMOVEDIR);
    if (error == EINVAL || error == EPERM) return cannot_become(*owner_);
    return cannot_use(path, error);
  }
  return std::make_unique<SandboxDirectory>(id, path + "/home", std::move(sandboxes), std::move(own));
}

Result<std::vector<std::string>> StateDirectory::prune(const Op& op, bool dry_run) const {
  auto sandboxes = open_sandboxes();
  if (!sandboxes) {
    if (sandboxes.error().code == ErrorCode::not_found) return std::vector<std::string>();
    return sandboxes.error();
  }
  std::vector<std::string> removed;
  std::set<std::string> kept;  // not removed
  while (removed.size() + kept.size() < kMaxPruned) {
    std::vector<LeftOver> left;
    {
      ASSIGN_OR_RETURN(const UniqueFd guard, lock_all_in(sandboxes->get(), op));
      left = find_left_over(sandboxes->get(), kept);
    }
    if (left.empty()) break;
    for (const LeftOver& entry : left) {
      if (op.stop.stop_requested() || op.deadline.passed()) return removed;
      if (dry_run) {
        removed.push_back(entry.id);
        kept.insert(entry.id);
        continue;
      }
      const Op bounded{op.stop, op.deadline.sooner(Deadline::after(kRemoveLimit))};
      if (const Status status = remove_sandbox(sandboxes->get(), entry.id, bounded); status) {
        removed.push_back(entry.id);
      } else {
        log(LogLevel::warning, "local", "left-over sandbox " + entry.id + ": " + status.error().message);
        kept.insert(entry.id);
      }
    }
  }
  return removed;
}

Result<std::vector<std::string>> StateDirectory::ids() const {
  std::vector<std::string> ids;
  auto sandboxes = open_sandboxes();
  if (!sandboxes) {
    if (sandboxes.error().code == ErrorCode::not_found) return ids;
    return sandboxes.error();
  }
  DIR* list = fdopendir(sandboxes->get());
  if (list == nullptr) return errno_error("reading the state directory", errno);
  (void)sandboxes->release();
  while (const dirent* entry = readdir(list)) {
    if (ids.size() == kMaxListed) break;
    if (is_id(entry->d_name)) ids.emplace_back(entry->d_name);
  }
  closedir(list);
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<OpenedDirectory> StateDirectory::open(const std::string& id, bool locked, const Op& op) const {
  const auto none = [&id] { return Error{ErrorCode::not_found, "there is no local sandbox " + id}; };
  if (!is_id(id)) return none();
  auto sandboxes = open_sandboxes();
  if (!sandboxes) return sandboxes.error().code == ErrorCode::not_found ? none() : sandboxes.error();
  OpenedDirectory opened;
  opened.directory.reset(openat(sandboxes->get(), id.c_str(), kDirectory | O_NOFOLLOW));
  if (!opened.directory.valid()) return errno == ENOENT ? none() : errno_error("opening " + id, errno);
  if (!locked) return opened;
  opened.lock.reset(openat(opened.directory.get(), "lock", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!opened.lock.valid()) return errno == ENOENT ? none() : errno_error("opening the lock of " + id, errno);
  RETURN_IF_ERROR(lock_file(opened.lock.get(), op));
  struct stat status {};
  if (fstat(opened.lock.get(), &status) != 0 || status.st_nlink == 0) return none();
  return opened;
}

Result<UniqueFd> StateDirectory::lock_all(const Op& op) const {
  ASSIGN_OR_RETURN(const UniqueFd sandboxes, open_sandboxes());
  return lock_all_in(sandboxes.get(), op);
}

Status StateDirectory::remove(const std::string& id, const Op& op) const {
  ASSIGN_OR_RETURN(const UniqueFd sandboxes, open_sandboxes());
  if (Status status = remove_sandbox(sandboxes.get(), id, op); !status)
    return with_context("removing the sandbox's files", std::move(status).error());
  return {};
}

Status StateDirectory::check() const {
  RETURN_IF_ERROR(check_hidden(path_));
  std::string path = path_;
  while (true) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) {
      if (!S_ISDIR(status.st_mode)) return cannot_use(path, ENOTDIR);
      if (access(path.c_str(), W_OK | X_OK) != 0) return cannot_use(path, errno);
      return path == path_ ? check_own(path) : Status();
    }
    if (errno != ENOENT) return cannot_use(path, errno);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return cannot_use(path_, ENOENT);
    path.resize(std::max<std::size_t>(slash, 1));
  }
}

}  // namespace rexec::sandbox
