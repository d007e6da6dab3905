// The memory of one process as procfs tells it (proc(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace rexec::runner {

/// Bytes in memory that belong to no file, those that are shared with others counted in full: never less than
/// its share. 0 when there is no such process.
std::uint64_t resident_at_most(pid_t pid);

/// The same with what is shared divided by the number of its users; costs a walk over the process's pages.
/// Where the kernel does not tell, as of a process that must not be looked into, resident_at_most().
std::uint64_t resident_share(pid_t pid);

}  // namespace rexec::runner
