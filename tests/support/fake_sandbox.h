// Sandboxes that do what a test tells them: a Runner, a SandboxManager and a Backend without processes.
//
// Behaviour is set by lambdas before the object is used; every call is recorded. A lambda that is not set
// answers unsupported. All are thread-safe as far as the lambdas are.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "sandbox-client/backend.h"
#include "sandbox-client/manager.h"
#include "sandbox-client/runner_client.h"

namespace rexec::test {

/// A report on a process that has ended, or that runs, with all of its output in `head`.
sandbox::ProcessReport exited_report(std::uint64_t process, int exit_code, std::string out,
                                     std::string err = {});
sandbox::ProcessReport running_report(std::uint64_t process, std::string out, std::string err = {});

/// Runner by lambdas. A lambda may complete at once, on another thread, or later; give_up_by_op helps with
/// the last. `calls` has one line for each call: "start echo hi", "read_file /home/user/a".
class FakeRunner final : public sandbox::Runner {
 public:
  std::function<void(sandbox::ProcessSpec, sandbox::WaitSpec, Op,
                     sandbox::Completion<sandbox::ProcessReport>)>
      on_start;
  std::function<void(std::uint64_t, sandbox::WaitSpec, Op, sandbox::Completion<sandbox::ProcessReport>)>
      on_wait;
  std::function<void(std::uint64_t, int, std::uint64_t, std::size_t, Op,
                     sandbox::Completion<sandbox::OutputPart>)>
      on_read_output;
  std::function<void(std::uint64_t, std::string, bool, Op, sandbox::Completion<sandbox::InputState>)>
      on_write_input;
  std::function<void(std::uint64_t, int, sandbox::SignalScope, Duration, std::string, Op,
                     sandbox::Completion<void>)>
      on_signal;
  std::function<void(bool, Op, sandbox::Completion<sandbox::ProcessEntries>)> on_list;
  std::function<void(sandbox::TerminalSpec, Op, sandbox::Completion<sandbox::TerminalReport>)>
      on_open_terminal;
  std::function<void(std::uint64_t, sandbox::TerminalWait, Op, sandbox::Completion<sandbox::TerminalReport>)>
      on_wait_terminal;
  std::function<void(std::uint64_t, std::string, Op, sandbox::Completion<sandbox::InputState>)>
      on_write_terminal;
  std::function<void(std::uint64_t, std::uint64_t, std::string, Op, sandbox::Completion<void>)>
      on_answer_terminal;
  std::function<void(std::uint64_t, sandbox::TerminalSize, Op, sandbox::Completion<void>)> on_resize_terminal;
  std::function<void(std::uint64_t, Duration, Op, sandbox::Completion<void>)> on_close_terminal;
  std::function<void(Op, sandbox::Completion<std::vector<sandbox::TerminalEntry>>)> on_list_terminals;
  std::function<void(std::uint64_t, sandbox::TerminalCheckpoint, Op, sandbox::Completion<void>)>
      on_put_checkpoint;
  std::function<void(std::uint64_t, Op, sandbox::Completion<sandbox::TerminalCheckpoint>)> on_get_checkpoint;
  std::function<void(std::string, bool, Op, sandbox::Completion<sandbox::FileInfo>)> on_stat_file;
  std::function<void(std::string, std::uint64_t, std::size_t, Op, sandbox::Completion<sandbox::FileData>)>
      on_read_file;
  std::function<void(std::string, sandbox::LineRange, Op, sandbox::Completion<sandbox::FileData>)>
      on_read_lines;
  std::function<void(sandbox::WriteSpec, Op, sandbox::Completion<sandbox::FileWritten>)> on_write_file;
  std::function<void(sandbox::EditSpec, Op, sandbox::Completion<sandbox::FileEdited>)> on_edit_file;
  std::function<void(sandbox::EntrySpec, Op, sandbox::Completion<void>)> on_make_entry;
  std::function<void(sandbox::RangeSpec, Op, sandbox::Completion<void>)> on_write_range;
  std::function<void(sandbox::ListSpec, Op, sandbox::Completion<sandbox::Listing>)> on_list_files;
  std::function<void(sandbox::SearchSpec, Op, sandbox::Completion<sandbox::SearchResult>)> on_search_files;

  sandbox::RunnerInfo description;
  std::atomic<bool> is_alive = true;

  std::vector<std::string> calls() const;

  sandbox::RunnerInfo info() const override { return description; }
  bool alive() const override { return is_alive; }
  void close() override { is_alive = false; }
  void start(sandbox::ProcessSpec spec, sandbox::WaitSpec wait, Op op,
             sandbox::Completion<sandbox::ProcessReport> done) override;
  void wait(std::uint64_t process, sandbox::WaitSpec wait, Op op,
            sandbox::Completion<sandbox::ProcessReport> done) override;
  void read_output(std::uint64_t process, int stream, std::uint64_t offset, std::size_t max, Op op,
                   sandbox::Completion<sandbox::OutputPart> done) override;
  void write_input(std::uint64_t process, std::string bytes, bool close, Op op,
                   sandbox::Completion<sandbox::InputState> done) override;
  void signal(std::uint64_t process, int number, sandbox::SignalScope scope, Duration kill_after,
              std::string reason, Op op, sandbox::Completion<void> done) override;
  void list(bool all, Op op, sandbox::Completion<sandbox::ProcessEntries> done) override;
  void open_terminal(sandbox::TerminalSpec spec, Op op,
                     sandbox::Completion<sandbox::TerminalReport> done) override;
  void wait_terminal(std::uint64_t terminal, sandbox::TerminalWait wait, Op op,
                     sandbox::Completion<sandbox::TerminalReport> done) override;
  void write_terminal(std::uint64_t terminal, std::string bytes, Op op,
                      sandbox::Completion<sandbox::InputState> done) override;
  void answer_terminal(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
                       sandbox::Completion<void> done) override;
  void resize_terminal(std::uint64_t terminal, sandbox::TerminalSize size, Op op,
                       sandbox::Completion<void> done) override;
  void close_terminal(std::uint64_t terminal, Duration grace, Op op, sandbox::Completion<void> done) override;
  void list_terminals(Op op, sandbox::Completion<std::vector<sandbox::TerminalEntry>> done) override;
  void put_checkpoint(std::uint64_t terminal, sandbox::TerminalCheckpoint checkpoint, Op op,
                      sandbox::Completion<void> done) override;
  void get_checkpoint(std::uint64_t terminal, Op op,
                      sandbox::Completion<sandbox::TerminalCheckpoint> done) override;
  void stat_file(std::string path, bool follow, Op op, sandbox::Completion<sandbox::FileInfo> done) override;
  void read_file(std::string path, std::uint64_t offset, std::size_t max, Op op,
                 sandbox::Completion<sandbox::FileData> done) override;
  void read_lines(std::string path, sandbox::LineRange range, Op op,
                  sandbox::Completion<sandbox::FileData> done) override;
  void write_file(sandbox::WriteSpec spec, Op op, sandbox::Completion<sandbox::FileWritten> done) override;
  void edit_file(sandbox::EditSpec spec, Op op, sandbox::Completion<sandbox::FileEdited> done) override;
  void make_entry(sandbox::EntrySpec spec, Op op, sandbox::Completion<void> done) override;
  void write_range(sandbox::RangeSpec spec, Op op, sandbox::Completion<void> done) override;
  void list_files(sandbox::ListSpec spec, Op op, sandbox::Completion<sandbox::Listing> done) override;
  void search_files(sandbox::SearchSpec spec, Op op,
                    sandbox::Completion<sandbox::SearchResult> done) override;

 private:
  void record(std::string line);

  mutable Mutex mutex_;
  std::vector<std::string> calls_ REXEC_GUARDED_BY(mutex_);
};

/// A completion that comes when the op is given up, and not before: what a call that waits for ever looks
/// like. Keep the returned object for as long as the call may last.
template <class T>
std::shared_ptr<void> give_up_by_op(const Op& op, sandbox::Completion<T> done) {
  auto callback = [done = std::move(done)] { done(Error{ErrorCode::cancelled, "the call was given up"}); };
  return std::make_shared<std::stop_callback<decltype(callback)>>(op.stop, std::move(callback));
}

/// One principal's sandboxes by name, all served by FakeRunners. "default" is made on first use.
class FakeSandboxManager final : public sandbox::SandboxManager {
 public:
  /// Called for every sandbox that is made, to set the behaviour of its runner.
  std::function<void(const std::string& name, FakeRunner&)> on_new_runner;
  /// What handles answer about a process (SandboxHandle::limit_reason).
  std::function<std::string(std::uint64_t process)> limit_reason;
  /// Set to make acquire, create and control fail.
  std::function<Status(const std::string& name)> check;

  FakeSandboxManager();
  ~FakeSandboxManager() override;

  /// The runner of a sandbox, made when there is none.
  FakeRunner& runner(const std::string& name = "default");
  /// What create() was asked for, in the order of the calls.
  std::vector<sandbox::SandboxSpec> created() const;
  /// The next acquire of the default sandbox says that it was made anew.
  void lose_default();

  Result<sandbox::SandboxHandle> acquire(const sandbox::Caller& caller,
                                         const std::optional<std::string>& name, const Op& op) override;
  std::optional<Result<sandbox::SandboxHandle>> try_acquire(const sandbox::Caller& caller,
                                                            const std::optional<std::string>& name) override;
  Result<sandbox::SandboxHandle> find(const sandbox::Caller& caller, const std::string& name,
                                      const Op& op) override;
  Result<sandbox::SandboxRecord> create(const sandbox::Caller& caller, sandbox::CreateRequest request,
                                        const Op& op) override;
  Result<std::vector<sandbox::SandboxRecord>> list(const sandbox::Caller& caller, const Op& op) override;
  Result<sandbox::SandboxRecord> control(const sandbox::Caller& caller, const std::string& name,
                                         sandbox::ControlAction action, std::optional<Duration> expires_in,
                                         const Op& op) override;
  sandbox::Backend& backend() override;
  void shutdown() override {}

 private:
  struct Entry {
    sandbox::SandboxRecord record;
    std::shared_ptr<FakeRunner> runner;
  };
  Entry entry(const std::string& name);

  mutable Mutex mutex_;
  std::map<std::string, Entry> entries_ REXEC_GUARDED_BY(mutex_);
  std::vector<sandbox::SandboxSpec> created_ REXEC_GUARDED_BY(mutex_);
  bool recreated_ REXEC_GUARDED_BY(mutex_) = false;
  std::unique_ptr<sandbox::Backend> backend_;
};

/// Sandboxes that are only records. open_channel answers what `on_open_channel` gives.
class FakeBackend final : public sandbox::Backend {
 public:
  std::function<Status(const sandbox::SandboxSpec&, const Op&)> on_create;  // before the record is made
  std::function<Result<std::unique_ptr<sandbox::Channel>>(const sandbox::SandboxId&, const Op&)>
      on_open_channel;
  std::function<Status(const sandbox::SandboxId&, const Op&)> on_stop;     // before the record changes
  std::function<Status(const sandbox::SandboxId&, const Op&)> on_destroy;  // before the record goes
  sandbox::Capabilities can{true, true, true, true};
  std::vector<sandbox::Finding> findings{{"fake", true, true, "always there", ""}};  // what diagnose answers

  /// "create default", "start id", "stop id", "destroy id", "open id", in the order of the calls.
  std::vector<std::string> calls() const;
  std::size_t sandboxes() const;

  std::string_view name() const override { return "fake"; }
  sandbox::Capabilities capabilities() const override { return can; }
  Result<sandbox::SandboxRecord> create(const sandbox::SandboxSpec& spec, const Op& op) override;
  Result<std::vector<sandbox::SandboxRecord>> list(const Op& op) override;
  Status start(const sandbox::SandboxId& id, const Op& op) override;
  Status stop(const sandbox::SandboxId& id, const Op& op) override;
  Status destroy(const sandbox::SandboxId& id, const Op& op) override;
  Result<std::unique_ptr<sandbox::Channel>> open_channel(const sandbox::SandboxId& id, const Op& op) override;
  std::vector<sandbox::Finding> diagnose(const Op& op) override;

 private:
  Status change(const std::string& what, const sandbox::SandboxId& id, sandbox::SandboxStatus status);
  void record(std::string line);

  mutable Mutex mutex_;
  std::uint64_t made_ REXEC_GUARDED_BY(mutex_) = 0;
  std::map<sandbox::SandboxId, sandbox::SandboxRecord> records_ REXEC_GUARDED_BY(mutex_);
  std::vector<std::string> calls_ REXEC_GUARDED_BY(mutex_);
};

/// Time that stands still until a test moves it. It lies far in the past of the real one, so that a reactor's
/// timers at its times fire at once, and whoever set them looks at this clock.
class FakeClock final : public Clock {
 public:
  SteadyTime now() const override { return SteadyTime(Duration(nanoseconds_.load())); }
  std::int64_t unix_ms() const override { return 1'700'000'000'000 + nanoseconds_.load() / 1'000'000; }
  void advance(Duration by) { nanoseconds_ += by.count(); }

 private:
  std::atomic<std::int64_t> nanoseconds_{-std::int64_t{90} * 24 * 3600 * 1'000'000'000};
};

}  // namespace rexec::test
