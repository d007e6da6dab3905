#include "tests/support/fake_sandbox.h"

namespace rexec::test {
namespace {

using sandbox::Completion;
using sandbox::SandboxRecord;
using sandbox::SandboxStatus;

Error unset(const char* what) {
  return Error{ErrorCode::unsupported, std::string("the test did not expect ") + what};
}

sandbox::StreamReport stream_report(std::string data, bool end) {
  sandbox::StreamReport report;
  report.produced = data.size();
  for (const char c : data) report.newlines += c == '\n' ? 1U : 0U;
  report.end = end;
  report.tail_offset = data.size();
  report.head = std::move(data);
  return report;
}

SandboxRecord fake_record(const std::string& name, const std::string& backend, const std::string& id) {
  SandboxRecord record;
  record.name = name;
  record.backend = backend;
  record.id = id;
  record.status = SandboxStatus::running;
  record.home = "/home/user";
  record.cwd = "/home/user";
  record.isolation = "none (fake)";
  record.created_unix_ms = 1'700'000'000'000;
  return record;
}

}  // namespace

sandbox::ProcessReport exited_report(std::uint64_t process, int exit_code, std::string out, std::string err) {
  sandbox::ProcessReport report = running_report(process, std::move(out), std::move(err));
  report.status = sandbox::ProcessStatus::exited;
  report.exit_code = exit_code;
  report.streams[0].end = true;
  report.streams[1].end = true;
  return report;
}

sandbox::ProcessReport running_report(std::uint64_t process, std::string out, std::string err) {
  sandbox::ProcessReport report;
  report.process = process;
  report.pid = static_cast<int>(process) + 100;
  report.started_unix_ms = 1'700'000'000'000;
  report.duration = std::chrono::milliseconds(2);
  report.streams[0] = stream_report(std::move(out), false);
  report.streams[1] = stream_report(std::move(err), false);
  return report;
}

void FakeRunner::record(std::string line) {
  const MutexLock lock(mutex_);
  calls_.push_back(std::move(line));
}

std::vector<std::string> FakeRunner::calls() const {
  const MutexLock lock(mutex_);
  return calls_;
}

void FakeRunner::start(sandbox::ProcessSpec spec, sandbox::WaitSpec wait, Op op,
                       Completion<sandbox::ProcessReport> done) {
  record("start " + (spec.command.empty() && !spec.argv.empty() ? spec.argv.front() : spec.command));
  if (!on_start) return done(unset("start"));
  on_start(std::move(spec), wait, std::move(op), std::move(done));
}

void FakeRunner::wait(std::uint64_t process, sandbox::WaitSpec wait, Op op,
                      Completion<sandbox::ProcessReport> done) {
  record("wait p" + std::to_string(process));
  if (!on_wait) return done(unset("wait"));
  on_wait(process, wait, std::move(op), std::move(done));
}

void FakeRunner::read_output(std::uint64_t process, int stream, std::uint64_t offset, std::size_t max, Op op,
                             Completion<sandbox::OutputPart> done) {
  record("read_output p" + std::to_string(process) + " " + std::to_string(stream) + " " +
         std::to_string(offset));
  if (!on_read_output) return done(unset("read_output"));
  on_read_output(process, stream, offset, max, std::move(op), std::move(done));
}

void FakeRunner::write_input(std::uint64_t process, std::string bytes, bool close, Op op,
                             Completion<sandbox::InputState> done) {
  record("write_input p" + std::to_string(process) + " " + bytes + (close ? " close" : ""));
  if (!on_write_input) return done(unset("write_input"));
  on_write_input(process, std::move(bytes), close, std::move(op), std::move(done));
}

void FakeRunner::signal(std::uint64_t process, int number, sandbox::SignalScope scope, Duration kill_after,
                        std::string reason, Op op, Completion<void> done) {
  record("signal p" + std::to_string(process) + " " + std::to_string(number));
  if (!on_signal) return done(unset("signal"));
  on_signal(process, number, scope, kill_after, std::move(reason), std::move(op), std::move(done));
}

void FakeRunner::list(bool all, Op op, Completion<sandbox::ProcessEntries> done) {
  record(all ? "list all" : "list");
  if (!on_list) return done(unset("list"));
  on_list(all, std::move(op), std::move(done));
}

void FakeRunner::open_terminal(sandbox::TerminalSpec spec, Op op, Completion<sandbox::TerminalReport> done) {
  record("open_terminal " + (spec.command.empty() && !spec.argv.empty() ? spec.argv.front() : spec.command));
  if (!on_open_terminal) return done(unset("open_terminal"));
  on_open_terminal(std::move(spec), std::move(op), std::move(done));
}

void FakeRunner::wait_terminal(std::uint64_t terminal, sandbox::TerminalWait wait, Op op,
                               Completion<sandbox::TerminalReport> done) {
  record("wait_terminal t" + std::to_string(terminal));
  if (!on_wait_terminal) return done(unset("wait_terminal"));
  on_wait_terminal(terminal, wait, std::move(op), std::move(done));
}

void FakeRunner::write_terminal(std::uint64_t terminal, std::string bytes, Op op,
                                Completion<sandbox::InputState> done) {
  record("write_terminal t" + std::to_string(terminal) + " " + bytes);
  if (!on_write_terminal) return done(unset("write_terminal"));
  on_write_terminal(terminal, std::move(bytes), std::move(op), std::move(done));
}

void FakeRunner::answer_terminal(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
                                 Completion<void> done) {
  record("answer_terminal t" + std::to_string(terminal) + " " + std::to_string(query_offset) + " " + bytes);
  if (!on_answer_terminal) return done(unset("answer_terminal"));
  on_answer_terminal(terminal, query_offset, std::move(bytes), std::move(op), std::move(done));
}

void FakeRunner::resize_terminal(std::uint64_t terminal, sandbox::TerminalSize size, Op op,
                                 Completion<void> done) {
  record("resize_terminal t" + std::to_string(terminal) + " " + std::to_string(size.cols) + "x" +
         std::to_string(size.rows));
  if (!on_resize_terminal) return done(unset("resize_terminal"));
  on_resize_terminal(terminal, size, std::move(op), std::move(done));
}

void FakeRunner::close_terminal(std::uint64_t terminal, Duration grace, Op op, Completion<void> done) {
  record("close_terminal t" + std::to_string(terminal));
  if (!on_close_terminal) return done(unset("close_terminal"));
  on_close_terminal(terminal, grace, std::move(op), std::move(done));
}

void FakeRunner::list_terminals(Op op, Completion<std::vector<sandbox::TerminalEntry>> done) {
  record("list_terminals");
  if (!on_list_terminals) return done(unset("list_terminals"));
  on_list_terminals(std::move(op), std::move(done));
}

void FakeRunner::put_checkpoint(std::uint64_t terminal, sandbox::TerminalCheckpoint checkpoint, Op op,
                                Completion<void> done) {
  record("put_checkpoint t" + std::to_string(terminal) + " " + std::to_string(checkpoint.offset));
  if (!on_put_checkpoint) return done(unset("put_checkpoint"));
  on_put_checkpoint(terminal, std::move(checkpoint), std::move(op), std::move(done));
}

void FakeRunner::get_checkpoint(std::uint64_t terminal, Op op, Completion<sandbox::TerminalCheckpoint> done) {
  record("get_checkpoint t" + std::to_string(terminal));
  if (!on_get_checkpoint) return done(unset("get_checkpoint"));
  on_get_checkpoint(terminal, std::move(op), std::move(done));
}

void FakeRunner::stat_file(std::string path, bool follow, Op op, Completion<sandbox::FileInfo> done) {
  record("stat_file " + path);
  if (!on_stat_file) return done(unset("stat_file"));
  on_stat_file(std::move(path), follow, std::move(op), std::move(done));
}

void FakeRunner::read_file(std::string path, std::uint64_t offset, std::size_t max, Op op,
                           Completion<sandbox::FileData> done) {
  record("read_file " + path);
  if (!on_read_file) return done(unset("read_file"));
  on_read_file(std::move(path), offset, max, std::move(op), std::move(done));
}

void FakeRunner::read_lines(std::string path, sandbox::LineRange range, Op op,
                            Completion<sandbox::FileData> done) {
  record("read_lines " + path);
  if (!on_read_lines) return done(unset("read_lines"));
  on_read_lines(std::move(path), range, std::move(op), std::move(done));
}

void FakeRunner::write_file(sandbox::WriteSpec spec, Op op, Completion<sandbox::FileWritten> done) {
  record("write_file " + spec.path);
  if (!on_write_file) return done(unset("write_file"));
  on_write_file(std::move(spec), std::move(op), std::move(done));
}

void FakeRunner::edit_file(sandbox::EditSpec spec, Op op, Completion<sandbox::FileEdited> done) {
  record("edit_file " + spec.path);
  if (!on_edit_file) return done(unset("edit_file"));
  on_edit_file(std::move(spec), std::move(op), std::move(done));
}

void FakeRunner::make_entry(sandbox::EntrySpec spec, Op op, Completion<void> done) {
  record("make_entry " + spec.path);
  if (!on_make_entry) return done(unset("make_entry"));
  on_make_entry(std::move(spec), std::move(op), std::move(done));
}

void FakeRunner::write_range(sandbox::RangeSpec spec, Op op, Completion<void> done) {
  record("write_range " + spec.path);
  if (!on_write_range) return done(unset("write_range"));
  on_write_range(std::move(spec), std::move(op), std::move(done));
}

void FakeRunner::list_files(sandbox::ListSpec spec, Op op, Completion<sandbox::Listing> done) {
  record("list_files " + spec.path);
  if (!on_list_files) return done(unset("list_files"));
  on_list_files(std::move(spec), std::move(op), std::move(done));
}

void FakeRunner::search_files(sandbox::SearchSpec spec, Op op, Completion<sandbox::SearchResult> done) {
  record("search_files " + spec.path);
  if (!on_search_files) return done(unset("search_files"));
  on_search_files(std::move(spec), std::move(op), std::move(done));
}

FakeSandboxManager::FakeSandboxManager() : backend_(std::make_unique<FakeBackend>()) {}
FakeSandboxManager::~FakeSandboxManager() = default;

FakeSandboxManager::Entry FakeSandboxManager::entry(const std::string& name) {
  {
    const MutexLock lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) return found->second;
  }
  Entry made{fake_record(name, "fake", "id-" + name), std::make_shared<FakeRunner>()};
  if (on_new_runner) on_new_runner(name, *made.runner);
  const MutexLock lock(mutex_);
  return entries_.emplace(name, std::move(made)).first->second;
}

FakeRunner& FakeSandboxManager::runner(const std::string& name) {
  return *entry(name).runner;
}

void FakeSandboxManager::lose_default() {
  const MutexLock lock(mutex_);
  entries_.erase("default");
  recreated_ = true;
}

Result<sandbox::SandboxHandle> FakeSandboxManager::acquire(const sandbox::Caller&,
                                                           const std::optional<std::string>& name,
                                                           const Op&) {
  const std::string wanted = name.value_or("default");
  if (check) RETURN_IF_ERROR(check(wanted));
  sandbox::SandboxHandle handle;
  {
    const MutexLock lock(mutex_);
    if (wanted != "default" && entries_.count(wanted) == 0)
      return Error{ErrorCode::not_found, "there is no sandbox \"" + wanted + "\""};
    if (wanted == "default") handle.recreated = std::exchange(recreated_, false);
    if (handle.recreated) handle.lost_because = "it ended";
  }
  Entry found = entry(wanted);
  handle.record = std::move(found.record);
  handle.runner = std::move(found.runner);
  handle.limit_reason = limit_reason;
  return handle;
}

std::optional<Result<sandbox::SandboxHandle>> FakeSandboxManager::try_acquire(
    const sandbox::Caller& caller, const std::optional<std::string>& name) {
  {
    const MutexLock lock(mutex_);
    if (name.value_or("default") == "default" && entries_.count("default") == 0) return std::nullopt;
  }
  return acquire(caller, name, Op{});
}

Result<sandbox::SandboxHandle> FakeSandboxManager::find(const sandbox::Caller& caller,
                                                        const std::string& name, const Op& op) {
  {
    const MutexLock lock(mutex_);
    if (entries_.count(name) == 0) return Error{ErrorCode::not_found, "there is no sandbox \"" + name + "\""};
  }
  return acquire(caller, name, op);
}

Result<SandboxRecord> FakeSandboxManager::create(const sandbox::Caller&, sandbox::CreateRequest request,
                                                 const Op&) {
  const std::string name = request.spec.name.empty() ? "sandbox-0001" : request.spec.name;
  if (check) RETURN_IF_ERROR(check(name));
  entry(name);
  const MutexLock lock(mutex_);
  SandboxRecord& record = entries_[name].record;
  record.labels = request.spec.labels;
  record.network = request.spec.network;
  record.template_name = request.spec.template_name.value_or("");
  created_.push_back(request.spec);
  record.persistent = request.spec.persistent;
  if (request.expires_in)
    record.expires_unix_ms =
        record.created_unix_ms +
        std::chrono::duration_cast<std::chrono::milliseconds>(*request.expires_in).count();
  return record;
}

std::vector<sandbox::SandboxSpec> FakeSandboxManager::created() const {
  const MutexLock lock(mutex_);
  return created_;
}

Result<std::vector<SandboxRecord>> FakeSandboxManager::list(const sandbox::Caller&, const Op&) {
  const MutexLock lock(mutex_);
  std::vector<SandboxRecord> records;
  for (const auto& [name, entry] : entries_) records.push_back(entry.record);
  return records;
}

Result<SandboxRecord> FakeSandboxManager::control(const sandbox::Caller&, const std::string& name,
                                                  sandbox::ControlAction action,
                                                  std::optional<Duration> expires_in, const Op&) {
  if (check) RETURN_IF_ERROR(check(name));
  const MutexLock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return Error{ErrorCode::not_found, "there is no sandbox \"" + name + "\""};
  SandboxRecord& record = found->second.record;
  switch (action) {
    case sandbox::ControlAction::start:
    case sandbox::ControlAction::restart:
      record.status = SandboxStatus::running;
      break;
    case sandbox::ControlAction::stop:
      record.status = SandboxStatus::stopped;
      break;
    case sandbox::ControlAction::extend:
      record.expires_unix_ms =
          record.created_unix_ms +
          std::chrono::duration_cast<std::chrono::milliseconds>(expires_in.value_or(Duration{})).count();
      break;
    case sandbox::ControlAction::remove: {
      SandboxRecord removed = record;
      entries_.erase(found);
      return removed;
    }
  }
  return record;
}

sandbox::Backend& FakeSandboxManager::backend() {
  return *backend_;
}

void FakeBackend::record(std::string line) {
  const MutexLock lock(mutex_);
  calls_.push_back(std::move(line));
}

std::vector<std::string> FakeBackend::calls() const {
  const MutexLock lock(mutex_);
  return calls_;
}

std::size_t FakeBackend::sandboxes() const {
  const MutexLock lock(mutex_);
  return records_.size();
}

Result<SandboxRecord> FakeBackend::create(const sandbox::SandboxSpec& spec, const Op& op) {
  record("create " + spec.name);
  if (on_create) RETURN_IF_ERROR(on_create(spec, op));
  const MutexLock lock(mutex_);
  SandboxRecord made = fake_record(spec.name, "fake", "id-" + std::to_string(++made_));
  made.labels = spec.labels;
  made.network = spec.network;
  made.persistent = spec.persistent;
  made.principal = spec.principal;
  made.image = spec.image.value_or("");
  records_[made.id] = made;
  return made;
}

Result<std::vector<SandboxRecord>> FakeBackend::list(const Op&) {
  const MutexLock lock(mutex_);
  std::vector<SandboxRecord> records;
  for (const auto& [id, record] : records_) records.push_back(record);
  return records;
}

Status FakeBackend::change(const std::string& what, const sandbox::SandboxId& id, SandboxStatus status) {
  record(what + " " + id);
  const MutexLock lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return Error{ErrorCode::not_found, "there is no sandbox " + id};
  found->second.status = status;
  return {};
}

Status FakeBackend::start(const sandbox::SandboxId& id, const Op&) {
  return change("start", id, SandboxStatus::running);
}

Status FakeBackend::stop(const sandbox::SandboxId& id, const Op& op) {
  if (on_stop) RETURN_IF_ERROR(on_stop(id, op));
  return change("stop", id, SandboxStatus::stopped);
}

Status FakeBackend::destroy(const sandbox::SandboxId& id, const Op& op) {
  record("destroy " + id);
  if (on_destroy) RETURN_IF_ERROR(on_destroy(id, op));
  const MutexLock lock(mutex_);
  if (records_.erase(id) == 0) return Error{ErrorCode::not_found, "there is no sandbox " + id};
  return {};
}

Result<std::unique_ptr<sandbox::Channel>> FakeBackend::open_channel(const sandbox::SandboxId& id,
                                                                    const Op& op) {
  record("open " + id);
  if (!on_open_channel) return unset("open_channel");
  return on_open_channel(id, op);
}

std::vector<sandbox::Finding> FakeBackend::diagnose(const Op&) {
  return findings;
}

}  // namespace rexec::test
