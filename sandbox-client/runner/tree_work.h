// Listing and searching trees: work of any length, for a process of its own (tree_service.h).
#pragma once

#include "sandbox-client/runner/wire_tree.h"

namespace rexec::runner {

/// False and `failure` when there is nothing to list: no such directory, a malformed glob.
bool list_tree(const ListFiles& wanted, Listing& listing, Failure& failure);

/// False and `failure` when nothing can be searched: no such file, a malformed pattern.
bool search_tree(const SearchFiles& wanted, SearchResult& result, Failure& failure);

}  // namespace rexec::runner
