// Standard input of the processes of one runner, or what is typed on its terminals, as written by one client.
// What is said of processes here holds for terminals too, which have an instance of their own.
//
// The calls for a process are served one after the other, each in pieces of at most kMaxData with two on
// their way. Pieces carry absolute offsets, so nothing is written twice after a reconnect. When a call is
// given up in the middle, the runner is asked how much it has taken before the next one begins.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/thread_annotations.h"
#include "sandbox-client/op_watch.h"
#include "sandbox-client/runner_client.h"
#include "sandbox-client/runner_session.h"

namespace rexec::sandbox {

class RunnerInput final : public std::enable_shared_from_this<RunnerInput> {
 public:
  static constexpr std::size_t kMaxProcesses = 1024;  // the idle ones of more are forgotten
  static constexpr std::size_t kMaxWaiting = 64;      // calls of one process
  static constexpr int kPiecesAtOnce = 2;

  enum class Kind { process, terminal };

  RunnerInput(Reactor& reactor, std::shared_ptr<RunnerSession> session, Kind kind);

  /// A name that no writer has had: offsets that belong to it begin at zero.
  std::string new_writer();
  /// `writer` has written the first `offset` bytes of a process that was just started.
  void adopt(std::uint64_t process, std::string writer, std::uint64_t offset);
  void write(std::uint64_t process, std::string bytes, bool close, const Op& op, Completion<InputState> done);

 private:
  struct Call {
    std::uint64_t number = 0;
    std::string bytes;
    bool close = false;
    Completion<InputState> done;
    std::size_t sent = 0;
    bool all_sent = false;
    std::optional<OpWatch> watch;  // set by the writing thread alone
  };
  struct Stream {
    std::string writer;
    std::uint64_t sent = 0;                         // offset of the next piece
    std::uint64_t accepted = 0;                     // by the runner, as far as known
    std::map<std::uint64_t, std::uint32_t> on_way;  // number of a piece, and of its request once there is one
    bool pumping = false;
    bool uncertain = false;  // pieces were given up or refused: ask for `accepted` before going on
    std::deque<std::shared_ptr<Call>> calls;
  };
  struct Piece {
    std::uint64_t number = 0;
    runner::WriteInput message;
    std::uint64_t end = 0;  // offset after it
    bool last = false;
    std::uint64_t call = 0;  // 0: a question for `accepted`
  };

  Stream& stream(std::uint64_t process) REXEC_REQUIRES(mutex_);
  std::optional<Piece> next_piece(std::uint64_t process, Stream& stream) REXEC_REQUIRES(mutex_);
  void pump(std::uint64_t process);
  void send(std::uint64_t process, Piece piece);
  bool answered(std::uint64_t process, const Piece& piece, const Result<Reply>& reply);
  Request request_of(runner::WriteInput message) const;
  Error explain_failure(const runner::Failure& failure, std::uint64_t process) const;
  static void finish(Call& call, Result<InputState> result);
  void give_up(std::uint64_t process, std::uint64_t call, ErrorCode code);

  Reactor& reactor_;
  const std::shared_ptr<RunnerSession> session_;
  const Kind kind_;
  const std::string base_name_;

  Mutex mutex_;
  std::map<std::uint64_t, Stream> streams_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t writers_ REXEC_GUARDED_BY(mutex_) = 0;
  std::uint64_t calls_ REXEC_GUARDED_BY(mutex_) = 0;
  std::uint64_t pieces_ REXEC_GUARDED_BY(mutex_) = 0;
};

}  // namespace rexec::sandbox
