// Starts one process.
//
// clone(CLONE_VM | CLONE_VFORK): the child borrows the runner's memory until execve(2), so nothing is copied,
// its failure is known exactly (which step, which errno) when clone returns, and the cost does not grow with
// the runner. The child runs on a stack of its own with all signals blocked and makes only system calls.
// Where that is not to be had (an emulator that turns it into a fork, the sanitizer build) fork(2) and a
// close-on-exec pipe do the same.
//
// The child leads a new session and process group, has default signal dispositions, an empty mask,
// descriptors 0 to 2 only, and the tag of its number (lineage.h). Given a terminal it has that as its
// controlling terminal, which makes its group the one in the foreground (tty_ioctl(4), TIOCSCTTY).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox-client/runner/fd.h"
#include "sandbox-client/runner/lineage.h"
#include "sandbox-client/runner/wire.h"

namespace rexec::runner {

struct SpawnRequest {
  std::uint64_t number = 0;       // for the tag
  std::string command;            // for the shell; or empty, then argv
  std::vector<std::string> argv;  // empty too: the shell by itself, which is interactive on a terminal
  std::vector<std::string> env;   // "NAME=value"
  std::string cwd;
  bool stdin_pipe = false;  // else /dev/null
  int terminal = -1;        // descriptor of a terminal that is to be all of 0 to 2; then there are no pipes
};

struct Spawned {
  pid_t pid = 0;
  Fd stdin_write;
  Fd output[kStreams];  // read ends, non-blocking
};

class Spawner {
 public:
  explicit Spawner(const Lineage& lineage) : lineage_(lineage) {}
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// Finds the shell (`preferred` when not empty) and out which way of starting works here.
  void open(const std::string& preferred_shell);

  /// Absolute path; empty when there is none.
  const std::string& shell() const { return shell_; }
  bool shares_memory() const { return shares_memory_; }

  /// True and `spawned`, or false and why not. A child that failed before execve has been waited for.
  bool spawn(const SpawnRequest& request, Spawned& spawned, Failure& failure);

 private:
  struct Plan;
  struct Outcome;

  static int child_entry(void* plan);
  [[noreturn]] static void fail(const Plan& plan, int step);
  static void run_child(const Plan& plan);
  bool probe_shared_memory();
  pid_t clone_child(Plan& plan);
  pid_t fork_child(Plan& plan);

  const Lineage& lineage_;
  std::string shell_;
  std::vector<std::string> shell_names_;
  bool shares_memory_ = false;
  Fd null_;
  char* stack_ = nullptr;
  Outcome* outcome_ = nullptr;  // in memory that a forked child shares as well
  // RLIMIT_NOFILE of commands, when the runner has raised its own; 0: as it is.
  std::uint64_t soft_files_ = 0;
  std::uint64_t hard_files_ = 0;
};

}  // namespace rexec::runner
