// What make_entry and write_range do: a few system calls each, which never wait for a FIFO or a device.
//
// Nothing is kept between two requests. Symlinks on the way to the last part of a path are followed, as
// everywhere in the sandbox: whoever asks has all the rights of who could have put them there.
#pragma once

#include "sandbox-client/runner/wire_transfer.h"

namespace rexec::runner {

/// False with `failure`.
bool make_entry(const MakeEntry& wanted, Failure& failure);
bool write_range(const WriteRange& wanted, Failure& failure);

}  // namespace rexec::runner
