#include "sandbox-client/local/protected_paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "sandbox-client/local/git_config.h"

namespace rexec::sandbox {
namespace {

namespace fs = std::filesystem;
using Kind = Placeholders::Kind;

struct Name {
  const char* name;
  std::optional<Kind> placeholder;  // made when the path does not exist
};

// Start files of shells are read from a home directory, which cannot be a writable mount; so they need no
// placeholder.
constexpr Name kTop[] = {
    {".mcp.json", Kind::directory}, {".vscode", Kind::directory},    {".idea", Kind::directory},
    {".claude", Kind::directory},   {".cursor", Kind::directory},    {".envrc", Kind::directory},
    {".bashrc", std::nullopt},      {".bash_profile", std::nullopt}, {".bash_login", std::nullopt},
    {".bash_logout", std::nullopt}, {".profile", std::nullopt},      {".zshrc", std::nullopt},
    {".zprofile", std::nullopt},    {".zshenv", std::nullopt},       {".zlogin", std::nullopt},
    {".zlogout", std::nullopt},     {".kshrc", std::nullopt},        {".inputrc", std::nullopt},
    {".gitconfig", std::nullopt},   {".config/fish", std::nullopt}};
constexpr Name kRepository[] = {{"hooks", Kind::directory},
                                {"config", Kind::empty_file},
                                {"config.worktree", Kind::empty_file},
                                {"commondir", Kind::own_commondir}};
constexpr Name kWorktree[] = {{"config.worktree", Kind::empty_file}, {"commondir", Kind::own_commondir}};

constexpr int kPathOnly = O_PATH | O_NOFOLLOW | O_CLOEXEC;
constexpr int kListed = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr std::size_t kMaxGitLink = 8192;  // bytes of a file that names a directory
constexpr std::size_t kMaxWorktrees = 64;  // that one repository names

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// The descriptor's offset is not shared: a copy of its own is read.
Directory list(int directory) {
  const int own = openat(directory, ".", kListed);
  Directory opened(own < 0 ? nullptr : fdopendir(own), closedir);
  if (opened == nullptr && own >= 0) close(own);
  return opened;
}

std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "/" + std::string(name);
}

std::optional<mode_t> type_of(int parent, const char* name) {
  struct stat status {};
  if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return status.st_mode & S_IFMT;
}

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

/// The path in a file by which git is sent elsewhere, after `prefix`; empty when it has none.
std::string linked(const fs::path& file, std::string_view prefix) {
  const auto text = read_regular_file(file.string(), kMaxGitLink);
  if (!text || !text->starts_with(prefix)) return {};
  std::string path = text->substr(prefix.size());
  while (!path.empty() && (path.back() == '\n' || path.back() == '\r')) path.pop_back();
  return path;
}

class Finder {
 public:
  Finder(int root, const std::vector<std::string>& allowed, Placeholders& placeholders,
         const std::string& home)
      : root_(root), allowed_(allowed), placeholders_(placeholders), home_(home) {}

  Result<Protection> find() {
    std::error_code error;
    root_path_ = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(root_), error).string();
    if (error) return errno_error("the directory", error.value());
    for (const Name& name : kTop) RETURN_IF_ERROR(protect_path(name));
    RETURN_IF_ERROR(search(root_, "", 0));
    return std::move(found_);
  }

 private:
  bool is_allowed(const std::string& path) const {
    return std::any_of(allowed_.begin(), allowed_.end(), [&path](const std::string& allowed) {
      return path == allowed || path.ends_with("/" + allowed);
    });
  }

  Status pin(int parent, const std::string& path, const char* name, bool read_only) {
    if (const auto [known, added] = pinned_.emplace(path, found_.pins.size()); !added) {
      if (read_only && !found_.pins[known->second].read_only) make_read_only(path);
      return {};
    }
    if (found_.pins.size() == kMaxPins)
      return Error{ErrorCode::failed_precondition,
                   "the directory has more than " + std::to_string(kMaxPins) +
                       " paths to protect; mount a part of it, or mount it read-only"};
    UniqueFd fd(openat(parent, name, kPathOnly));
    if (!fd.valid()) return errno_error(path, errno);
    // A mount of its own would be writable again.
    const bool inside = std::any_of(found_.pins.begin(), found_.pins.end(), [&path](const Pin& other) {
      return other.read_only && path.starts_with(other.path + "/");
    });
    found_.pins.push_back({path, std::move(fd), read_only || inside});
    return {};
  }

  void make_read_only(const std::string& path) {
    for (Pin& other : found_.pins)
      if (other.path == path || other.path.starts_with(path + "/")) other.read_only = true;
  }

  /// Keeps every directory of `path` where it is, and opens the last.
  Result<UniqueFd> pin_chain(const std::string& path) {
    UniqueFd directory(openat(root_, ".", kPathOnly | O_DIRECTORY));
    std::string done;
    for (const std::string& part : components(path)) {
      const std::string next = join(done, part);
      UniqueFd inner(openat(directory.get(), part.c_str(), kPathOnly | O_DIRECTORY));
      if (!inner.valid()) return errno_error(next, errno);
      RETURN_IF_ERROR(pin(directory.get(), next, part.c_str(), false));
      directory = std::move(inner);
      done = next;
    }
    return directory;
  }

  /// The parent is pinned already.
  Status protect(int parent, const std::string& path, const Name& name) {
    const std::string whole = join(path, name.name);
    if (is_allowed(whole)) return {};
    auto type = type_of(parent, name.name);
    if (!type && name.placeholder) {
      if (!placeholders_.ensure(parent, path, name.name, *name.placeholder)) {
        // Whoever cannot make it here cannot make it in the sandbox either, where nobody has more rights.
        return {};
      }
      type = type_of(parent, name.name);
    }
    if (!type) return {};
    if (*type == S_IFLNK) return cannot_protect(whole);
    return pin(parent, whole, name.name, true);
  }

  static Error cannot_protect(const std::string& path) {
    return Error{
        ErrorCode::failed_precondition,
        path +
            " is a symbolic link, which cannot be protected from being exchanged; replace it by what "
            "it leads to, allow writing it with --allow-write " +
            path + ", or mount the directory read-only"};
  }

  Status protect_path(const Name& name) {
    const std::string path = name.name;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return protect(root_, "", name);
    const std::string above = path.substr(0, slash);
    if (is_allowed(path) || type_of(root_, above.c_str()) != S_IFDIR) return {};
    if (!type_of(root_, path.c_str())) return {};
    ASSIGN_OR_RETURN(const UniqueFd parent, pin_chain(above));
    const std::string last = path.substr(slash + 1);
    return protect(parent.get(), above, {last.c_str(), name.placeholder});
  }

  Status search(int directory, const std::string& path, std::size_t depth) {
    if (type_of(directory, ".git")) RETURN_IF_ERROR(repository(directory, path));
    if (is_bare(directory)) RETURN_IF_ERROR(bare_repository(path));
    const Directory entries = list(directory);
    if (entries == nullptr || depth == kMaxSearchDepth) {
      found_.complete = false;
      return {};
    }
    while (const dirent* entry = readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (++searched_ > kMaxSearchedEntries) {
        found_.complete = false;
        return {};
      }
      if (name == "." || name == ".." || name == ".git") continue;
      if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) continue;
      const UniqueFd inner(openat(directory, name.c_str(), kPathOnly | O_DIRECTORY));
      if (inner.valid()) RETURN_IF_ERROR(search(inner.get(), join(path, name), depth + 1));
    }
    return {};
  }

  Status repository(int worktree, const std::string& path) {
    const std::string git = join(path, ".git");
    if (is_allowed(git)) return {};
    const auto type = type_of(worktree, ".git");
    if (type == S_IFLNK) return cannot_protect(git);
    if (type != S_IFDIR) {
      ASSIGN_OR_RETURN(const UniqueFd parent, pin_chain(path));
      RETURN_IF_ERROR(pin(parent.get(), git, ".git", true));
      const std::string top = on_host(path);
      const std::string target = linked(top + "/.git", "gitdir: ");
      return target.empty() ? Status() : follow(fs::path(top) / target, top);
    }
    ASSIGN_OR_RETURN(const UniqueFd directory, pin_chain(git));
    RETURN_IF_ERROR(git_directory(directory.get(), git, 0));
    return follow(on_host(git), on_host(path));
  }

  static bool is_bare(int directory) {
    const auto head = type_of(directory, "HEAD");
    return (head == S_IFREG || head == S_IFLNK) && type_of(directory, "objects") == S_IFDIR &&
           type_of(directory, "refs") == S_IFDIR;
  }

  Status bare_repository(const std::string& path) {
    if (is_allowed(path)) return {};
    ASSIGN_OR_RETURN(const UniqueFd directory, pin_chain(path));
    RETURN_IF_ERROR(git_directory(directory.get(), path, 0));
    return follow(on_host(path), {});
  }

  Status git_directory(int directory, const std::string& path, std::size_t depth) {
    for (const Name& name : kRepository) RETURN_IF_ERROR(protect(directory, path, name));
    RETURN_IF_ERROR(worktrees(directory, path));
    return submodules(directory, join(path, "modules"), "modules", depth);
  }

  Status worktrees(int git, const std::string& path) {
    const UniqueFd directory(openat(git, "worktrees", kPathOnly | O_DIRECTORY));
    if (!directory.valid()) return {};
    const Directory entries = list(directory.get());
    while (const dirent* entry = entries == nullptr ? nullptr : readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || type_of(directory.get(), name.c_str()) != S_IFDIR) continue;
      const std::string whole = join(path, "worktrees/" + name);
      ASSIGN_OR_RETURN(const UniqueFd worktree, pin_chain(whole));
      for (const Name& part : kWorktree) RETURN_IF_ERROR(protect(worktree.get(), whole, part));
    }
    return {};
  }

  /// Submodules are named by paths, so their directories may lie several levels deep.
  Status submodules(int parent, const std::string& path, const char* name, std::size_t depth) {
    const UniqueFd directory(openat(parent, name, kPathOnly | O_DIRECTORY));
    if (!directory.valid()) return {};
    if (depth == kMaxSearchDepth) {
      found_.complete = false;
      return {};
    }
    const Directory entries = list(directory.get());
    while (const dirent* entry = entries == nullptr ? nullptr : readdir(entries.get())) {
      const std::string inner = entry->d_name;
      if (inner == "." || inner == ".." || type_of(directory.get(), inner.c_str()) != S_IFDIR) continue;
      const UniqueFd fd(openat(directory.get(), inner.c_str(), kPathOnly | O_DIRECTORY));
      const std::string whole = join(path, inner);
      if (fd.valid() && type_of(fd.get(), "HEAD") == S_IFREG) {
        ASSIGN_OR_RETURN(const UniqueFd pinned, pin_chain(whole));
        RETURN_IF_ERROR(git_directory(pinned.get(), whole, depth + 1));
        RETURN_IF_ERROR(follow(on_host(whole), {}));
      } else {
        RETURN_IF_ERROR(submodules(directory.get(), whole, inner.c_str(), depth + 1));
      }
    }
    return {};
  }

  std::string on_host(const std::string& path) const {
    return path.empty() ? root_path_ : root_path_ + "/" + path;
  }

  /// Protects what the configuration of the repository at `git` leads to. Hooks run in `top`, which may be
  /// empty, in the repository (githooks(5)), or where the configuration has the files.
  Status follow(const fs::path& git, const std::string& top) {
    const std::string common = linked(git / "commondir", "");
    const fs::path shared = common.empty() ? git : git / common;
    const GitPaths paths = read_git_paths(
        {shared / "config", shared / "config.worktree", git / "config", git / "config.worktree"}, home_);
    if (!paths.complete) found_.followed = false;
    for (const std::string& file : paths.included)
      RETURN_IF_ERROR(protect_on_host(file, Kind::empty_file, {}));
    std::vector<fs::path> tops = {git};
    if (!top.empty()) tops.emplace_back(top);
    for (const std::string& worktree : paths.worktrees) {
      tops.push_back(git / worktree);
      if (shared != git) tops.push_back(shared / worktree);
    }
    if (tops.size() > kMaxWorktrees) {
      found_.followed = false;
      tops.resize(kMaxWorktrees);
    }
    for (const std::string& hooks : paths.hooks)
      for (const fs::path& from : tops)
        RETURN_IF_ERROR(protect_on_host(from / hooks, Kind::directory, {root_path_, git.string(), top}));
    return {};
  }

  /// Protects a path, if it lies in our directory, as it is written and as it leads there now. What holds one
  /// of the directories `spared` would be of no use read-only.
  Status protect_on_host(const fs::path& path, Kind kind, const std::vector<std::string>& spared) {
    std::error_code error;
    for (const fs::path& meant : {path.lexically_normal(), fs::weakly_canonical(path, error)}) {
      std::string whole = meant.string();
      while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
      if (std::any_of(spared.begin(), spared.end(), [&whole](const std::string& directory) {
            return directory == whole || directory.starts_with(whole + "/");
          })) {
        found_.followed = false;
      } else if (whole.starts_with(root_path_ + "/")) {
        RETURN_IF_ERROR(protect_below(whole.substr(root_path_.size() + 1), kind));
      }
    }
    if (error) found_.followed = false;
    return {};
  }

  /// `path` may be missing from any of its directories on; that one is then what nobody may make.
  Status protect_below(const std::string& path, Kind kind) {
    const bool covered = std::any_of(found_.pins.begin(), found_.pins.end(), [&path](const Pin& other) {
      return other.read_only && (path == other.path || path.starts_with(other.path + "/"));
    });
    if (covered || is_allowed(path)) return {};
    const std::vector<std::string> parts = components(path);
    std::string above;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const std::string next = join(above, parts[i]);
      const auto type = type_of(root_, next.c_str());
      if (type == S_IFLNK) return cannot_protect(next);
      if (type != S_IFDIR || i + 1 == parts.size()) {
        ASSIGN_OR_RETURN(const UniqueFd parent, pin_chain(above));
        return protect(parent.get(), above,
                       {parts[i].c_str(), i + 1 == parts.size() ? kind : Kind::directory});
      }
      above = next;
    }
    return {};
  }

  const int root_;
  const std::vector<std::string>& allowed_;
  Placeholders& placeholders_;
  const std::string& home_;
  std::string root_path_;
  Protection found_;
  std::map<std::string, std::size_t> pinned_;
  std::size_t searched_ = 0;
};

}  // namespace

Result<Protection> find_protection(int root, const std::vector<std::string>& allowed,
                                   Placeholders& placeholders, const std::string& home) {
  return Finder(root, allowed, placeholders, home).find();
}

}  // namespace rexec::sandbox
