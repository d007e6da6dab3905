// A sandbox of the local backend with a client to its runner, for integration tests.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox-client/local/local_backend.h"
#include "sandbox-client/runner_client.h"
#include "tests/support/catch.h"

namespace rexec::test {

/// The limit of that name in a record; the test fails if there is none.
inline const sandbox::Limit& find_limit(const sandbox::SandboxRecord& record, std::string_view name) {
  const auto found = std::ranges::find(record.limits, name, &sandbox::Limit::name);
  INFO(name);
  REQUIRE(found != record.limits.end());
  return *found;
}

/// A state directory that ends with the test. Others may pass through it: the sandboxes of a server that runs
/// as root belong to another user.
class ScratchState {
 public:
  ScratchState() {
    std::string pattern = std::filesystem::temp_directory_path() / "rexec-local-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
    ::chmod(path_.c_str(), 0711);
  }
  ~ScratchState() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }
  /// Directories of sandboxes that are there.
  std::size_t sandboxes() const {
    std::size_t count = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path_ + "/sandboxes", error))
      if (entry.is_directory()) ++count;
    return count;
  }

 private:
  std::string path_;
};

struct Ran {
  int exit_code = -1;
  std::string out;
  std::string err;
  std::string error;  // of the client
};

inline constexpr std::chrono::seconds kCommandLimit{60};

/// Runs a command to its end.
inline Ran run_in(sandbox::Runner& runner, const std::string& command) {
  sandbox::ProcessSpec spec;
  spec.command = command;
  sandbox::WaitSpec wait;
  wait.wait = kCommandLimit;
  wait.head = 256 << 10;
  std::promise<Result<sandbox::ProcessReport>> promise;
  runner.start(spec, wait, Op{{}, Deadline::after(kCommandLimit)},
               [&promise](Result<sandbox::ProcessReport> report) { promise.set_value(std::move(report)); });
  const auto report = promise.get_future().get();
  if (!report) return {-1, "", "", report.error().message};
  if (report->status != sandbox::ProcessStatus::exited)
    return {-1, report->streams[0].head, report->streams[1].head, "did not exit"};
  return {report->exit_code, report->streams[0].head, report->streams[1].head, ""};
}

class LocalBox {
 public:
  struct Later {};

  explicit LocalBox(Later, std::string state = {}, sandbox::LocalOptions options = {})
      : path_(std::move(state)) {
    if (path_.empty()) path_ = own_state_.emplace().path();
    options.state_directory = path_;
    reactor_ = sandbox::make_reactor();
    backend_ = sandbox::make_local_backend(options, *reactor_);
  }
  explicit LocalBox(const sandbox::SandboxSpec& spec = {}, std::string state = {},
                    sandbox::LocalOptions options = {})
      : LocalBox(Later{}, std::move(state), std::move(options)) {
    create(spec);
  }
  ~LocalBox() { end(); }
  LocalBox(const LocalBox&) = delete;
  LocalBox& operator=(const LocalBox&) = delete;

  void create(const sandbox::SandboxSpec& spec) {
    auto record = backend_->create(spec, {});
    if (!record) {
      problem_ = record.error().message;
      return;
    }
    record_ = std::move(*record);
    connect();
  }
  bool connect() {
    disconnect();
    auto channel = backend_->open_channel(record_.id, {});
    if (!channel) {
      problem_ = channel.error().message;
      return false;
    }
    auto runner = sandbox::make_runner_client(std::move(*channel), *reactor_, record_.settings, {}, {},
                                              Op{{}, Deadline::after(kCommandLimit)});
    if (!runner) {
      problem_ = runner.error().message;
      return false;
    }
    runner_ = std::move(*runner);
    return true;
  }
  void disconnect() { runner_.reset(); }
  void end() {
    disconnect();
    backend_.reset();
  }

  bool ok() {
    if (!problem_.empty()) UNSCOPED_INFO(problem_);
    return runner_ != nullptr;
  }
  Ran run(const std::string& command) { return run_in(*runner_, command); }
  const sandbox::SandboxRecord& record() const { return record_; }
  sandbox::Backend& backend() { return *backend_; }
  sandbox::Reactor& reactor() { return *reactor_; }
  sandbox::Runner& runner() { return *runner_; }
  const ScratchState& state() const { return *own_state_; }

 private:
  std::optional<ScratchState> own_state_;  // unless the test has one
  std::string path_;
  std::unique_ptr<sandbox::Reactor> reactor_;
  std::unique_ptr<sandbox::Backend> backend_;
  sandbox::SandboxRecord record_;
  std::shared_ptr<sandbox::Runner> runner_;
  std::string problem_;
};

}  // namespace rexec::test
