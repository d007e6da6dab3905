// The messages that make a tree in the sandbox, piece by piece: make_entry and write_range, each answered by
// done. Part of the protocol of wire.h.
//
// Both say where and what, never how much further, so carrying one out again changes nothing: not when it is
// sent anew after a lost connection, and not when the runner comes to the first copy after the second.
// Therefore `begin` does not truncate; the file gets its size with `finish`.
#pragma once

#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

/// A directory, which may be there already, or a symbolic link, which replaces a link or a regular file. A
/// symlink at the end of `path` is not followed.
struct MakeEntry {
  std::string path;               // absolute
  FileType type = FileType::dir;  // dir or symlink
  std::string target;             // of a symlink
  bool attributes = false;        // set mode (of a directory) and time; else a new directory has 0700
  std::uint32_t mode = 0;         // permission bits, 0777
  std::int64_t modified_unix_ns = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

/// Bytes of a regular file. `begin` makes the file (0600) where there is none, and puts a new one in the
/// place of a symlink, of a program that runs, or of a read-only file with several names; otherwise the file
/// has to be there.
struct WriteRange {
  std::string path;     // absolute
  bool follow = false;  // a symlink at the end of `path`
  std::uint64_t offset = 0;
  std::string data;  // at most kMaxData
  bool begin = false;
  bool finish = false;  // after writing: cut or extend to `size`, then mode and time where given
  std::uint64_t size = 0;
  bool mode_given = false;
  std::uint32_t mode = 0;  // permission bits, 0777
  bool modified_given = false;
  std::int64_t modified_unix_ns = 0;

  void encode(Writer& writer) const;
  bool decode(Reader& reader);
};

}  // namespace rexec::runner
