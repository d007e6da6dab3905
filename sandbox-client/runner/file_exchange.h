// Putting a new file in the place of an old one only if the old one is still what was read, without losing
// what others do to it at the same moment.
//
// A look before the rename is not enough: somebody may write between the two. So both names are exchanged
// (RENAME_EXCHANGE, renameat2(2)), and the exchange is undone when what came out is not what was read. Those
// who write in place hold the old file open, and would go on writing where nobody looks any more; a read
// lease (fcntl(2), F_SETLEASE) tells whether there are any, and holds up those who come meanwhile. Who had
// the old file open only for reading keeps reading it.
//
// Between an exchange and its undoing the name holds a version that lacks what others wrote. Who finds that
// it does not fit cannot tell; so the new file is locked (flock(2)) meanwhile, and whoever works in this way
// waits for the lock before it says so: settled().
//
// Where leases are not to be had (a file of somebody else, some file systems), the contents are compared once
// more after the exchange instead; without RENAME_EXCHANGE, a look just before the rename is all there is.
#pragma once

#include <string_view>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/file_target.h"

namespace rexec::runner {

enum class ExchangeResult {
  done,
  changed,  // by somebody else since it was read; nothing was done
  busy,     // somebody has it open for writing; nothing was done
  failed,   // errno; nothing was done
};

/// Puts the temporary file of `target`, whole and with its mode set, in the place of the file that `source`
/// is open for reading on and whose contents were `expected`. Reads all of it, at most kMaxEditedFile bytes.
ExchangeResult exchange_file(FileTarget& target, const Fd& source, std::string_view expected);

enum class Settled {
  yes,       // `source` is what the name of `target` stands for
  replaced,  // the name stands for another file, or none
  no,        // it may be put back any moment; ask again
};

/// Whether what `source` was read as is what the name stands for, and will be but for a new change.
Settled settled(const FileTarget& target, const Fd& source);

}  // namespace rexec::runner
