// A runner client whose runner is played by the test.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "sandbox-client/runner_client_times.h"
#include "tests/support/catch.h"
#include "tests/support/fake_wire.h"

namespace rexec::test {

/// Where a completion goes: counts how often it comes.
template <class T>
class Outcome {
 public:
  sandbox::Completion<T> take() {
    return [state = state_](Result<T> result) {
      const MutexLock lock(state->mutex);
      ++state->count;
      state->result = std::move(result);
      state->came.notify_all();
    };
  }
  int count() const {
    const MutexLock lock(state_->mutex);
    return state_->count;
  }
  Result<T> wait() const {
    MutexLock lock(state_->mutex);
    const auto end = std::chrono::steady_clock::now() + FakeWire::kLimit;
    while (!state_->result)
      if (state_->came.wait_until(lock, end) == std::cv_status::timeout && !state_->result)
        return Error{ErrorCode::internal, "the completion did not come"};
    return *state_->result;
  }

 private:
  struct State {
    Mutex mutex;
    CondVar came;
    int count REXEC_GUARDED_BY(mutex) = 0;
    std::optional<Result<T>> result REXEC_GUARDED_BY(mutex);
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline sandbox::RunnerTimes quick() {
  sandbox::RunnerTimes times;
  times.kill_bound = std::chrono::milliseconds(50);
  times.ping_every = std::chrono::milliseconds(20);
  times.silence = std::chrono::milliseconds(60);
  return times;
}

struct RunnerFixture {
  std::unique_ptr<sandbox::Reactor> reactor = sandbox::make_reactor();
  FakeWire wire;
  std::atomic<int> lost = 0;
  std::shared_ptr<sandbox::Runner> runner;

  explicit RunnerFixture(bool resumes = false, sandbox::RunnerTimes times = {}) { open(resumes, times); }
  RunnerFixture(const RunnerFixture&) = delete;
  RunnerFixture& operator=(const RunnerFixture&) = delete;
  ~RunnerFixture() { runner.reset(); }

  void open(bool resumes, sandbox::RunnerTimes times) {
    sandbox::Reconnect reconnect;
    if (resumes)
      reconnect = [this](const Op&) -> Result<std::unique_ptr<sandbox::Channel>> {
        return wire.connect(*reactor);
      };
    sandbox::RunnerSettings settings;
    settings.env = {{"LANG", "C.UTF-8"}, {"PAGER", "cat"}};
    auto made = sandbox::make_runner_client(
        wire.connect(*reactor), *reactor, settings, reconnect, [this](const Error&) { ++lost; }, times, Op{});
    REQUIRE(made.ok());
    runner = *made;
  }
  WireFrame next(runner::MessageType type) {
    auto frame = wire.next(type);
    REQUIRE(frame);
    return *std::move(frame);
  }
};

inline sandbox::ProcessSpec command(std::string text) {
  sandbox::ProcessSpec spec;
  spec.command = std::move(text);
  return spec;
}

inline sandbox::WaitSpec to_exit(std::size_t head = 1000, std::size_t tail = 1000) {
  sandbox::WaitSpec wait;
  wait.head = head;
  wait.tail = tail;
  wait.wait = std::chrono::seconds(30);
  return wait;
}

inline runner::Report ended(std::uint64_t process, std::string out = {}) {
  runner::Report report;
  report.process = process;
  report.pid = 12;
  report.status = runner::ProcessStatus::exited;
  report.streams[0].produced = out.size();
  report.streams[0].tail_offset = out.size();
  report.streams[0].head = std::move(out);
  report.streams[0].end = report.streams[1].end = true;
  return report;
}

inline runner::Failure failure(int number, std::string step) {
  return runner::Failure{number, std::move(step), "text"};
}

}  // namespace rexec::test
