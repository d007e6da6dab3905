// How much room a directory tree takes on its disk, counted in pieces while others change it.
//
// Allocated blocks, as du(1) counts them. A file with several names is shared out among them, so that it
// counts once when all are inside. Other file systems that are mounted inside are left out. Files that were
// removed while somebody has them open have no name, and are not counted.
//
// Bounded: one descriptor and one position for each level; no names are kept.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox-client/runner/fd.h"

namespace rexec::runner {

class DiskCount {
 public:
  static constexpr std::size_t kMaxDepth = 1024;  // no ordinary tree is deeper

  enum class Step { unfinished, counted, too_deep };

  explicit DiskCount(const std::string& root);

  /// Looks at about `entries` more. A directory that its owner may not read is made readable for a moment;
  /// what cannot be opened then counts as empty.
  Step advance(std::size_t entries);
  /// So far; of the whole tree once it is counted.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Level {
    Fd directory;
    off_t position = 0;  // as d_off of readdir(3): behind what was looked at
  };

  enum class Part { unfinished, ended, entered, too_deep };
  Part read_part(std::size_t& left);

  dev_t device_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<Level> levels_;
};

}  // namespace rexec::runner
