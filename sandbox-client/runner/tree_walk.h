// A walk over a directory tree that others may be changing meanwhile.
//
// Everything is opened relative to its directory's descriptor and without following symlinks, so the walk
// cannot leave the tree that it began in, whatever is renamed or replaced under it; what vanishes is left
// out. Nothing but directories is opened here. The order is bytewise on the whole path ("a", "a-b", "a/c"),
// so a walk can begin behind any path. Below the root, the kernel's own file systems (proc, sysfs and the
// like) are not entered.
//
// Bounded: kMaxTreeDepth descriptors, and about kMaxHeldNames names. A directory with more is read again for
// each further part.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/wire_tree.h"

namespace rexec::runner {

/// What of a tree is wanted. Paths are relative to the root.
class TreeFilter {
 public:
  virtual ~TreeFilter() = default;
  virtual bool lists(std::string_view path, std::string_view name) const = 0;
  /// `depth` of the directory: 1 below the root.
  virtual bool enters(std::string_view path, std::string_view name, std::size_t depth) const = 0;
};

class TreeWalk {
 public:
  static constexpr std::size_t kMaxHeldNames = 32768;
  static constexpr std::size_t kMinHeldNames = 64;  // of each directory

  enum class Step { entry, end, late };

  /// `root` is a directory. `filter` outlives this. Ends with `late` after `deadline_us` (monotonic_us()).
  TreeWalk(Fd root, const TreeFilter& filter, std::string after, std::uint64_t deadline_us,
           std::size_t max_held = kMaxHeldNames);

  Step next();

  // Of the entry, until the next step:
  const std::string& path() const { return path_; }
  const char* name() const { return path_.c_str() + levels_.back().prefix; }
  int directory() const { return levels_.back().directory.get(); }  // that it is in
  unsigned char type() const { return type_; }                      // DT_… (readdir(3)), never DT_UNKNOWN

  /// Where the walk is: a path before everything that it has not come to, "" at first. Going on behind it, or
  /// behind the last entry if that sorts later, repeats nothing.
  std::string_view position() const;
  const TreeGaps& gaps() const { return gaps_; }

 private:
  /// The name of an entry, or a name with "/": what is below it.
  struct Key {
    std::string text;
    unsigned char type;
  };
  struct Level {
    Fd directory;
    dev_t device = 0;
    std::size_t prefix = 0;  // length of the directory's path with its "/"
    std::string floor;       // nothing up to here is wanted, except below what it is below itself
    std::string last;        // key that was taken last
    std::vector<Key> keys;   // the smallest behind it, the next one at the back
    bool complete = false;   // there are no others
  };

  bool late() const;
  bool refill(Level& level);
  void consider(Level& level, std::string_view name, unsigned char type, std::size_t room);
  void hold(Level& level, std::string text, unsigned char type, std::size_t room);
  void enter(const std::string& name);
  void leave();

  const TreeFilter& filter_;
  const std::uint64_t deadline_us_;
  const std::size_t max_held_;
  std::vector<Level> levels_;
  std::size_t held_ = 0;
  std::string path_;
  unsigned char type_ = 0;
  bool kernel_root_ = false;  // the root itself is in one of the kernel's file systems
  TreeGaps gaps_;
};

}  // namespace rexec::runner
