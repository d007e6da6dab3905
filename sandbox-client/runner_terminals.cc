#include "sandbox-client/runner_terminals.h"

#include <utility>

#include "base/random.h"
#include "sandbox-client/runner_messages.h"
#include "sandbox-client/runner_request.h"

namespace rexec::sandbox {

using runner::MessageType;

RunnerTerminals::RunnerTerminals(Reactor& reactor, const RunnerSettings& settings,
                                 std::shared_ptr<RunnerSession> session)
    : settings_(settings),
      session_(std::move(session)),
      input_(std::make_shared<RunnerInput>(reactor, session_, RunnerInput::Kind::terminal)) {}

template <class Message>
void RunnerTerminals::submit_plain(MessageType type, const Message& message, Op op, Completion<void> done) {
  session_->submit(make_plain_request(
      type, runner::encode(message), std::move(op),
      [terminal = message.terminal](const runner::Failure& failure) {
        return explain_terminal(failure, terminal);
      },
      std::move(done)));
}

void RunnerTerminals::open(const TerminalSpec& spec, Op op, Completion<TerminalReport> done) {
  auto translated = to_wire(spec, settings_);
  if (!translated) return done(std::move(translated).error());
  runner::OpenTerminal& message = *translated;
  message.nonce = random_128();
  runner::TerminalWait asked;
  asked.max = message.max;
  runner::Start program;  // as far as explain_start looks at it
  program.argv = message.argv;
  program.cwd = message.cwd;
  Request request = make_request<runner::TerminalReport, TerminalReport>(
      MessageType::open_terminal, runner::encode(message), MessageType::terminal_report, std::move(op),
      [asked](runner::TerminalReport&& report) { return from_wire(std::move(report), asked, std::nullopt); },
      [program](const runner::Failure& failure) { return explain_open(failure, program); }, std::move(done));
  request.kill = true;
  session_->submit(std::move(request));
}

void RunnerTerminals::wait(std::uint64_t terminal, const TerminalWait& wait, Op op,
                           Completion<TerminalReport> done) {
  auto asked = to_wire(wait);
  if (!asked) return done(std::move(asked).error());
  session_->submit(make_request<runner::TerminalReport, TerminalReport>(
      MessageType::wait_terminal, runner::encode(runner::WaitTerminal{terminal, *asked}),
      MessageType::terminal_report, std::move(op),
      [asked = *asked, terminal](runner::TerminalReport&& report) {
        return from_wire(std::move(report), asked, terminal);
      },
      [terminal](const runner::Failure& failure) { return explain_terminal(failure, terminal); },
      std::move(done)));
}

void RunnerTerminals::write(std::uint64_t terminal, std::string bytes, const Op& op,
                            Completion<InputState> done) {
  input_->write(terminal, std::move(bytes), false, op, std::move(done));
}

void RunnerTerminals::answer(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
                             Completion<void> done) {
  if (bytes.size() > runner::kMaxTerminalAnswer)
    return done(Error{ErrorCode::invalid_argument, "an answer to a terminal query has at most " +
                                                       std::to_string(runner::kMaxTerminalAnswer) +
                                                       " bytes"});
  submit_plain(MessageType::answer_terminal, runner::AnswerTerminal{terminal, query_offset, std::move(bytes)},
               std::move(op), std::move(done));
}

void RunnerTerminals::resize(std::uint64_t terminal, TerminalSize size, Op op, Completion<void> done) {
  const auto wire_size = to_wire(size);
  if (!wire_size) return done(wire_size.error());
  submit_plain(MessageType::resize_terminal, runner::ResizeTerminal{terminal, *wire_size}, std::move(op),
               std::move(done));
}

void RunnerTerminals::close(std::uint64_t terminal, Duration grace, Op op, Completion<void> done) {
  submit_plain(MessageType::close_terminal, runner::CloseTerminal{terminal, milliseconds(grace)},
               std::move(op), std::move(done));
}

void RunnerTerminals::list(Op op, Completion<std::vector<TerminalEntry>> done) {
  session_->submit(make_request<runner::TerminalList, std::vector<TerminalEntry>>(
      MessageType::list_terminals, {}, MessageType::terminal_list, std::move(op),
      [](runner::TerminalList&& list) { return from_wire(std::move(list)); },
      [](const runner::Failure& failure) { return explain_terminal(failure, 0); }, std::move(done)));
}

void RunnerTerminals::put_checkpoint(std::uint64_t terminal, TerminalCheckpoint checkpoint, Op op,
                                     Completion<void> done) {
  if (checkpoint.bytes.empty() || checkpoint.bytes.size() > runner::kMaxCheckpoint)
    return done(Error{ErrorCode::invalid_argument,
                      "a checkpoint has 1 to " + std::to_string(runner::kMaxCheckpoint) + " bytes"});
  submit_plain(MessageType::put_checkpoint,
               runner::PutCheckpoint{terminal, checkpoint.offset, std::move(checkpoint.bytes)}, std::move(op),
               std::move(done));
}

void RunnerTerminals::get_checkpoint(std::uint64_t terminal, Op op, Completion<TerminalCheckpoint> done) {
  session_->submit(make_request<runner::Checkpoint, TerminalCheckpoint>(
      MessageType::get_checkpoint, runner::encode(runner::GetCheckpoint{terminal}), MessageType::checkpoint,
      std::move(op), [](runner::Checkpoint&& checkpoint) { return from_wire(std::move(checkpoint)); },
      [terminal](const runner::Failure& failure) { return explain_terminal(failure, terminal); },
      std::move(done)));
}

}  // namespace rexec::sandbox
