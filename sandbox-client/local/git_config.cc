#include "sandbox-client/local/git_config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>

#include "base/fd.h"

namespace rexec::sandbox {
namespace {

constexpr std::string_view kOptional = ":(optional)";  // before a path (git-config(1), "pathname")
constexpr int kEnd = -1;

// Of the locale "C", whatever the process has.
bool is_space(int c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_letter(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_key_character(int c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

char lowered(int c) {
  return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// The grammar of config.c in git, which is nowhere else written down in full. Functions are false for what
// git refuses.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  GitConfig parse() {
    bool comment = false;
    while (true) {
      const int c = next();
      if (c == kEnd) return std::move(parsed_);
      if (c == '\n') comment = false;
      if (comment || is_space(c)) continue;
      if (c == '#' || c == ';') {
        comment = true;
      } else if (!(c == '[' ? section() : variable(c))) {
        parsed_.complete = false;
        return std::move(parsed_);
      }
    }
  }

 private:
  int next() {
    if (at_ == text_.size()) return kEnd;
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    return static_cast<unsigned char>(text_[at_++]);
  }
  /// The end of the text also ends its last line.
  int next_in_line() {
    const int c = next();
    return c == kEnd ? '\n' : c;
  }

  bool section() {
    std::string name;
    while (true) {
      const int c = next();
      if (c == ']') break;
      if (c != kEnd && is_space(c)) return subsection(std::move(name), c);
      if (!is_key_character(c) && c != '.') return false;
      name += lowered(c);
    }
    const std::size_t dot = std::min(name.find('.'), name.size());
    section_ = name.substr(0, dot);
    subsection_.reset();
    if (dot < name.size()) subsection_ = name.substr(dot + 1);
    return true;
  }

  bool subsection(std::string name, int c) {
    while (c == ' ' || c == '\t' || c == '\r') c = next();
    if (c != '"') return false;
    section_ = std::move(name);
    std::string& written = subsection_.emplace();
    while ((c = next_in_line()) != '"') {
      if (c == '\\') c = next_in_line();
      if (c == '\n') return false;
      written += static_cast<char>(c);
    }
    return next() == ']';
  }

  bool variable(int c) {
    if (!is_letter(c)) return false;
    GitSetting setting{section_, subsection_, std::string(1, lowered(c)), {}};
    while (is_key_character(c = next_in_line())) setting.key += lowered(c);
    while (c == ' ' || c == '\t') c = next_in_line();
    if (c != '\n' && (c != '=' || !value(setting.value))) return false;
    parsed_.settings.push_back(std::move(setting));
    return true;
  }

  bool value(std::string& value) {
    bool quoted = false;
    bool comment = false;
    std::size_t spaces = 0;  // that count when more follows
    while (true) {
      int c = next_in_line();
      if (c == '\n') {
        value.resize(std::min(value.find('\0'), value.size()));  // to git it is a string of C
        return !quoted;
      }
      if (comment) continue;
      if (is_space(c) && !quoted) {
        if (!value.empty()) ++spaces;
        continue;
      }
      if (!quoted && (c == '#' || c == ';')) {
        comment = true;
        continue;
      }
      value.append(std::exchange(spaces, 0), ' ');
      if (c == '"') {
        quoted = !quoted;
        continue;
      }
      if (c == '\\') {
        c = next_in_line();
        if (c == '\n') continue;
        const std::string_view escapes = "tnb\\\"";
        const std::size_t known = escapes.find(static_cast<char>(c));
        if (known == escapes.npos) return false;
        c = "\t\n\b\\\""[known];
      }
      value += static_cast<char>(c);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string section_;
  std::optional<std::string> subsection_;
  GitConfig parsed_;
};

class Reader {
 public:
  explicit Reader(const std::string& home) : home_(home) {}

  void read(const std::string& path, std::size_t depth) {
    if (!seen_.insert(path).second) return;
    if (depth > kMaxGitIncludeDepth || seen_.size() > kMaxGitConfigs) {
      paths_.complete = false;
      return;
    }
    const auto text = contents(path);
    if (!text) return;
    const GitConfig config = parse_git_config(*text);
    if (!config.complete) paths_.complete = false;
    for (const GitSetting& setting : config.settings) {
      const bool include = (setting.section == "include" && !setting.subsection) ||
                           (setting.section == "includeif" && setting.subsection);
      if (setting.section == "core" && !setting.subsection) {
        if (setting.key == "hookspath") add(paths_.hooks, setting.value);
        if (setting.key == "worktree") add(paths_.worktrees, setting.value);
      } else if (include && setting.key == "path") {
        if (auto target = expanded(setting.value)) {
          if (target->front() != '/') *target = path.substr(0, path.rfind('/') + 1) + *target;
          paths_.included.push_back(*target);
          read(*target, depth + 1);
        }
      }
    }
  }

  GitPaths take() { return std::move(paths_); }

 private:
  void add(std::vector<std::string>& to, const std::string& value) {
    if (auto path = expanded(value)) to.push_back(std::move(*path));
  }

  /// Not empty. Nothing for what does not lead anywhere that we know.
  std::optional<std::string> expanded(std::string_view value) {
    if (value.starts_with(kOptional)) value.remove_prefix(kOptional.size());
    if (value.empty() || value.starts_with("%(prefix)/")) return std::nullopt;
    if (value.front() != '~') return std::string(value);
    if (home_.empty() || (value.size() > 1 && value[1] != '/')) {
      paths_.complete = false;
      return std::nullopt;
    }
    return home_ + std::string(value.substr(1));
  }

  std::optional<std::string> contents(const std::string& path) {
    auto text = read_regular_file(path, kMaxGitConfig);
    if (text) return std::move(*text);
    if (text.error().code != ErrorCode::not_found) paths_.complete = false;
    return std::nullopt;
  }

  const std::string& home_;
  GitPaths paths_;
  std::set<std::string> seen_;
};

}  // namespace

GitConfig parse_git_config(std::string_view text) {
  return Parser(text).parse();
}

Result<std::string> read_regular_file(const std::string& path, std::size_t max_bytes) {
  const UniqueFd fd(open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!fd.valid() && errno == ENOTDIR) return Error{ErrorCode::not_found, path + " does not exist"};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) return errno_error(path, errno);
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::invalid_argument, path + " is not a regular file"};
  return read_whole_file("/proc/self/fd/" + std::to_string(fd.get()), max_bytes);
}

GitPaths read_git_paths(const std::vector<std::string>& files, const std::string& home) {
  Reader reader(home);
  for (const std::string& file : files) reader.read(file, 0);
  return reader.take();
}

}  // namespace rexec::sandbox
