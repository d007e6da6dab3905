// Removes a directory tree that somebody else filled.
//
// Symbolic links are removed, never followed; names are resolved one component at a time from descriptors
// (openat(2)), so nothing outside the tree can be touched whatever is in it. Directories without permissions
// are opened up first. Trees of any depth are removed with a constant number of descriptors and no recursion:
// a directory below the first level is moved up to the top before it is emptied. Only what lies on the tree's
// own file system is entered.
#pragma once

#include <string>

#include "base/deadline.h"
#include "base/result.h"

namespace rexec::sandbox {

/// Removes the directory `name` in the directory `parent` with everything in it; a tree that is not there is
/// already removed. May block within op; when it is given up or fails, what remains can be removed by another
/// call. Entries that appear meanwhile are removed too, up to a bounded number of rounds.
Status remove_tree(int parent, const std::string& name, const Op& op);

}  // namespace rexec::sandbox
