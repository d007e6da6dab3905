#include "sandbox-client/runner/file_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rexec::runner {
namespace {

constexpr mode_t kNewFile = 0644;
constexpr std::size_t kReadBytes = 256 << 10;

char buffer[kReadBytes];  // used within one call

}  // namespace

FileWriter::FileWriter(RequestId request, Replies& replies, WriteFile wanted)
    : FileTask(request), replies_(replies), wanted_(std::move(wanted)) {}

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
  if (!check_path(wanted_.path, failure) || !target_.resolve(wanted_.path, wanted_.create_parents, failure))
    return fail(failure);
  existing_ = target_.status();
  if (exists() && !S_ISREG(existing_.st_mode)) return fail(not_a_file(target_.path(), existing_.st_mode));
  if (wanted_.expect_sha256 == "absent" && exists())
    return fail({EEXIST, "expect", target_.path() + " exists"});
  const bool by_hash = !wanted_.expect_sha256.empty() && wanted_.expect_sha256 != "absent";
  if (by_hash && !exists()) return fail({ENOENT, "expect", target_.path() + " does not exist"});
  if (exists() && !target_.writable()) return fail("open", target_.path());
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

FileTask::State FileWriter::open_append() {
  if (exists()) {
    file_ = target_.open(O_RDWR | O_APPEND);
    // A file that may be written but not read is extended all the same; it has no hash then.
    if (!file_.valid() && errno == EACCES) file_ = target_.open(O_WRONLY | O_APPEND);
  } else {
    const mode_t mode = wanted_.mode_given ? wanted_.mode & 07777 : kNewFile;
    file_ = target_.open(O_RDWR | O_APPEND | O_CREAT | O_EXCL, kNewFile);
    if (file_.valid() && wanted_.mode_given) ::fchmod(file_.get(), mode);
  }
  if (!file_.valid()) {
    const bool raced = errno == EEXIST && wanted_.expect_sha256 == "absent";
    return fail(raced ? "expect" : "open", target_.path());
  }
  if (::fstat(file_.get(), &existing_) != 0) return fail("open", target_.path());
  if (!S_ISREG(existing_.st_mode)) return fail(not_a_file(target_.path(), existing_.st_mode));
  return State::waiting;
}

FileTask::State FileWriter::open_temporary() {
  file_ = target_.open_temporary();
  return file_.valid() ? State::waiting : fail("open", "cannot create a file in " + target_.directory());
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
    if (size < 0) return fail("write", target_.path());
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
      failure = errno_failure(errno, "read", target_.path());
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
    source_ = target_.open(O_RDONLY);
    if (!source_.valid() || ::fstat(source_.get(), &existing_) != 0) return fail("expect", target_.path());
    if (!S_ISREG(existing_.st_mode)) return fail(not_a_file(target_.path(), existing_.st_mode));
    target_.set_status(existing_);
  }
  if (!hash_piece(failure)) return failure.number != 0 ? fail(failure) : State::running;
  // For append the hash goes on with what is appended.
  Sha256 whole = source_hash_;
  const std::string found = source_hash_.finish();
  if (found != wanted_.expect_sha256)
    return fail({ESTALE, "expect", target_.path() + " has changed: its SHA-256 is " + found});
  if (!wanted_.append) {
    // Somebody may have changed it while it was read in pieces.
    struct stat now {};
    if (!target_.look(now) || now.st_ino != existing_.st_ino || now.st_size != existing_.st_size ||
        now.st_mtim.tv_sec != existing_.st_mtim.tv_sec || now.st_mtim.tv_nsec != existing_.st_mtim.tv_nsec)
      return fail({ESTALE, "expect", target_.path() + " has just been changed"});
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
  mode_t mode = exists() ? existing_.st_mode & 07777 : kNewFile;
  if (wanted_.mode_given) mode = wanted_.mode & 07777;
  if (!target_.inherit(file_, mode)) return fail("write", target_.path());
  file_.reset();
  bool done = false;
  if (wanted_.expect_sha256 == "absent") {
    done = target_.rename(FileTarget::kNoReplace);
    if (!done && errno == EEXIST) return fail({EEXIST, "expect", target_.path() + " exists"});
  } else if (exists() && target_.rename(FileTarget::kExchange)) {
    // The old file has the temporary name now. A rename onto it would make ext4 write the new one out at once
    // (auto_da_alloc, ext4(5)), which takes milliseconds.
    target_.discard();
    done = true;
  }
  // File systems without the flags answer EINVAL.
  if (!done && !target_.rename(0)) return fail("rename", target_.path());
  target_.renamed();
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
  written.path = target_.path();
  written.bytes = received_;
  struct stat status {};
  if (wanted_.append && ::fstat(file_.get(), &status) == 0)
    written.bytes = static_cast<std::uint64_t>(status.st_size);
  written.created = !exists();
  written.sha256 = sha256;
  replies_.reply(request(), MessageType::file_written, written);
  return State::finished;
}

}  // namespace rexec::runner
