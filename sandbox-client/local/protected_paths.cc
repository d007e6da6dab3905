#include "sandbox-client/local/protected_paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace rexec::sandbox {
namespace {

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
constexpr off_t kMaxGitConfig = 1 << 20;

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

std::string read_file(int parent, const char* name) {
  const UniqueFd fd(openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size > kMaxGitConfig)
    return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

class Finder {
 public:
  Finder(int root, const std::vector<std::string>& allowed, Placeholders& placeholders)
      : root_(root), allowed_(allowed), placeholders_(placeholders) {}

  Result<Protection> find() {
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
    if (!pinned_.insert(path).second) return {};
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
      return pin(parent.get(), git, ".git", true);
    }
    ASSIGN_OR_RETURN(const UniqueFd directory, pin_chain(git));
    RETURN_IF_ERROR(git_directory(directory.get(), git, 0));
    return hooks(worktree, path, hooks_path(read_file(directory.get(), "config")));
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
      } else {
        RETURN_IF_ERROR(submodules(directory.get(), whole, inner.c_str(), depth + 1));
      }
    }
    return {};
  }

  Status hooks(int worktree, const std::string& path, const std::string& configured) {
    const std::vector<std::string> parts = components(configured);
    if (configured.empty() || configured.front() == '/' || configured.front() == '~' || parts.empty() ||
        std::find(parts.begin(), parts.end(), "..") != parts.end())
      return {};
    std::string inner;
    for (const std::string& part : parts) {
      inner = join(inner, part);
      const auto type = type_of(worktree, inner.c_str());
      if (type == S_IFLNK) return cannot_protect(join(path, inner));
      if (type != S_IFDIR) return {};
    }
    const std::size_t slash = inner.rfind('/');
    const std::string above = slash == std::string::npos ? path : join(path, inner.substr(0, slash));
    ASSIGN_OR_RETURN(const UniqueFd parent, pin_chain(above));
    return protect(parent.get(), above, {parts.back().c_str(), std::nullopt});
  }

  const int root_;
  const std::vector<std::string>& allowed_;
  Placeholders& placeholders_;
  Protection found_;
  std::set<std::string> pinned_;
  std::size_t searched_ = 0;
};

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lowered(std::string_view text) {
  std::string made(text);
  for (char& c : made) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return made;
}

}  // namespace

std::string hooks_path(std::string_view git_config) {
  std::string found;
  bool in_core = false;
  while (!git_config.empty()) {
    const std::size_t end = std::min(git_config.find('\n'), git_config.size());
    std::string_view line = trimmed(git_config.substr(0, end));
    git_config.remove_prefix(std::min(end + 1, git_config.size()));
    if (!line.empty() && line.front() == '[') {
      const std::size_t close = std::min(line.find(']'), line.size() - 1);
      in_core = lowered(trimmed(line.substr(1, close - 1))) == "core";
      line = trimmed(line.substr(close + 1));
    }
    const std::size_t equals = line.find('=');
    if (!in_core || equals == line.npos || lowered(trimmed(line.substr(0, equals))) != "hookspath") continue;
    std::string_view value = trimmed(line.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    found = value;  // the last one holds
  }
  return found;
}

Result<Protection> find_protection(int root, const std::vector<std::string>& allowed,
                                   Placeholders& placeholders) {
  return Finder(root, allowed, placeholders).find();
}

}  // namespace rexec::sandbox
