#include "sandbox-client/transfer/remote_file.h"

#include <algorithm>

#include "sandbox-client/transfer/places.h"

namespace rexec::sandbox {
namespace {

constexpr std::uint64_t kLargestFile = INT64_MAX - 2 * kPartBytes;  // an offset behind it can be expressed

}  // namespace

std::uint64_t RemoteFile::take_next() {
  const std::uint64_t offset = next_;
  next_ = std::min(offset, kLargestFile) + kPartBytes;
  return offset;
}

Status RemoteFile::accept(std::uint64_t offset, const FileData& data) {
  if (data.info.type != FileType::file) return changed_meanwhile(path_);
  if (data.info.size > kLargestFile)
    return Error{ErrorCode::failed_precondition, in_quotes(path_) + " has a size that no file can have"};
  if (!info_) info_ = data.info;
  if (data.info.size != info_->size || data.info.modified_unix_ms != info_->modified_unix_ms)
    return changed_meanwhile(path_);
  const std::uint64_t wanted =
      offset < info_->size ? std::min<std::uint64_t>(kPartBytes, info_->size - offset) : 0;
  if (data.data.size() != wanted || (wanted > 0 && data.offset != offset)) return changed_meanwhile(path_);
  return {};
}

}  // namespace rexec::sandbox
