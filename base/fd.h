// File descriptors with an owner. A descriptor is held in a UniqueFd or it is borrowed for the length of a
// call; every descriptor that we create is close-on-exec.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace rexec {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

struct FdPair {
  UniqueFd first;   // read end of a pipe
  UniqueFd second;  // write end of a pipe
};

Result<FdPair> make_pipe();
/// A connected pair of stream sockets.
Result<FdPair> make_socket_pair();
Result<UniqueFd> duplicate(int fd);
Status set_nonblocking(int fd);

/// Writes everything, waiting with poll(2) when `fd` is non-blocking. EINTR is retried. SIGPIPE must be
/// ignored by the process.
Status write_all(int fd, std::string_view bytes);

/// Whole contents of a regular file, at most `max_bytes` (resource_exhausted beyond).
Result<std::string> read_whole_file(const std::string& path, std::size_t max_bytes);

}  // namespace rexec
