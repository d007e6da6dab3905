// What the file operations have in common: opening without ever hanging, and work in pieces.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/replies.h"

namespace rexec::runner {

inline constexpr std::size_t kPieceBytes = 1 << 20;  // read or hashed by one task in one turn of the loop

/// Absolute, without NUL, not too long; else why not.
bool check_path(const std::string& path, Failure& failure);

/// "a directory", "a FIFO", …
const char* kind_of(mode_t mode);
/// EISDIR or EINVAL: `path` is not a regular file.
Failure not_a_file(const std::string& path, mode_t mode);
FileInfo info_of(const struct stat& status);

/// A regular file for reading; does not wait for the other end of a FIFO. Invalid and `failure` otherwise.
Fd open_for_reading(const std::string& path, struct stat& status, Failure& failure);

/// Until `size` bytes, the end or an error, EINTR aside; -1 with errno.
ssize_t read_at(int fd, char* bytes, std::size_t size, std::uint64_t offset);

using EditNonce = std::array<std::uint8_t, 16>;

/// A file operation that may need more than one turn.
class FileTask {
 public:
  enum class State { running, waiting, finished };  // waiting: for more data of the client

  explicit FileTask(RequestId request) : request_(request) {}
  virtual ~FileTask() = default;

  /// A piece of at most kPieceBytes; a task that is finished has been answered.
  virtual State advance() = 0;
  /// Bytes that follow a write_file.
  virtual State data(std::string_view) { return State::running; }
  /// It has whole files in memory, so a connection has one of these at work at a time.
  virtual bool large() const { return false; }
  /// The nonce of an edit; null for anything else.
  virtual const EditNonce* nonce() const { return nullptr; }
  RequestId request() const { return request_; }

 private:
  RequestId request_;
};

}  // namespace rexec::runner
