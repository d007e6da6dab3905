// Starts programs from one thread that lives from the first start until the Spawner's end.
//
// Why a thread: PR_SET_PDEATHSIG (and so bwrap --die-with-parent) fires when the *thread* that created the
// child ends, not its process (prctl(2)). A child started from a worker would die with the worker.
//
// A child gets exactly the descriptors named for it, a session of its own (so that signals of a terminal
// reach the server alone), default signal dispositions, umask 022 and cwd "/". It is killed when this process
// ends, unless it is to outlive it.
#pragma once

#include <sys/types.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/deadline.h"
#include "base/fd.h"
#include "base/result.h"
#include "base/thread_annotations.h"

namespace rexec::sandbox {

struct ResourceLimit {
  int resource = 0;         // RLIMIT_…
  std::uint64_t value = 0;  // both soft and hard; lowered to the present hard limit where that is lower
};

struct SpawnRequest {
  std::string program;                 // a path
  std::vector<std::string> arguments;  // with argv[0]
  std::vector<std::string> environment;
  std::array<int, 3> standard{-1, -1, -1};  // become 0, 1 and 2
  std::vector<int> inherited;               // keep their numbers
  std::optional<uid_t> uid;                 // become this user and group, with no other groups, before exec
  std::vector<ResourceLimit> limits;
  bool outlives = false;  // this process; otherwise the child is killed when this process ends
};

/// A child of ours; reaped by whoever waits for `pidfd` (waitid(2), P_PIDFD).
struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

/// resource_exhausted: that the machine does not let this process have another thread.
Error no_thread();

class Spawner {
 public:
  Spawner() = default;
  /// Children that still live are killed by the kernel, their descriptors stay valid.
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// Any thread. All descriptors of the request are above 2 and stay the caller's. Returns when the program
  /// has been executed, or with the step that failed: not_found when there is no such program,
  /// resource_exhausted when there can be no thread for it (the next call tries again). An op that has ended
  /// before the call starts nothing; one that ends during it is not noticed, as a start takes milliseconds.
  Result<Spawned> spawn(const SpawnRequest& request, const Op& op);

 private:
  struct Job {
    const SpawnRequest* request;
    std::optional<Result<Spawned>> result;
  };

  void run(const std::stop_token& stop);

  Mutex mutex_;
  CondVar changed_;
  std::deque<Job*> jobs_ REXEC_GUARDED_BY(mutex_);  // one for each caller that waits, at most
  std::jthread thread_ REXEC_GUARDED_BY(mutex_);    // since the first spawn()
};

}  // namespace rexec::sandbox
