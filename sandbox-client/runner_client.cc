#include "sandbox-client/runner_client.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "sandbox-client/runner_client_times.h"
#include "sandbox-client/runner_input.h"
#include "sandbox-client/runner_messages.h"
#include "sandbox-client/runner_request.h"
#include "sandbox-client/runner_session.h"
#include "sandbox-client/runner_terminals.h"

namespace rexec::sandbox {
namespace {

using runner::MessageType;

class RunnerClient final : public Runner {
 public:
  RunnerClient(Reactor& reactor, RunnerSettings settings, std::shared_ptr<RunnerSession> session)
      : settings_(std::move(settings)),
        session_(std::move(session)),
        input_(std::make_shared<RunnerInput>(reactor, session_, RunnerInput::Kind::process)),
        terminals_(reactor, settings_, session_) {}
  ~RunnerClient() override {
    session_->shutdown(Error{ErrorCode::cancelled, "the connection to the sandbox was closed"});
  }

  RunnerInfo info() const override;
  bool alive() const override { return session_->alive(); }
  std::string why_gone() const override { return session_->why_gone(); }
  void close() override {
    session_->shutdown(Error{ErrorCode::data_loss, "the sandbox is gone: its connection was closed"});
  }
  void start(ProcessSpec spec, WaitSpec wait, Op op, Completion<ProcessReport> done) override;
  void wait(std::uint64_t process, WaitSpec wait, Op op, Completion<ProcessReport> done) override;
  void read_output(std::uint64_t process, int stream, std::uint64_t offset, std::size_t max, Op op,
                   Completion<OutputPart> done) override;
  void write_input(std::uint64_t process, std::string bytes, bool close, Op op,
                   Completion<InputState> done) override {
    input_->write(process, std::move(bytes), close, op, std::move(done));
  }
  void signal(std::uint64_t process, int number, SignalScope scope, Duration kill_after, std::string reason,
              Op op, Completion<void> done) override;
  void list(bool all, Op op, Completion<ProcessEntries> done) override;
  void open_terminal(TerminalSpec spec, Op op, Completion<TerminalReport> done) override {
    terminals_.open(spec, std::move(op), std::move(done));
  }
  void wait_terminal(std::uint64_t terminal, TerminalWait wait, Op op,
                     Completion<TerminalReport> done) override {
    terminals_.wait(terminal, wait, std::move(op), std::move(done));
  }
  void write_terminal(std::uint64_t terminal, std::string bytes, Op op,
                      Completion<InputState> done) override {
    terminals_.write(terminal, std::move(bytes), op, std::move(done));
  }
  void answer_terminal(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
                       Completion<void> done) override {
    terminals_.answer(terminal, query_offset, std::move(bytes), std::move(op), std::move(done));
  }
  void resize_terminal(std::uint64_t terminal, TerminalSize size, Op op, Completion<void> done) override {
    terminals_.resize(terminal, size, std::move(op), std::move(done));
  }
  void close_terminal(std::uint64_t terminal, Duration grace, Op op, Completion<void> done) override {
    terminals_.close(terminal, grace, std::move(op), std::move(done));
  }
  void list_terminals(Op op, Completion<std::vector<TerminalEntry>> done) override {
    terminals_.list(std::move(op), std::move(done));
  }
  void put_checkpoint(std::uint64_t terminal, TerminalCheckpoint checkpoint, Op op,
                      Completion<void> done) override {
    terminals_.put_checkpoint(terminal, std::move(checkpoint), std::move(op), std::move(done));
  }
  void get_checkpoint(std::uint64_t terminal, Op op, Completion<TerminalCheckpoint> done) override {
    terminals_.get_checkpoint(terminal, std::move(op), std::move(done));
  }
  void set_lease(Duration idle, std::int64_t expires_unix_ms, Op op, Completion<void> done) override;
  void stat_file(std::string path, bool follow, Op op, Completion<FileInfo> done) override;
  void read_file(std::string path, std::uint64_t offset, std::size_t max, Op op,
                 Completion<FileData> done) override;
  void read_lines(std::string path, LineRange range, Op op, Completion<FileData> done) override;
  void write_file(WriteSpec spec, Op op, Completion<FileWritten> done) override;
  void edit_file(EditSpec spec, Op op, Completion<FileEdited> done) override;
  void make_entry(EntrySpec spec, Op op, Completion<void> done) override;
  void write_range(RangeSpec spec, Op op, Completion<void> done) override;
  void list_files(ListSpec spec, Op op, Completion<Listing> done) override;
  void search_files(SearchSpec spec, Op op, Completion<SearchResult> done) override;

 private:
  static Request wait_request(std::uint64_t process, const runner::WaitSpec& wait, Op op,
                              Completion<ProcessReport> done);
  void start_with_input(runner::Start start, std::string rest, Op op, Completion<ProcessReport> done);

  const RunnerSettings settings_;
  const std::shared_ptr<RunnerSession> session_;
  const std::shared_ptr<RunnerInput> input_;
  RunnerTerminals terminals_;
};

RunnerInfo RunnerClient::info() const {
  const runner::HelloReply& hello = session_->hello();
  const std::string_view boot_id(reinterpret_cast<const char*>(hello.boot_id.data()), hello.boot_id.size());
  return RunnerInfo{hex_encode(boot_id), quotable(hello.home), quotable(hello.shell), quotable(hello.machine),
                    quotable(hello.kernel)};
}

void RunnerClient::start(ProcessSpec spec, WaitSpec wait, Op op, Completion<ProcessReport> done) {
  auto wire_wait = to_wire(wait);
  if (!wire_wait) return done(std::move(wire_wait).error());
  auto translated = to_wire(spec, settings_);
  if (!translated) return done(std::move(translated).error());
  runner::Start& start = *translated;
  start.nonce = random_128();
  start.wait = *wire_wait;
  if (start.stdin_pipe && spec.input) {
    start.writer = input_->new_writer();
    start.input = *std::move(spec.input);
  }
  if (start.input.size() > runner::kMaxData) {
    std::string rest = start.input.substr(runner::kMaxData);
    start.input.resize(runner::kMaxData);
    return start_with_input(std::move(start), std::move(rest), std::move(op), std::move(done));
  }
  std::string payload = runner::encode(start);
  const bool adopts = !start.close_after_input && !start.input.empty();
  const std::uint64_t written = start.input.size();
  start.command.clear();
  start.env.clear();
  start.input.clear();
  Request request = make_request<runner::Report, ProcessReport>(
      MessageType::start, std::move(payload), MessageType::report, std::move(op),
      [wire = *wire_wait, adopts, written, writer = start.writer, input = input_](runner::Report&& report) {
        if (adopts) input->adopt(report.process, writer, written);
        return from_wire(std::move(report), wire, std::nullopt);
      },
      [start](const runner::Failure& failure) { return explain_start(failure, start); }, std::move(done));
  request.kill = true;
  session_->submit(std::move(request));
}

// The number of the process has to be known before the rest of its input can be written, so this takes two
// requests: one that starts, one that waits.
void RunnerClient::start_with_input(runner::Start start, std::string rest, Op op,
                                    Completion<ProcessReport> done) {
  const runner::WaitSpec asked = start.wait;
  const bool close = std::exchange(start.close_after_input, false);
  start.wait = runner::WaitSpec{};
  start.wait.until = runner::Until::none;
  start.wait.from = asked.from;
  std::string payload = runner::encode(start);
  const std::uint64_t written = start.input.size();
  start.command.clear();
  start.env.clear();
  start.input.clear();
  const auto shared_done = std::make_shared<Completion<ProcessReport>>(std::move(done));
  const auto shared_rest = std::make_shared<std::string>(std::move(rest));
  Completion<ProcessReport> started = [=, session = session_, input = input_,
                                       writer = start.writer](Result<ProcessReport> report) {
    if (!report) return (*shared_done)(std::move(report));
    const std::uint64_t process = report->process;
    input->adopt(process, writer, written);
    Request request = wait_request(process, asked, op, std::move(*shared_done));
    request.kill = true;
    request.even_if_over = true;
    session->submit(std::move(request));
    input->write(process, std::move(*shared_rest), close, Op{}, [](const Result<InputState>&) {});
  };
  Request request = make_request<runner::Report, ProcessReport>(
      MessageType::start, std::move(payload), MessageType::report, op,
      [wire = start.wait](runner::Report&& report) {
        return from_wire(std::move(report), wire, std::nullopt);
      },
      [start](const runner::Failure& failure) { return explain_start(failure, start); }, std::move(started));
  request.kill = true;
  session_->submit(std::move(request));
}

Request RunnerClient::wait_request(std::uint64_t process, const runner::WaitSpec& wait, Op op,
                                   Completion<ProcessReport> done) {
  return make_request<runner::Report, ProcessReport>(
      MessageType::wait, runner::encode(runner::Wait{process, wait}), MessageType::report, std::move(op),
      [wait, process](runner::Report&& report) { return from_wire(std::move(report), wait, process); },
      [process](const runner::Failure& failure) { return explain_process(failure, process); },
      std::move(done));
}

void RunnerClient::wait(std::uint64_t process, WaitSpec wait, Op op, Completion<ProcessReport> done) {
  auto wire_wait = to_wire(wait);
  if (!wire_wait) return done(std::move(wire_wait).error());
  session_->submit(wait_request(process, *wire_wait, std::move(op), std::move(done)));
}

void RunnerClient::read_output(std::uint64_t process, int stream, std::uint64_t offset, std::size_t max,
                               Op op, Completion<OutputPart> done) {
  if (stream < 0 || stream > 1 || max > runner::kMaxData)
    return done(Error{ErrorCode::invalid_argument, "no such stream, or more than 1 MiB asked for"});
  const runner::ReadOutput asked{process, static_cast<runner::Stream>(stream), offset,
                                 static_cast<std::uint32_t>(max)};
  session_->submit(make_request<runner::Output, OutputPart>(
      MessageType::read_output, runner::encode(asked), MessageType::output, std::move(op),
      [asked](runner::Output&& output) { return from_wire(std::move(output), asked); },
      [process](const runner::Failure& failure) { return explain_process(failure, process); },
      std::move(done)));
}

void RunnerClient::signal(std::uint64_t process, int number, SignalScope scope, Duration kill_after,
                          std::string reason, Op op, Completion<void> done) {
  runner::Signal message;
  message.process = process;
  message.number = number;
  message.scope = scope == SignalScope::tree ? runner::SignalScope::tree : runner::SignalScope::group;
  message.kill_after_ms = milliseconds(kill_after);
  message.reason = quotable(reason);
  session_->submit(make_plain_request(
      MessageType::signal, runner::encode(message), std::move(op),
      [process](const runner::Failure& failure) { return explain_process(failure, process); },
      std::move(done)));
}

void RunnerClient::set_lease(Duration idle, std::int64_t expires_unix_ms, Op op, Completion<void> done) {
  const runner::SetLease message{milliseconds(idle), expires_unix_ms};
  session_->submit(make_plain_request(
      MessageType::set_lease, runner::encode(message), std::move(op),
      [](const runner::Failure& failure) { return explain(failure, "setting the expiry"); },
      std::move(done)));
}

void RunnerClient::list(bool all, Op op, Completion<ProcessEntries> done) {
  session_->submit(make_request<runner::ProcessList, ProcessEntries>(
      MessageType::list, runner::encode(runner::List{all}), MessageType::process_list, std::move(op),
      [](runner::ProcessList&& list) { return from_wire(std::move(list)); },
      [](const runner::Failure& failure) { return explain(failure, "listing processes"); }, std::move(done)));
}

void RunnerClient::stat_file(std::string path, bool follow, Op op, Completion<FileInfo> done) {
  auto resolved = checked_path(path, settings_);
  if (!resolved) return done(std::move(resolved).error());
  session_->submit(make_request<runner::FileInfo, FileInfo>(
      MessageType::stat_file, runner::encode(runner::StatFile{*resolved, follow}), MessageType::file_info,
      std::move(op), [](runner::FileInfo&& info) { return from_wire(std::move(info)); },
      [path = *resolved](const runner::Failure& failure) { return explain_file(failure, path); },
      std::move(done)));
}

void RunnerClient::read_file(std::string path, std::uint64_t offset, std::size_t max, Op op,
                             Completion<FileData> done) {
  auto resolved = checked_path(path, settings_);
  if (!resolved) return done(std::move(resolved).error());
  const auto bounded = static_cast<std::uint32_t>(std::min(max, runner::kMaxData));
  const runner::ReadFile asked{*resolved, offset, bounded};
  session_->submit(make_request<runner::FileData, FileData>(
      MessageType::read_file, runner::encode(asked), MessageType::file_data, std::move(op),
      [asked](runner::FileData&& data) { return from_wire(std::move(data), asked); },
      [path = *resolved](const runner::Failure& failure) { return explain_file(failure, path); },
      std::move(done)));
}

void RunnerClient::read_lines(std::string path, LineRange range, Op op, Completion<FileData> done) {
  auto resolved = checked_path(path, settings_);
  if (!resolved) return done(std::move(resolved).error());
  if (range.start == 0)
    return done(Error{ErrorCode::invalid_argument, "lines are counted from 1, or from -1 at the end"});
  runner::ReadLines asked;
  asked.path = *resolved;
  asked.start = range.start;
  asked.max_lines = static_cast<std::uint32_t>(std::min<std::size_t>(range.max_lines, UINT32_MAX));
  asked.max_bytes = static_cast<std::uint32_t>(std::min(range.max_bytes, runner::kMaxData));
  session_->submit(make_request<runner::FileData, FileData>(
      MessageType::read_lines, runner::encode(asked), MessageType::file_data, std::move(op),
      [asked](runner::FileData&& data) { return from_wire(std::move(data), asked); },
      [path = *resolved](const runner::Failure& failure) { return explain_file(failure, path); },
      std::move(done)));
}

void RunnerClient::write_file(WriteSpec spec, Op op, Completion<FileWritten> done) {
  auto translated = to_wire(spec, settings_);
  if (!translated) return done(std::move(translated).error());
  runner::WriteFile& message = *translated;
  std::vector<std::string> more;
  for (std::size_t offset = runner::kMaxData; offset < spec.content.size(); offset += runner::kMaxData)
    more.push_back(runner::encode(runner::WriteData{spec.content.substr(offset, runner::kMaxData)}));
  if (!more.empty()) spec.content.resize(runner::kMaxData);
  message.data = std::move(spec.content);
  Request request = make_request<runner::FileWritten, FileWritten>(
      MessageType::write_file, runner::encode(message), MessageType::file_written, std::move(op),
      [](runner::FileWritten&& written) { return from_wire(std::move(written)); },
      [path = message.path](runner::Failure failure) {
        if (failure.step == "open") failure.step = "parent";  // the file itself need not be there
        return explain_file(failure, path);
      },
      std::move(done));
  request.more = std::move(more);
  session_->submit(std::move(request));
}

void RunnerClient::edit_file(EditSpec spec, Op op, Completion<FileEdited> done) {
  auto message = to_wire(std::move(spec), settings_);
  if (!message) return done(std::move(message).error());
  message->nonce = random_128();
  session_->submit(make_request<runner::FileEdited, FileEdited>(
      MessageType::edit_file, runner::encode(*message), MessageType::edited, std::move(op),
      [](runner::FileEdited&& edited) { return from_wire(std::move(edited)); },
      [path = message->path](const runner::Failure& failure) { return explain_edit(failure, path); },
      std::move(done)));
}

void RunnerClient::make_entry(EntrySpec spec, Op op, Completion<void> done) {
  const auto message = to_wire(spec, settings_);
  if (!message) return done(message.error());
  session_->submit(make_plain_request(
      MessageType::make_entry, runner::encode(*message), std::move(op),
      [path = message->path](const runner::Failure& failure) { return explain_transfer(failure, path); },
      std::move(done)));
}

void RunnerClient::write_range(RangeSpec spec, Op op, Completion<void> done) {
  const auto message = to_wire(std::move(spec), settings_);
  if (!message) return done(message.error());
  session_->submit(make_plain_request(
      MessageType::write_range, runner::encode(*message), std::move(op),
      [path = message->path](const runner::Failure& failure) { return explain_transfer(failure, path); },
      std::move(done)));
}

void RunnerClient::list_files(ListSpec spec, Op op, Completion<Listing> done) {
  auto asked = to_wire(spec, settings_);
  if (!asked) return done(std::move(asked).error());
  session_->submit(make_request<runner::Listing, Listing>(
      MessageType::list_files, runner::encode(*asked), MessageType::listing, std::move(op),
      [asked = *asked](runner::Listing&& listing) { return from_wire(std::move(listing), asked); },
      [path = asked->path](const runner::Failure& failure) { return explain_tree(failure, path); },
      std::move(done)));
}

void RunnerClient::search_files(SearchSpec spec, Op op, Completion<SearchResult> done) {
  auto asked = to_wire(spec, settings_);
  if (!asked) return done(std::move(asked).error());
  session_->submit(make_request<runner::SearchResult, SearchResult>(
      MessageType::search_files, runner::encode(*asked), MessageType::matches, std::move(op),
      [asked = *asked](runner::SearchResult&& result) { return from_wire(std::move(result), asked); },
      [path = asked->path](const runner::Failure& failure) { return explain_tree(failure, path); },
      std::move(done)));
}

}  // namespace

void Runner::set_lease(Duration, std::int64_t, Op, Completion<void> done) {
  done(Error{ErrorCode::unsupported, "this sandbox ends with the server"});
}

Result<std::shared_ptr<Runner>> make_runner_client(std::unique_ptr<Channel> channel, Reactor& reactor,
                                                   RunnerSettings settings, Reconnect reconnect,
                                                   std::function<void(const Error&)> lost, RunnerTimes times,
                                                   const Op& op) {
  reactor.post([] {});  // a system that grants no thread says so before there is anything to take back
  auto session =
      std::make_shared<RunnerSession>(reactor, settings.secret, std::move(reconnect), std::move(lost), times);
  const auto client = std::make_shared<RunnerClient>(reactor, std::move(settings), session);
  RETURN_IF_ERROR(session->open(std::move(channel), op));
  return std::shared_ptr<Runner>(client);
}

Result<std::shared_ptr<Runner>> make_runner_client(std::unique_ptr<Channel> channel, Reactor& reactor,
                                                   RunnerSettings settings, Reconnect reconnect,
                                                   std::function<void(const Error&)> lost, const Op& op) {
  return make_runner_client(std::move(channel), reactor, std::move(settings), std::move(reconnect),
                            std::move(lost), RunnerTimes{}, op);
}

}  // namespace rexec::sandbox
