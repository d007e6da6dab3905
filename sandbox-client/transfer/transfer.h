// Copies files and trees between this machine and a sandbox.
//
// Like cp -r: a directory as destination gets the copy under the source's name (a source that ends in "/." or
// is a root gives its contents instead), anything else is the name of the copy. Permission bits (0777, on
// their way out less the umask) and modification times are kept, the latter to the millisecond on their way
// out; owners are not. On their way out zeros become holes of files. Symlinks are
// copied as such, and none below the source or the destination is followed; the two themselves are. Files
// and symlinks replace one another, in place where that is possible; directories are merged, and neither
// replace files nor are replaced. What is no file, directory or symlink is skipped.
//
// Nothing that comes from the sandbox is believed. What copy_out makes is made by single names relative to
// directories that it has opened itself, never through a symlink, so it lies in the destination whatever the
// other side says. Memory is bounded by TransferLimits, whatever the size of a file or tree.
//
// The functions block until all is done and nothing is outstanding any more, and call the observer from the
// calling thread only. What cannot be copied is a problem, and the copy goes on; the result is an error when
// it ended early: the source or destination cannot be used, op was given up, the sandbox is gone, a limit was
// hit. What was copied by then stays; the file that was under way is incomplete.
//
// Paths in the sandbox are absolute (resolve_path).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/deadline.h"
#include "base/result.h"
#include "sandbox-client/runner_client.h"

namespace rexec::sandbox {

struct TransferCounts {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;  // made, or met
  std::uint64_t symlinks = 0;
  std::uint64_t bytes = 0;  // of contents, those of incomplete files too
  std::uint64_t skipped = 0;
  std::uint64_t errors = 0;
};

class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  /// Something was done. Comes once for each part of a file, so it is cheap.
  virtual void progress(const TransferCounts& counts) = 0;
  /// Something was not copied: one of `errors` or, with `skipped`, of `skipped`. The message names it, with
  /// bytes as they are in names; it may come from the sandbox.
  virtual void problem(const std::string& message, bool skipped) = 0;
};

struct TransferLimits {
  std::size_t requests = 16;           // in flight, each with at most 1 MiB
  std::uint64_t entries = 16 << 20;    // of one tree that is copied out
  std::size_t depth = 64;              // directories below one another
  std::size_t open_directories = 256;  // on this machine at the same time
  std::uint32_t page = 4096;           // entries asked for at once
};

Status copy_in(Runner& runner, const std::string& source, const std::string& destination,
               TransferObserver& observer, const Op& op, const TransferLimits& limits = {});
Status copy_out(Runner& runner, const std::string& source, const std::string& destination,
                TransferObserver& observer, const Op& op, const TransferLimits& limits = {});

/// Gives at most `size` bytes; 0 at the end.
using ReadSome = std::function<Result<std::size_t>(char* bytes, std::size_t size)>;
/// Takes all bytes.
using WriteAll = std::function<Status(const std::string& bytes)>;

/// To one file, which keeps its mode; a new one has 0644.
Status copy_in_stream(Runner& runner, const ReadSome& read, const std::string& destination,
                      TransferObserver& observer, const Op& op, const TransferLimits& limits = {});
/// Of one file. An error is the whole result: there is no other file to go on with.
Status copy_out_stream(Runner& runner, const std::string& source, const WriteAll& write,
                       TransferObserver& observer, const Op& op, const TransferLimits& limits = {});

}  // namespace rexec::sandbox
