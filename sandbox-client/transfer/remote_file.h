// One file of the sandbox while it is read in parts: what to ask for next, and whether the answers belong to
// one state of one file. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "sandbox-client/runner_client.h"

namespace rexec::sandbox {

class RemoteFile {
 public:
  /// `listed_size` is what was heard before; the first answer tells the size that counts.
  RemoteFile(std::string path, std::uint64_t listed_size)
      : path_(std::move(path)), listed_size_(listed_size) {}

  const std::string& path() const { return path_; }
  /// Whether there are parts that nobody has asked for.
  bool has_next() const { return next_ == 0 || next_ < size(); }
  /// Offset of the next part of kPartBytes.
  std::uint64_t take_next();
  /// An answer to the part at `offset`; an error when the file is another one, or was changed.
  Status accept(std::uint64_t offset, const FileData& data);
  /// What the first answer told; only after one.
  const FileInfo& info() const { return *info_; }

 private:
  std::uint64_t size() const { return info_ ? info_->size : listed_size_; }

  const std::string path_;
  const std::uint64_t listed_size_;
  std::optional<FileInfo> info_;
  std::uint64_t next_ = 0;
};

}  // namespace rexec::sandbox
