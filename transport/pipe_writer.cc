#include "transport/pipe_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace rexec::transport {
namespace {

constexpr std::size_t kHeldBytes = 32 * 1024;       // written without waiting for release()
constexpr std::size_t kDirectBytes = 64 * 1024;     // what a sender writes by itself: a pipe's capacity
constexpr std::size_t kKeptCapacity = 1024 * 1024;  // of buffers between writes

}  // namespace

Result<std::shared_ptr<PipeWriter>> PipeWriter::make(UniqueFd fd, std::size_t max_queued) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno_error("cannot use the output", errno);
  Mode mode = Mode::blocking;
  if (S_ISSOCK(status.st_mode)) {
    mode = Mode::socket;
  } else if (S_ISFIFO(status.st_mode)) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
    // Fails when /proc is missing or the pipe belongs to another user; then it is used as it is.
    UniqueFd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (own.valid()) {
      fd = std::move(own);
      mode = Mode::nonblocking;
    }
  }
  UniqueFd abort(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!abort.valid()) return errno_error("cannot make an eventfd", errno);
  std::shared_ptr<PipeWriter> writer(new PipeWriter(std::move(fd), std::move(abort), mode, max_queued));
  try {
    writer->thread_ = std::thread([raw = writer.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return Error{ErrorCode::resource_exhausted,
                 std::string("cannot start the writer thread: ") + error.what()};
  }
  return writer;
}

PipeWriter::PipeWriter(UniqueFd fd, UniqueFd abort, Mode mode, std::size_t max_queued)
    : fd_(std::move(fd)), abort_(std::move(abort)), mode_(mode), max_queued_(max_queued) {}

PipeWriter::~PipeWriter() {
  finish(Deadline::after(Duration::zero()));
}

Status PipeWriter::send(mcp::Message message) {
  bool overflow = false;
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (dead_ || stopping_) return Error{ErrorCode::unavailable, "the client is gone"};
    overflow = unwritten_ + message.text.size() + 1 > max_queued_;
    if (overflow) {
      dead_ = true;
    } else {
      unwritten_ += message.text.size() + 1;
      queue_.append(message.text).push_back('\n');
      const bool held = holder_ == std::this_thread::get_id() && queue_.size() < kHeldBytes;
      wake = !held && write_now();
    }
  }
  if (wake) wake_.notify_one();
  if (!overflow) return {};
  close();
  return Error{ErrorCode::resource_exhausted, "the client does not read its messages"};
}

void PipeWriter::hold() {
  MutexLock lock(mutex_);
  holder_ = std::this_thread::get_id();
}

void PipeWriter::release() {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    holder_ = {};
    wake = !queue_.empty() && write_now();
  }
  if (wake) wake_.notify_one();
}

bool PipeWriter::write_now() {
  if (!waiting_ || queue_.empty()) return false;
  if (mode_ == Mode::blocking || queue_.size() > kDirectBytes) return true;
  const auto written = write_some(queue_);
  if (written > 0) {
    queue_.erase(0, static_cast<std::size_t>(written));
    unwritten_ -= static_cast<std::size_t>(written);
    if (unwritten_ == 0) drained_.notify_all();
  }
  return !queue_.empty();  // also after an error, which the thread then meets again
}

void PipeWriter::close() {
  {
    MutexLock lock(mutex_);
    dead_ = true;
    queue_ = std::string();
    drained_.notify_all();
    wake_.notify_one();
  }
  const std::uint64_t one = 1;
  (void)!::write(abort_.get(), &one, sizeof one);
  closed_.request_stop();
}

void PipeWriter::finish(Deadline deadline) {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
    while (unwritten_ > 0 && !dead_ && !deadline.passed()) {
      if (deadline.is_infinite()) {
        drained_.wait(lock);
      } else {
        drained_.wait_until(lock, deadline.time());
      }
    }
  }
  close();
  thread_.join();
  fd_.reset();
}

void PipeWriter::run() {
  std::string batch;
  for (;;) {
    {
      MutexLock lock(mutex_);
      unwritten_ -= batch.size();
      if (unwritten_ == 0) drained_.notify_all();
      if (batch.capacity() > kKeptCapacity) batch = std::string();
      batch.clear();
      while (queue_.empty() && !stopping_ && !dead_) {
        waiting_ = true;
        wake_.wait(lock);
        waiting_ = false;
      }
      if (queue_.empty() || dead_) return;
      batch.swap(queue_);
    }
    if (!write(batch)) return close();
  }
}

bool PipeWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (mode_ == Mode::blocking && !wait_writable()) return false;
    const auto written = write_some(bytes);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_writable()) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::ptrdiff_t PipeWriter::write_some(std::string_view bytes) {
  switch (mode_) {
    case Mode::socket:
      return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Mode::nonblocking:
      return ::write(fd_.get(), bytes.data(), bytes.size());
    case Mode::blocking:
      break;
  }
  return ::write(fd_.get(), bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

bool PipeWriter::wait_writable() {
  pollfd fds[] = {{fd_.get(), POLLOUT, 0}, {abort_.get(), POLLIN, 0}};
  while (::poll(fds, 2, -1) < 0) {
    if (errno != EINTR) return false;
  }
  return fds[1].revents == 0;
}

}  // namespace rexec::transport
