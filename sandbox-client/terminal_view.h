// The screen of one terminal, kept up to date from its output for as long as this object lives.
//
// It asks the runner for output all the time, whether or not anybody looks, because a program may wait for
// the answer to a query at any moment: those of live output are answered through Runner::answer_terminal,
// which takes one answer to each, however many follow a terminal. Output from before this view began is only
// shown.
//
// Output that was lost before it could be read leaves a gap: the screen then shows what was written after it
// on top of what was there. From time to time the state of the screen is kept in the runner, so that whoever
// joins later shows the same although the beginning of the output is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "sandbox-client/runner_client.h"
#include "sandbox-client/terminal/screen.h"

namespace rexec::sandbox {

/// Told of what happens on a terminal, in its order, one call at a time, from the I/O thread; short.
class TerminalObserver {
 public:
  virtual ~TerminalObserver() = default;
  virtual void output(std::string_view /*bytes*/) {}
  virtual void resized(const TerminalSize& /*size*/) {}
  /// The program has ended, or the sandbox is gone: nothing follows.
  virtual void ended() {}
};

/// All functions may be called from any thread.
class TerminalView : public std::enable_shared_from_this<TerminalView> {
 public:
  static constexpr std::size_t kPieceBytes = 64 << 10;        // fed at once: well under a millisecond
  static constexpr std::uint64_t kCheckpointBytes = 2 << 20;  // of output between two checkpoints
  static constexpr std::size_t kMaxObservers = 64;
  static constexpr std::size_t kMaxAnswers =
      512;  // to the queries of one piece; further ones are not answered

  /// Of a terminal that has just been opened; `opened` is what the runner said of it. `observer` may be null.
  static std::shared_ptr<TerminalView> open(std::shared_ptr<Runner> runner, const TerminalReport& opened,
                                            const std::shared_ptr<TerminalObserver>& observer);
  /// Of a terminal that somebody else opened, when all of its output so far is on the screen.
  static void join(std::shared_ptr<Runner> runner, std::uint64_t number, Op op,
                   Completion<std::shared_ptr<TerminalView>> done);
  /// Stops following.
  ~TerminalView() { stop_.request_stop(); }
  TerminalView(const TerminalView&) = delete;
  TerminalView& operator=(const TerminalView&) = delete;

  std::uint64_t number() const { return number_; }
  Runner& runner() const { return *runner_; }

  /// How the terminal is now, without output; when `done` is called the screen shows all that was produced by
  /// then. From any thread.
  void refresh(Op op, Completion<TerminalReport> done);
  /// Calls `use` with the screen, which it must not keep; short.
  void read(const std::function<void(const terminal::Screen&)>& use) const;

  /// Nothing will change any more.
  bool over() const;
  /// It ended because it could not be followed, whatever became of the terminal.
  bool broken() const;

  /// Up to where the caller of the tools has been shown the output.
  std::uint64_t seen() const;
  void set_seen(std::uint64_t offset);

  /// False when there are kMaxObservers already. One that is over is told so at once.
  bool observe(const std::shared_ptr<TerminalObserver>& observer);

 private:
  struct Pending {
    std::uint64_t target = 0;
    std::function<void(const std::optional<Error>&)> done;
  };

  TerminalView(std::shared_ptr<Runner> runner, std::uint64_t number, terminal::Screen screen,
               std::uint64_t live_from);

  void follow();
  void take(Result<TerminalReport> report);
  void caught_up(std::uint64_t target, std::function<void(const std::optional<Error>&)> done);
  std::vector<terminal::Reply> feed(std::string_view bytes) REXEC_REQUIRES(mutex_);
  bool adopt_size(const TerminalSize& size) REXEC_REQUIRES(mutex_);
  void keep_checkpoint();
  std::vector<std::shared_ptr<TerminalObserver>> observers() const;

  const std::shared_ptr<Runner> runner_;
  const std::uint64_t number_;
  const std::uint64_t live_from_;  // queries before it are others' to answer
  std::stop_source stop_;

  mutable Mutex mutex_;
  terminal::Screen screen_ REXEC_GUARDED_BY(mutex_);
  TerminalSize size_ REXEC_GUARDED_BY(mutex_);
  std::uint64_t seen_ REXEC_GUARDED_BY(mutex_) = 0;
  std::uint64_t checkpoint_ REXEC_GUARDED_BY(mutex_) = 0;
  bool over_ REXEC_GUARDED_BY(mutex_) = false;
  std::optional<Error> broken_ REXEC_GUARDED_BY(mutex_);  // why it cannot be followed any more
  std::vector<Pending> pending_ REXEC_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<TerminalObserver>> observers_ REXEC_GUARDED_BY(mutex_);
};

}  // namespace rexec::sandbox
