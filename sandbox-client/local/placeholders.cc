#include "sandbox-client/local/placeholders.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>

#include "base/log.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMaxList = 1 << 20;  // bytes of a lock file
constexpr int kMaxAttempts = 100;          // to lock a file that others remove
constexpr std::size_t kMaxStale = 4096;    // lock files in one go
constexpr std::string_view kOwnCommondir = ".\n";
constexpr int kDirectoryPath = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string directory_of(const std::string& state) {
  return state + "/workspaces";
}

std::string file_name(const struct stat& status) {
  return std::to_string(status.st_dev) + "-" + std::to_string(status.st_ino);
}

UniqueFd open_beneath(int root, const std::string& path) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(kDirectoryPath);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

bool is_unchanged(int parent, const char* name) {
  const UniqueFd fd(openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char content[kOwnCommondir.size() + 1];
  const ssize_t size = fd.valid() ? read(fd.get(), content, sizeof content) : -1;
  return size == 0 ||
         (size > 0 && std::string_view(content, static_cast<std::size_t>(size)) == kOwnCommondir);
}

void remove_one(int root, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const UniqueFd parent = open_beneath(root, slash == std::string::npos ? "." : path.substr(0, slash));
  struct stat status {};
  if (!parent.valid() || fstatat(parent.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if ((status.st_mode & S_ISVTX) == 0) return;
  if (S_ISDIR(status.st_mode)) {
    unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR);
  } else if (S_ISREG(status.st_mode) && is_unchanged(parent.get(), name.c_str())) {
    unlinkat(parent.get(), name.c_str(), 0);
  }
}

/// Removes what the lock file lists, and the file, when nobody uses the directory.
void clean_up(const std::string& file) {
  const UniqueFd lock(open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!lock.valid() || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return;
  auto list = read_whole_file(file, kMaxList);
  if (!list) return;
  const std::size_t end = std::min(list->find('\n'), list->size());
  const UniqueFd root(open(list->substr(0, end).c_str(), kDirectoryPath));
  struct stat status {};
  if (root.valid() && fstat(root.get(), &status) == 0 &&
      file.substr(file.rfind('/') + 1) == file_name(status)) {
    for (std::size_t at = end + 1; at < list->size();) {
      const std::size_t next = std::min(list->find('\n', at), list->size());
      remove_one(root.get(), list->substr(at, next - at));
      at = next + 1;
    }
  }
  unlink(file.c_str());
}

}  // namespace

Result<Placeholders> Placeholders::open(int root, const std::string& path, const std::string& state) {
  if (path.find('\n') != std::string::npos)
    return Error{ErrorCode::failed_precondition, "a directory whose path has a line break cannot be mounted"};
  struct stat status {};
  if (fstat(root, &status) != 0) return errno_error(path, errno);
  const std::string directory = directory_of(state);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(directory, errno);
  const std::string file = directory + "/" + file_name(status);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const UniqueFd list(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    UniqueFd lock(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!list.valid()) return errno_error(file, errno);
    if (!lock.valid()) continue;
    int locked = 0;
    do {
      locked = flock(lock.get(), LOCK_SH);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) return errno_error(file, errno);
    struct stat opened {};
    if (fstat(lock.get(), &opened) != 0 || opened.st_nlink == 0) continue;
    if (opened.st_size == 0) RETURN_IF_ERROR(write_all(list.get(), path + "\n"));
    return Placeholders(file, std::move(lock));
  }
  return Error{ErrorCode::unavailable, "the lock file " + file + " changes all the time; try again"};
}

Placeholders::~Placeholders() {
  if (!lock_.valid()) return;
  lock_.reset();
  clean_up(file_);
}

bool Placeholders::ensure(int parent, std::string_view path, const char* name, Kind kind) {
  struct stat status {};
  if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  std::string line(path);
  line += (line.empty() ? "" : "/") + std::string(name) + "\n";
  if (line.find('\n') + 1 != line.size()) return false;
  {
    const UniqueFd list(::open(file_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
    if (!list.valid() || !write_all(list.get(), line)) return false;
  }
  if (kind == Kind::directory) {
    if (mkdirat(parent, name, 0755) != 0) return errno == EEXIST;
    // A separate step, as mkdir(2) need not heed the sticky bit.
    return fchmodat(parent, name, 01755, 0) == 0;
  }
  const UniqueFd made(openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!made.valid()) return errno == EEXIST;
  if (fchmod(made.get(), 01644) != 0) return false;
  return kind == Kind::empty_file || write_all(made.get(), kOwnCommondir).ok();
}

void remove_stale_placeholders(const std::string& state, const Op& op) {
  const std::string directory = directory_of(state);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(opendir(directory.c_str()), closedir);
  if (list == nullptr) return;
  std::size_t seen = 0;
  while (const dirent* entry = readdir(list.get())) {
    if (op.stop.stop_requested() || op.deadline.passed() || ++seen > kMaxStale) return;
    if (entry->d_name[0] != '.') clean_up(directory + "/" + entry->d_name);
  }
}

}  // namespace rexec::sandbox
