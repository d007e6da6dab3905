#include "sandbox-client/runner/file_exchange.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "sandbox-client/runner/file_task.h"

namespace rexec::runner {
namespace {

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// A read lease while it lives. Breaking one is announced by SIGIO, whose default would end this process.
class Lease {
 public:
  explicit Lease(int fd) : fd_(fd) {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGIO);
    ::sigprocmask(SIG_BLOCK, &signal_, &previous_);
    held_ = ::fcntl(fd_, F_SETLEASE, F_RDLCK) == 0;
    number_ = held_ ? 0 : errno;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    const int number = errno;
    if (held_) ::fcntl(fd_, F_SETLEASE, F_UNLCK);
    const timespec at_once{};
    while (::sigtimedwait(&signal_, nullptr, &at_once) > 0) {
    }
    ::sigprocmask(SIG_SETMASK, &previous_, nullptr);
    errno = number;
  }

  bool held() const { return held_; }
  /// Somebody has the file open for writing.
  bool refused() const { return !held_ && (number_ == EAGAIN || number_ == EBUSY); }
  /// Nobody has tried to open it for writing since.
  bool intact() const { return ::fcntl(fd_, F_GETLEASE) == F_RDLCK; }

 private:
  int fd_;
  bool held_ = false;
  int number_ = 0;
  sigset_t signal_{};
  sigset_t previous_{};
};

/// NFS and CIFS refuse a lease as if the file were open elsewhere; then they do so for ours too.
bool leases_work(const FileTarget& target) {
  const Fd own = target.reopen_temporary();
  return own.valid() && Lease(own.get()).held();
}

bool contains(int fd, std::string_view expected) {
  constexpr std::size_t kReadBytes = 256 << 10;
  static char buffer[kReadBytes];  // used within one call
  std::uint64_t offset = 0;
  for (;;) {
    const ssize_t size = read_at(fd, buffer, kReadBytes, offset);
    if (size < 0) return false;
    const std::string_view piece(buffer, static_cast<std::size_t>(size));
    if (!expected.starts_with(piece)) return false;
    if (piece.size() < kReadBytes) return piece.size() == expected.size();
    expected.remove_prefix(piece.size());
    offset += piece.size();
  }
}

/// After an exchange that must not stand. When the temporary name gets something else than our file, somebody
/// has replaced that, and theirs is put back.
void undo(FileTarget& target, const struct stat& ours) {
  struct stat status {};
  if (target.rename(FileTarget::kExchange) && target.look_at_temporary(status) && !same_file(status, ours))
    target.rename(FileTarget::kExchange);
}

}  // namespace

ExchangeResult exchange_file(FileTarget& target, const Fd& source, std::string_view expected) {
  struct stat ours {};
  struct stat read {};
  struct stat now {};
  if (!target.look_at_temporary(ours) || ::fstat(source.get(), &read) != 0) return ExchangeResult::failed;
  const Lease lease(source.get());
  if (lease.refused() && leases_work(target)) return ExchangeResult::busy;
  if (!target.look(now) || !same_file(now, read) || !contains(source.get(), expected))
    return ExchangeResult::changed;
  // Read only, or the lease of who reads the new file next would be refused. A lock that cannot be had is
  // done without.
  const Fd unsettled = target.reopen_temporary();
  if (unsettled.valid()) ::flock(unsettled.get(), LOCK_EX | LOCK_NB);
  if (!target.rename(FileTarget::kExchange)) {
    if (errno == ENOENT) return ExchangeResult::changed;
    if (errno != EINVAL || !target.rename(0)) return ExchangeResult::failed;
    target.renamed();
    return ExchangeResult::done;
  }
  const bool ours_to_replace = target.look_at_temporary(now) && same_file(now, read);
  const bool unchanged = lease.held() ? lease.intact() : contains(source.get(), expected);
  if (!ours_to_replace || !unchanged) {
    undo(target, ours);
    return ExchangeResult::changed;
  }
  target.discard();
  return ExchangeResult::done;
}

Settled settled(const FileTarget& target, const Fd& source) {
  if (::flock(source.get(), LOCK_SH | LOCK_NB) == 0)
    ::flock(source.get(), LOCK_UN);
  else if (errno == EWOULDBLOCK)
    return Settled::no;
  struct stat read {};
  struct stat now {};
  const bool same = ::fstat(source.get(), &read) == 0 && target.look(now) && same_file(now, read);
  return same ? Settled::yes : Settled::replaced;
}

}  // namespace rexec::runner
