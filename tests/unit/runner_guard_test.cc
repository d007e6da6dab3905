#include <signal.h>

#include <cerrno>
#include <limits>
#include <utility>
#include <vector>

#include "sandbox-client/runner/guard.h"
#include "tests/support/catch.h"

namespace rexec::runner {

struct GuardTestAccess {
  static Descendant descendant(pid_t pid) { return Descendant(pid, Fd()); }
};

namespace {

/// Remembers instead of sending.
class Recorder final : public Guard::Sender {
 public:
  int to_group(pid_t group, int number) override {
    groups.emplace_back(group, number);
    return 0;
  }
  int to_process(pid_t pid, int, int number) override {
    processes.emplace_back(pid, number);
    return 0;
  }

  std::vector<std::pair<pid_t, int>> groups;
  std::vector<std::pair<pid_t, int>> processes;
};

// Numbers that kill(2) would understand as something else than a child.
const pid_t kDangerous[] = {0, 1, -1, -2, std::numeric_limits<pid_t>::min(), ::getpid(), ::getpgrp()};

}  // namespace

TEST_CASE("The guard signals the groups of its children only", "[runner]") {
  Recorder recorder;
  Guard guard(recorder);
  CHECK(guard.signal_group(4242, SIGTERM) == EPERM);
  CHECK(guard.started(4242));
  CHECK(guard.signal_group(4242, SIGTERM) == 0);
  CHECK(guard.signal_group(4243, SIGTERM) == EPERM);
  guard.reaped(4242);
  CHECK(guard.signal_group(4242, SIGKILL) == EPERM);
  CHECK(recorder.groups == std::vector<std::pair<pid_t, int>>{{4242, SIGTERM}});
  CHECK(recorder.processes.empty());
}

TEST_CASE("The guard never lets a number through that means more than a child", "[runner]") {
  Recorder recorder;
  Guard guard(recorder);
  for (const pid_t pid : kDangerous) {
    CAPTURE(pid);
    CHECK_FALSE(guard.started(pid));
    for (const int number : {SIGTERM, SIGKILL, SIGCONT}) {
      CHECK(guard.signal_group(pid, number) == EPERM);
      CHECK(guard.signal_descendant(GuardTestAccess::descendant(pid), number) == EPERM);
    }
  }
  CHECK(recorder.groups.empty());
  CHECK(recorder.processes.empty());
}

TEST_CASE("The guard signals a proven descendant by itself", "[runner]") {
  Recorder recorder;
  Guard guard(recorder);
  CHECK(guard.signal_descendant(GuardTestAccess::descendant(777), SIGKILL) == 0);
  CHECK(recorder.processes == std::vector<std::pair<pid_t, int>>{{777, SIGKILL}});
  CHECK(recorder.groups.empty());
}

TEST_CASE("The guard sends nothing that is no signal", "[runner]") {
  Recorder recorder;
  Guard guard(recorder);
  guard.started(4242);
  for (const int number : {0, -1, -9, 65, 1000}) {
    CHECK(guard.signal_group(4242, number) == EINVAL);
    CHECK(guard.signal_descendant(GuardTestAccess::descendant(777), number) == EINVAL);
  }
  CHECK(recorder.groups.empty());
  CHECK(recorder.processes.empty());
}

}  // namespace rexec::runner
