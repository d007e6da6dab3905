#include "sandbox-client/local/host_sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/fd.h"
#include "sandbox-client/local/kept_process.h"

namespace rexec::sandbox {
namespace {

constexpr int kListed = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

class Search {
 public:
  std::vector<std::string> take() { return std::move(found_); }

  void look(int directory, const std::string& path, std::size_t depth) {
    const int own = openat(directory, ".", kListed);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(own < 0 ? nullptr : fdopendir(own), closedir);
    if (entries == nullptr) {
      if (own >= 0) close(own);
      return;
    }
    while (const dirent* entry = readdir(entries.get())) {
      const std::string name = entry->d_name;
      if (++seen_ > kMaxSocketEntries || found_.size() == kMaxSocketsShown) return;
      if (name == "." || name == "..") continue;
      const mode_t type = type_of(own, *entry);
      const std::string whole = path.empty() ? name : path + "/" + name;
      if (type == S_IFSOCK) found_.push_back(whole);
      if (type != S_IFDIR || depth == kMaxSocketDepth) continue;
      const UniqueFd inner(openat(own, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (inner.valid()) look(inner.get(), whole, depth + 1);
    }
  }

 private:
  static mode_t type_of(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return static_cast<mode_t>(DTTOIF(entry.d_type));
    struct stat status {};
    return fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mode & S_IFMT : 0;
  }

  std::vector<std::string> found_;
  std::size_t seen_ = 0;
};

}  // namespace

std::vector<std::string> find_sockets(int directory) {
  Search search;
  search.look(directory, "", 1);
  return search.take();
}

std::string socket_note(const std::vector<std::string>& sockets, const std::string& destination) {
  if (sockets.empty()) return {};
  std::string names;
  for (const std::string& name : sockets)
    names += (names.empty() ? "\"" : ", \"") + shown_reason(destination + "/" + name) + "\"";
  return "the sandbox can connect to sockets of this machine, even in a read-only directory: " + names;
}

}  // namespace rexec::sandbox
