#include "sandbox-client/runner/file_writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

namespace rexec::runner {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel, path_resolution(7)
constexpr mode_t kNewFile = 0644;
constexpr unsigned kNoReplace = 1;  // RENAME_NOREPLACE, renameat2(2)
constexpr unsigned kExchange = 2;   // RENAME_EXCHANGE
constexpr std::size_t kReadBytes = 256 << 10;

char buffer[kReadBytes];  // used within one call

bool make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
      // On the way down directories exist that may not be written, or lie on a read-only file system.
      struct stat status {};
      const int number = errno;
      if (::stat(part.c_str(), &status) != 0) {
        errno = number;
        return false;
      }
    }
    if (slash == std::string::npos) return true;
  }
}

std::string random_name() {
  unsigned char random[8];
  if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return {};
  std::string name = ".rexec-";
  for (const unsigned char byte : random) {
    name.push_back("0123456789abcdef"[byte >> 4]);
    name.push_back("0123456789abcdef"[byte & 15]);
  }
  return name + ".tmp";
}

}  // namespace

FileWriter::FileWriter(RequestId request, Replies& replies, WriteFile wanted)
    : FileTask(request), replies_(replies), wanted_(std::move(wanted)) {}

FileWriter::~FileWriter() {
  if (!temporary_.empty()) ::unlinkat(directory_fd_.get(), temporary_.c_str(), 0);
}

std::string FileWriter::final_path() const {
  return directory_ == "/" ? "/" + name_ : directory_ + "/" + name_;
}

FileTask::State FileWriter::fail(const Failure& failure) {
  replies_.reply_error(request(), failure);
  return State::finished;
}

FileTask::State FileWriter::fail(const char* step, const std::string& what) {
  return fail(errno_failure(errno, step, what));
}

FileTask::State FileWriter::advance() {
  switch (phase_) {
    case Phase::open:
      return open();
    case Phase::receive:
      return State::waiting;
    case Phase::check:
      return check();
    case Phase::rehash:
      return rehash();
  }
  return State::finished;
}

FileTask::State FileWriter::open() {
  Failure failure;
  if (!check_path(wanted_.path, failure) || !resolve(failure)) return fail(failure);
  if (exists_ && !S_ISREG(existing_.st_mode)) return fail(not_a_file(final_path(), existing_.st_mode));
  if (wanted_.expect_sha256 == "absent" && exists_) return fail({EEXIST, "expect", final_path() + " exists"});
  const bool by_hash = !wanted_.expect_sha256.empty() && wanted_.expect_sha256 != "absent";
  if (by_hash && !exists_) return fail({ENOENT, "expect", final_path() + " does not exist"});
  if (exists_ && ::faccessat(directory_fd_.get(), name_.c_str(), W_OK, 0) != 0)
    return fail("open", final_path());
  const State opened = wanted_.append ? open_append() : open_temporary();
  if (opened == State::finished) return opened;
  phase_ = Phase::receive;
  if (wanted_.append && by_hash) {
    if (wanted_.size > kMaxStaged)
      return fail({EFBIG, "limit", "at most 64 MiB can be appended with expect_sha256"});
    phase_ = Phase::check;
  }
  const std::string first = std::move(wanted_.data);
  return data(first);
}

bool FileWriter::resolve(Failure& failure) {
  std::string path = wanted_.path;
  for (int i = 0; i < kMaxLinks; ++i) {
    const std::size_t slash = path.rfind('/');
    name_ = path.substr(slash + 1);
    if (name_.empty() || name_ == "." || name_ == "..") {
      failure = {EISDIR, "type", path + " is the name of a directory"};
      return false;
    }
    if (!open_parent(slash == 0 ? "/" : path.substr(0, slash), failure)) return false;
    exists_ = ::fstatat(directory_fd_.get(), name_.c_str(), &existing_, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists_ && errno != ENOENT) {
      failure = errno_failure(errno, "open", path);
      return false;
    }
    if (!exists_ || !S_ISLNK(existing_.st_mode)) return true;
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(directory_fd_.get(), name_.c_str(), target, sizeof target);
    if (size <= 0) {
      failure = errno_failure(size == 0 ? ENOENT : errno, "open", path);
      return false;
    }
    const std::string link(target, static_cast<std::size_t>(size));
    path = link.front() == '/' ? link : directory_ + "/" + link;
  }
  failure = errno_failure(ELOOP, "open", wanted_.path);
  return false;
}

bool FileWriter::open_parent(const std::string& path, Failure& failure) {
  char real[PATH_MAX];
  bool found = ::realpath(path.c_str(), real) != nullptr;
  if (!found && errno == ENOENT && wanted_.create_parents && make_directories(path))
    found = ::realpath(path.c_str(), real) != nullptr;
  if (found) {
    directory_ = real;
    directory_fd_.reset(::open(real, O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  if (found && directory_fd_.valid()) return true;
  failure = errno_failure(errno, "parent", path);
  return false;
}

FileTask::State FileWriter::open_append() {
  const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  if (exists_) {
    file_.reset(::openat(directory_fd_.get(), name_.c_str(), flags));
    // A file that may be written but not read is extended all the same; it has no hash then.
    if (!file_.valid() && errno == EACCES)
      file_.reset(::openat(directory_fd_.get(), name_.c_str(), (flags & ~O_ACCMODE) | O_WRONLY));
  } else {
    const mode_t mode = wanted_.mode_given ? wanted_.mode & 07777 : kNewFile;
    file_.reset(::openat(directory_fd_.get(), name_.c_str(), flags | O_CREAT | O_EXCL, kNewFile));
    if (file_.valid() && wanted_.mode_given) ::fchmod(file_.get(), mode);
  }
  if (!file_.valid()) {
    const bool raced = errno == EEXIST && wanted_.expect_sha256 == "absent";
    return fail(raced ? "expect" : "open", final_path());
  }
  if (::fstat(file_.get(), &existing_) != 0) return fail("open", final_path());
  if (!S_ISREG(existing_.st_mode)) return fail(not_a_file(final_path(), existing_.st_mode));
  return State::waiting;
}

FileTask::State FileWriter::open_temporary() {
  constexpr int kAttempts = 4;
  for (int i = 0; i < kAttempts && !file_.valid(); ++i) {
    temporary_ = random_name();
    file_.reset(::openat(directory_fd_.get(), temporary_.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file_.valid() && errno != EEXIST) break;
  }
  if (file_.valid()) return State::waiting;
  temporary_.clear();
  return fail("open", "cannot create a file in " + directory_);
}

FileTask::State FileWriter::data(std::string_view bytes) {
  if (bytes.size() > wanted_.size - received_)
    return fail({EINVAL, "write", "more bytes came than were announced"});
  received_ += bytes.size();
  if (phase_ == Phase::check && wanted_.append) {
    staged_.append(bytes);
    return State::running;
  }
  return write(bytes);
}

FileTask::State FileWriter::write(std::string_view bytes) {
  hash_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t size = ::write(file_.get(), bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail("write", final_path());
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return received_ == wanted_.size ? received_all() : State::waiting;
}

FileTask::State FileWriter::received_all() {
  if (!wanted_.append) {
    if (wanted_.expect_sha256.empty() || wanted_.expect_sha256 == "absent") return commit();
    phase_ = Phase::check;
    return check();
  }
  if (existing_.st_size == 0 || phase_ == Phase::check) return answer(hash_.finish());
  // The beginning was not read: hash the whole file.
  phase_ = Phase::rehash;
  source_hash_ = Sha256();
  source_offset_ = 0;
  return rehash();
}

bool FileWriter::hash_piece(Failure& failure) {
  for (std::size_t done = 0; done < kPieceBytes; done += kReadBytes) {
    const int fd = source_.valid() ? source_.get() : file_.get();
    const ssize_t size = read_at(fd, buffer, kReadBytes, source_offset_);
    if (size < 0) {
      failure = errno_failure(errno, "read", final_path());
      return false;
    }
    source_hash_.update({buffer, static_cast<std::size_t>(size)});
    source_offset_ += static_cast<std::uint64_t>(size);
    if (static_cast<std::size_t>(size) < kReadBytes) return true;
  }
  return false;
}

FileTask::State FileWriter::check() {
  Failure failure;
  if (!wanted_.append && !source_.valid()) {
    source_.reset(::openat(directory_fd_.get(), name_.c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!source_.valid() || ::fstat(source_.get(), &existing_) != 0) return fail("expect", final_path());
    if (!S_ISREG(existing_.st_mode)) return fail(not_a_file(final_path(), existing_.st_mode));
  }
  if (!hash_piece(failure)) return failure.number != 0 ? fail(failure) : State::running;
  // For append the hash goes on with what is appended.
  Sha256 whole = source_hash_;
  const std::string found = source_hash_.finish();
  if (found != wanted_.expect_sha256)
    return fail({ESTALE, "expect", final_path() + " has changed: its SHA-256 is " + found});
  if (!wanted_.append) {
    // Somebody may have changed it while it was read in pieces.
    struct stat now {};
    if (::fstatat(directory_fd_.get(), name_.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        now.st_ino != existing_.st_ino || now.st_size != existing_.st_size ||
        now.st_mtim.tv_sec != existing_.st_mtim.tv_sec || now.st_mtim.tv_nsec != existing_.st_mtim.tv_nsec)
      return fail({ESTALE, "expect", final_path() + " has just been changed"});
    return commit();
  }
  hash_ = whole;
  const std::string staged = std::move(staged_);
  staged_.clear();
  // Its end is found by received_all() in this phase; what comes later is written at once.
  if (received_ == wanted_.size) return write(staged);
  phase_ = Phase::receive;
  existing_.st_size = 0;
  return write(staged);
}

FileTask::State FileWriter::commit() {
  mode_t mode = exists_ ? existing_.st_mode & 07777 : kNewFile;
  if (wanted_.mode_given) mode = wanted_.mode & 07777;
  // As good as it can be kept; an ordinary user cannot give a file away. chown clears set-user-ID, so it is
  // first.
  if (exists_ && (existing_.st_uid != ::geteuid() || existing_.st_gid != ::getegid())) {
    [[maybe_unused]] const int ignored = ::fchown(file_.get(), existing_.st_uid, existing_.st_gid);
  }
  if (::fchmod(file_.get(), mode) != 0) return fail("write", final_path());
  file_.reset();
  const auto rename_with = [this](unsigned flags) {
    return ::syscall(SYS_renameat2, directory_fd_.get(), temporary_.c_str(), directory_fd_.get(),
                     name_.c_str(), flags) == 0;
  };
  bool done = false;
  if (wanted_.expect_sha256 == "absent") {
    done = rename_with(kNoReplace);
    if (!done && errno == EEXIST) return fail({EEXIST, "expect", final_path() + " exists"});
  } else if (exists_ && rename_with(kExchange)) {
    // The old file has the temporary name now. A rename onto it would make ext4 write the new one out at once
    // (auto_da_alloc, ext4(5)), which takes milliseconds.
    ::unlinkat(directory_fd_.get(), temporary_.c_str(), 0);
    done = true;
  }
  // File systems without the flags answer EINVAL.
  if (!done && ::renameat(directory_fd_.get(), temporary_.c_str(), directory_fd_.get(), name_.c_str()) != 0)
    return fail("rename", final_path());
  temporary_.clear();
  return answer(hash_.finish());
}

FileTask::State FileWriter::rehash() {
  Failure failure;
  if (hash_piece(failure)) return answer(source_hash_.finish());
  if (failure.number == 0) return State::running;
  return answer({});
}

FileTask::State FileWriter::answer(const std::string& sha256) {
  FileWritten written;
  written.path = final_path();
  written.bytes = received_;
  struct stat status {};
  if (wanted_.append && ::fstat(file_.get(), &status) == 0)
    written.bytes = static_cast<std::uint64_t>(status.st_size);
  written.created = !exists_;
  written.sha256 = sha256;
  replies_.reply(request(), MessageType::file_written, written);
  return State::finished;
}

}  // namespace rexec::runner
