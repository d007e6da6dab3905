// What a copy makes on this machine: each function takes the descriptor of a directory and one name in it,
// and follows no symlink of that name. Nothing waits for a FIFO or touches a device. Errors have no context;
// callers know the path.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace rexec::sandbox {

/// Of what was copied. Times in nanoseconds since the Unix epoch.
struct Attributes {
  unsigned mode = 0;  // 0777 of it counts
  std::int64_t modified_unix_ns = 0;
};

std::int64_t modified_unix_ns(const struct stat& status);
std::int64_t nanoseconds_of(std::int64_t milliseconds);  // as much as there is room for

/// For reading; symlinks on the way and at the end of `path` are followed.
Result<UniqueFd> open_directory(const std::string& path);
/// Makes the directory (0700) unless it is there, and opens it.
Result<UniqueFd> make_directory(int parent, const std::string& name);
/// An empty regular file for writing: the one that is there, a new one (0600) where nothing is, or where a
/// symlink or a file is that may not be written. `follow` goes through a symlink to a file that exists.
Result<UniqueFd> make_file(int parent, const std::string& name, bool follow);
/// A symlink, in the place of nothing, a symlink or a regular file.
Status make_symlink(int parent, const std::string& name, const std::string& target,
                    std::int64_t modified_unix_ns);
/// Into a file that was empty: pieces that are all zero become holes, so that what takes no room in a sandbox
/// takes none here. finish_file() then gives it its size.
Status write_sparse(int file, std::string_view bytes, std::uint64_t offset);
Status finish_file(int file, std::uint64_t size);
/// The permissions that new files of this process do not get (umask(2)), read without changing them.
unsigned process_umask();
/// Of a directory, special bits that it has are kept; a file has none afterwards.
Status set_attributes(int fd, const Attributes& attributes);

}  // namespace rexec::sandbox
