// The part of a runner client that is about terminals; its functions are those of Runner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sandbox-client/runner_client.h"
#include "sandbox-client/runner_input.h"
#include "sandbox-client/runner_session.h"

namespace rexec::sandbox {

class RunnerTerminals {
 public:
  /// `settings` belongs to the client, which outlives this.
  RunnerTerminals(Reactor& reactor, const RunnerSettings& settings, std::shared_ptr<RunnerSession> session);

  void open(const TerminalSpec& spec, Op op, Completion<TerminalReport> done);
  void wait(std::uint64_t terminal, const TerminalWait& wait, Op op, Completion<TerminalReport> done);
  void write(std::uint64_t terminal, std::string bytes, const Op& op, Completion<InputState> done);
  void answer(std::uint64_t terminal, std::uint64_t query_offset, std::string bytes, Op op,
              Completion<void> done);
  void resize(std::uint64_t terminal, TerminalSize size, Op op, Completion<void> done);
  void close(std::uint64_t terminal, Duration grace, Op op, Completion<void> done);
  void list(Op op, Completion<std::vector<TerminalEntry>> done);
  void put_checkpoint(std::uint64_t terminal, TerminalCheckpoint checkpoint, Op op, Completion<void> done);
  void get_checkpoint(std::uint64_t terminal, Op op, Completion<TerminalCheckpoint> done);

 private:
  template <class Message>
  void submit_plain(runner::MessageType type, const Message& message, Op op, Completion<void> done);

  const RunnerSettings& settings_;
  const std::shared_ptr<RunnerSession> session_;
  const std::shared_ptr<RunnerInput> input_;
};

}  // namespace rexec::sandbox
