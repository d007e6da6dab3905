#include "sandbox-client/runner/tree_work.h"

#include <dirent.h>
#include <fcntl.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>

#include "sandbox-client/runner/file_task.h"
#include "sandbox-client/runner/glob.h"
#include "sandbox-client/runner/line_search.h"
#include "sandbox-client/runner/loop.h"
#include "sandbox-client/runner/tree_walk.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::int64_t kRegexBytes = 8 << 20;  // of a compiled pattern and what matching it keeps
constexpr std::string_view kRepository = ".git";
constexpr std::size_t kEntryBytes = 64;  // of an entry's reply, besides its texts

std::uint64_t deadline_of(std::uint64_t max_ms) {
  return monotonic_us() + max_ms * 1000;
}

bool hidden(std::string_view name) {
  return name.front() == '.';
}

bool compile_glob(const std::string& pattern, bool with_hidden, std::optional<Glob>& glob, Failure& failure) {
  if (pattern.empty()) return true;
  std::string error;
  glob = Glob::compile(pattern, with_hidden, error);
  if (!glob) failure = {EINVAL, "glob", error};
  return glob.has_value();
}

/// Never waits: not for a FIFO's other end, not for a device.
Fd open_root(const std::string& path, struct stat& status, Failure& failure) {
  if (!check_path(path, failure)) return {};
  Fd root(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!root.valid() || ::fstat(root.get(), &status) != 0) {
    failure = errno_failure(errno, "open", path);
    return {};
  }
  return root;
}

class Lister final : private TreeFilter {
 public:
  Lister(const ListFiles& wanted, Listing& listing) : wanted_(wanted), listing_(listing) {}

  bool run(Failure& failure) {
    struct stat status {};
    if (!compile_glob(wanted_.glob, wanted_.hidden, glob_, failure)) return false;
    Fd root = open_root(wanted_.path, status, failure);
    if (!root.valid()) return false;
    if (!S_ISDIR(status.st_mode)) {
      failure = {ENOTDIR, "type", wanted_.path + " is " + kind_of(status.st_mode) + ", not a directory"};
      return false;
    }
    TreeWalk walk(std::move(root), *this, wanted_.after, deadline_of(wanted_.max_ms));
    TreeWalk::Step step = TreeWalk::Step::end;
    while ((step = walk.next()) == TreeWalk::Step::entry && add(walk)) {
    }
    if (step == TreeWalk::Step::late) {
      listing_.stopped = Stopped::time;
      listing_.next = std::max<std::string_view>(wanted_.after, walk.position());
    }
    if (listing_.stopped != Stopped::complete && !listing_.entries.empty())
      listing_.next = std::max(listing_.next, listing_.entries.back().path);
    listing_.gaps = walk.gaps();
    return true;
  }

 private:
  bool lists(std::string_view path, std::string_view name) const override {
    if (glob_) return glob_->matches(path);
    return wanted_.hidden || !hidden(name);
  }

  bool enters(std::string_view path, std::string_view name, std::size_t depth) const override {
    if (depth >= wanted_.depth) return false;
    if (glob_) return glob_->may_match_below(path);
    return wanted_.hidden || !hidden(name);
  }

  bool add(const TreeWalk& walk) {
    struct stat status {};
    if (::fstatat(walk.directory(), walk.name(), &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
    ListedFile entry{walk.path(), info_of(status)};
    if (entry.info.type == FileType::symlink) {
      char target[PATH_MAX];
      const ssize_t size = ::readlinkat(walk.directory(), walk.name(), target, sizeof target);
      if (size > 0) entry.info.target.assign(target, static_cast<std::size_t>(size));
    }
    const std::size_t size = entry.path.size() + entry.info.target.size() + kEntryBytes;
    if (listing_.entries.size() >= wanted_.limit) {
      listing_.stopped = Stopped::limit;
    } else if (bytes_ + size > kMaxTreeReply) {
      listing_.stopped = Stopped::size;
    } else {
      bytes_ += size;
      listing_.entries.push_back(std::move(entry));
    }
    return listing_.stopped == Stopped::complete;
  }

  const ListFiles& wanted_;
  Listing& listing_;
  std::optional<Glob> glob_;
  std::size_t bytes_ = 0;
};

class Searcher final : private TreeFilter {
 public:
  Searcher(const SearchFiles& wanted, SearchResult& result) : wanted_(wanted), result_(result) {}

  bool run(Failure& failure) {
    re2::RE2::Options options;
    options.set_case_sensitive(!wanted_.ignore_case);
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kRegexBytes);
    const re2::RE2 regex(wanted_.pattern, options);
    if (!regex.ok()) {
      failure = {EINVAL, "pattern", regex.error()};
      return false;
    }
    if (!compile_glob(wanted_.glob, true, glob_, failure)) return false;
    struct stat status {};
    Fd root = open_root(wanted_.path, status, failure);
    if (!root.valid()) return false;
    deadline_us_ = deadline_of(wanted_.max_ms);
    LineSearch search(regex, wanted_.limit, wanted_.context_lines, result_);
    if (S_ISREG(status.st_mode)) {
      search_file(search, root, {});
    } else if (S_ISDIR(status.st_mode)) {
      search_below(search, std::move(root));
    } else {
      failure = not_a_file(wanted_.path, status.st_mode);
      return false;
    }
    return true;
  }

 private:
  bool lists(std::string_view path, std::string_view name) const override {
    return name != kRepository && (!glob_ || glob_->matches(path));
  }

  bool enters(std::string_view path, std::string_view name, std::size_t) const override {
    return name != kRepository && (!glob_ || glob_->may_match_below(path));
  }

  void search_below(LineSearch& search, Fd root) {
    TreeWalk walk(std::move(root), *this, {}, deadline_us_);
    TreeWalk::Step step = TreeWalk::Step::end;
    while (!search.full() && (step = walk.next()) == TreeWalk::Step::entry) {
      if (walk.type() != DT_REG) continue;
      const Fd file(
          ::openat(walk.directory(), walk.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
      struct stat status {};
      if (!file.valid()) {
        if (errno != ENOENT && errno != ELOOP && errno != ENXIO) ++unreadable_;
      } else if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) {
        search_file(search, file, walk.path());
      }
    }
    if (step == TreeWalk::Step::late) stop_late();
    result_.gaps = walk.gaps();
    result_.gaps.unreadable += unreadable_;
  }

  void search_file(LineSearch& search, const Fd& file, const std::string& path) {
    search.begin(path);
    ++result_.files;
    const std::uint64_t binary = result_.binary;
    for (bool wanted = true; wanted;) {
      ssize_t got = 0;
      do got = ::read(file.get(), buffer_, sizeof buffer_);
      while (got < 0 && errno == EINTR);
      if (got < 0) ++unreadable_;
      if (got <= 0) break;
      wanted = search.feed({buffer_, static_cast<std::size_t>(got)});
      if (wanted && monotonic_us() >= deadline_us_) return stop_late();
    }
    if (result_.binary != binary) --result_.files;
    search.finish();
  }

  void stop_late() {
    if (result_.stopped == Stopped::complete) result_.stopped = Stopped::time;
  }

  const SearchFiles& wanted_;
  SearchResult& result_;
  std::optional<Glob> glob_;
  std::uint64_t deadline_us_ = 0;
  std::uint64_t unreadable_ = 0;
  char buffer_[kReadBytes];
};

}  // namespace

bool list_tree(const ListFiles& wanted, Listing& listing, Failure& failure) {
  return Lister(wanted, listing).run(failure);
}

bool search_tree(const SearchFiles& wanted, SearchResult& result, Failure& failure) {
  return Searcher(wanted, result).run(failure);
}

}  // namespace rexec::runner
