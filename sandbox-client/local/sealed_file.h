// Bytes in memory behind a descriptor, for programs that read their input from inherited descriptors.
//
// The file cannot change any more once it is made (memfd_create(2), F_ADD_SEALS), so it may be handed to
// several programs, each with an offset of its own.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

class SealedFile {
 public:
  static Result<SealedFile> make(std::string_view bytes);

  /// A new read-only descriptor at offset 0. Thread-safe.
  Result<UniqueFd> open() const;

 private:
  explicit SealedFile(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

/// A file of `size` zero bytes that can be written but never grows: a place for the messages of a program
/// that may not be believed to be brief.
Result<UniqueFd> make_message_file(std::size_t size);

/// What was written to such a file: up to the first NUL.
std::string read_messages(int fd, std::size_t size);

}  // namespace rexec::sandbox
