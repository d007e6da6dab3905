// What may be asked about a terminal that has been opened: input, size, its end, the list, checkpoints.
#include <signal.h>

#include <cerrno>

#include "sandbox-client/runner/terminal_table.h"

namespace rexec::runner {
namespace {

std::string name_of(std::uint64_t number) {
  return "t" + std::to_string(number);
}

}  // namespace

Terminal* TerminalTable::find(RequestId request, std::uint64_t number) {
  const auto found = terminals_.find(number);
  if (found != terminals_.end()) return found->second.get();
  replies_.reply_error(request, ESRCH, "terminal",
                       number < next_number_ && number > 0
                           ? name_of(number) + " ended long ago and is no longer remembered"
                           : "there is no terminal " + name_of(number));
  return nullptr;
}

void TerminalTable::write(RequestId request, WriteTerminal write) {
  Terminal* terminal = find(request, write.terminal);
  if (terminal == nullptr) return;
  WriteInput input;
  input.writer = std::move(write.writer);
  input.offset = write.offset;
  input.data = std::move(write.data);
  desk_.write(*terminal, request, std::move(input), name_of(terminal->number()));
}

void TerminalTable::answer(RequestId request, const AnswerTerminal& answer) {
  Terminal* terminal = find(request, answer.terminal);
  if (terminal == nullptr) return;
  if (answer.query_offset >= terminal->produced())
    return replies_.reply_error(request, EINVAL, "answer",
                                name_of(answer.terminal) + " has not put out so much yet");
  if (!terminal->answer(answer.query_offset, answer.data))
    return replies_.reply_error(request, EAGAIN, "limit",
                                "too much input waits for " + name_of(answer.terminal) + " to read");
  replies_.reply_done(request);
}

void TerminalTable::resize(RequestId request, const ResizeTerminal& resize) {
  Terminal* terminal = find(request, resize.terminal);
  if (terminal == nullptr) return;
  if (!terminal->resize(resize.size))
    return replies_.reply_error(request, EPIPE, "ended", name_of(resize.terminal) + " has ended");
  replies_.reply_done(request);
}

void TerminalTable::close(RequestId request, const CloseTerminal& close) {
  Terminal* terminal = find(request, close.terminal);
  if (terminal == nullptr) return;
  if (!terminal->ended() && terminal->reason.empty()) terminal->reason = "closed";
  replies_.reply_done(request);
  // A shell whose line editor misses the signal waits for the next key, and so notices only that the line is
  // cut.
  if (!terminal->settled()) cut_after(*terminal, close.grace_ms / 2);
  children_.end_tree(kFirstTag + close.terminal, SIGHUP, close.grace_ms);
}

void TerminalTable::list(RequestId request) {
  TerminalList list;
  for (const auto& [number, terminal] : terminals_) list.entries.push_back(terminal->entry());
  replies_.reply(request, MessageType::terminal_list, list, 16 << 10);
}

void TerminalTable::put_checkpoint(RequestId request, PutCheckpoint put) {
  Terminal* terminal = find(request, put.terminal);
  if (terminal == nullptr) return;
  if (put.offset > terminal->produced())
    return replies_.reply_error(request, EINVAL, "checkpoint",
                                name_of(put.terminal) + " has not put out so much yet");
  const Checkpoint& kept = terminal->checkpoint;
  if (kept.bytes.empty() || put.offset > kept.offset) {
    drop_checkpoint(*terminal);
    terminal->checkpoint = {put.offset, std::move(put.bytes)};
    terminal->checkpoint_turn = ++checkpoint_turns_;
    checkpoint_bytes_ += terminal->checkpoint.bytes.size();
  }
  while (checkpoint_bytes_ > kCheckpointBudget) {
    Terminal* oldest = nullptr;
    for (const auto& [number, other] : terminals_)
      if (!other->checkpoint.bytes.empty() &&
          (oldest == nullptr || other->checkpoint_turn < oldest->checkpoint_turn))
        oldest = other.get();
    drop_checkpoint(*oldest);
  }
  replies_.reply_done(request);
}

void TerminalTable::get_checkpoint(RequestId request, const GetCheckpoint& get) {
  const Terminal* terminal = find(request, get.terminal);
  if (terminal == nullptr) return;
  replies_.reply(request, MessageType::checkpoint, terminal->checkpoint,
                 terminal->checkpoint.bytes.size() + 64);
}

void TerminalTable::drop_checkpoint(Terminal& terminal) {
  checkpoint_bytes_ -= terminal.checkpoint.bytes.size();
  terminal.checkpoint = {};
}

}  // namespace rexec::runner
