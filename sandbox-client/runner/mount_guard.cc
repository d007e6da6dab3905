#include "sandbox-client/runner/mount_guard.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include <cerrno>
#include <cstring>

namespace rexec::runner {
namespace {

constexpr std::size_t kChunk = 64 << 10;
constexpr std::uint32_t kRenamed = IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;

}  // namespace

MountGuard::~MountGuard() {
  loop_.cancel(timer_);
  if (mounts_.valid()) loop_.unwatch(mounts_.get());
  if (names_.valid()) loop_.unwatch(names_.get());
}

void MountGuard::start(std::string_view wanted) {
  // Watched before they are read, so that nothing goes unseen in between.
  mounts_.reset(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!mounts_.valid() || !loop_.watch(mounts_.get(), EPOLLPRI | EPOLLERR, *this) || !read_mounts(text))
    return end("the sandbox's mounts cannot be watched");
  if (const std::string wrong = table_.begin(wanted, text); !wrong.empty()) return end(wrong);
  if (!watch_directories()) look_again_later();
  look();
}

bool MountGuard::watch_directories() {
  names_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!names_.valid() || !loop_.watch(names_.get(), EPOLLIN, *this)) return false;
  bool all = true;
  for (const MountLine& mount : table_.guarded()) {
    const std::string path = plain_path(mount.point);
    const std::size_t slash = path.rfind('/');
    const std::string directory = slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
    const int watch = ::inotify_add_watch(names_.get(), directory.c_str(), kRenamed | IN_ONLYDIR);
    if (watch < 0) {
      all = false;
    } else {
      own_.emplace(watch, path.substr(slash + 1));
    }
  }
  return all;
}

/// Whether something happened to the name of a mount point; most of what happens there does to others.
bool MountGuard::named() {
  alignas(inotify_event) char buffer[kChunk];
  const ssize_t size = ::read(names_.get(), buffer, sizeof buffer);
  if (size < 0) return errno != EAGAIN && errno != EINTR;
  for (const char* at = buffer; at < buffer + size;) {
    inotify_event event{};
    std::memcpy(&event, at, sizeof event);
    if ((event.mask & kRenamed) == 0 || own_.count({event.wd, at + sizeof event}) != 0) return true;
    at += sizeof event + event.len;
  }
  return false;
}

bool MountGuard::read_mounts(std::string& text) const {
  text.clear();
  if (::lseek(mounts_.get(), 0, SEEK_SET) != 0) return false;
  while (text.size() <= kMaxMountInfo) {
    const std::size_t before = text.size();
    text.resize(before + kChunk);
    const ssize_t size = ::read(mounts_.get(), text.data() + before, kChunk);
    text.resize(before + static_cast<std::size_t>(size > 0 ? size : 0));
    if (size == 0) return true;
    if (size < 0 && errno != EINTR) return false;
  }
  return false;
}

std::string MountGuard::changed() const {
  std::string text;
  if (!read_mounts(text)) return "the sandbox's mounts cannot be read any more";
  return table_.change(text);
}

void MountGuard::ready(std::uint32_t events) {
  if ((events & (EPOLLPRI | EPOLLERR)) != 0 || named()) look();
}

void MountGuard::look() {
  if (ended_) return;
  // Reading takes several calls; before Linux 5.8 a line may be missed when others go in between.
  if (changed().empty()) return;
  if (const std::string why = changed(); !why.empty()) end(why);
}

void MountGuard::look_again_later() {
  timer_ = loop_.after_ms(kLookMs, [this] {
    look();
    if (!ended_) look_again_later();
  });
}

void MountGuard::end(const std::string& why) {
  if (ended_) return;
  ended_ = true;
  over_(why);
}

}  // namespace rexec::runner
