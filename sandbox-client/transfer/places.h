// Where a copy goes, and which names may be believed. No I/O.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox-client/transfer/transfer.h"

namespace rexec::sandbox {

inline constexpr std::size_t kPartBytes = 1 << 20;  // of a file, in one request
inline constexpr std::size_t kMaxNameBytes = 255;   // NAME_MAX
inline constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX - 1

/// The name under which `path` goes into a directory: its last part. Empty for what has no name of its own,
/// "/", "." or what ends in "/." or "/..": then its contents go.
std::string base_name(std::string_view path);
/// The directory that the last part of `path` is in; "." where there is none.
std::string directory_name(std::string_view path);
/// `path` of a directory without "/." and slashes at its end, for the names of what is in it.
std::string without_dots(std::string_view path);
std::string path_in(std::string_view directory, std::string_view name);
std::string in_quotes(std::string_view path);

/// What is at the destination, symlinks followed.
enum class Present { nothing, directory, file, other };

struct Target {
  bool inside = false;  // in the destination, under the source's name; else it is the destination
  bool merged = false;  // the source's contents go into the destination, which keeps its mode
  bool follow = false;  // the destination is an existing file, perhaps by way of a symlink
};

/// `source_name` as of base_name. An error says why the one cannot be copied to the other.
Result<Target> choose_target(bool source_is_directory, std::string_view source_name, Present present,
                             std::string_view destination);

/// Whether `path` of a listing is one below its root: single names between slashes, none of them "." or "..",
/// nothing too long, at most `depth` of them.
bool is_inside(std::string_view path, std::size_t depth);

/// Whether the whole copy ends with this error, as what caused it concerns all that would follow.
bool ends_copy(ErrorCode code);

/// A directory with `depth` directories above it, the root included.
Error too_deep(std::string_view path, std::size_t depth);
Error changed_meanwhile(std::string_view path);

}  // namespace rexec::sandbox
