// A person at a terminal of a sandbox, beside the assistant that opened it and whoever else watches.
//
// The person sees the screen, painted anew (terminal/painter.h), and never the program's own bytes. What is
// typed goes to the program as it is, and nowhere else. The program's queries that come while the visit lasts
// are answered from the screen, once however many answer (Runner::answer_terminal); those from before it are
// not. ctrl-] ends the visit; a visit that only watches also ends by q and ctrl-c, types nothing, answers
// nothing and leaves the terminal's size alone.
//
// One thread does everything in run(): it waits in poll(2) for keys, signals and the runner's answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/mailbox.h"
#include "app/person_terminal.h"
#include "base/deadline.h"
#include "sandbox-client/runner_client.h"
#include "sandbox-client/terminal/painter.h"
#include "sandbox-client/terminal/screen.h"

namespace rexec::app {

struct VisitEnd {
  enum class How {
    left,         // by its key
    ended,        // the program has
    gone,         // the sandbox is, or the terminal was closed and forgotten
    interrupted,  // by a signal
    hung_up,      // the person's terminal is gone
  };
  How how = How::left;
  int signal = 0;                  // interrupted
  std::string why;                 // gone
  sandbox::TerminalReport report;  // the last one, without its data
};

class TerminalVisit {
 public:
  static constexpr Duration kFrame = std::chrono::nanoseconds(std::chrono::seconds(1)) / 60;
  /// For so long what a program marked as unfinished (mode 2026) is not shown.
  static constexpr Duration kUnfinishedLimit = std::chrono::milliseconds(200);
  /// For what is still to be said when the visit ends: to the sandbox, and to the person's terminal.
  static constexpr Duration kLeaveLimit = std::chrono::seconds(1);
  /// Keys that a program has not taken yet. Further ones are dropped, and the bell rings.
  static constexpr std::size_t kMaxTyped = 1 << 20;
  static constexpr std::size_t kMaxWrite = 64 << 10;  // of them in one request
  static constexpr std::size_t kMaxRead = 256 << 10;  // of the output in one answer

  /// `signals` is read by take_signals(). All outlive this; `runner` has no completion of a visit left to
  /// call when it is closed, and those that come later are dropped.
  TerminalVisit(sandbox::Runner& runner, std::uint64_t number, PersonTerminal& person, int signals,
                bool watch_only);
  ~TerminalVisit();
  TerminalVisit(const TerminalVisit&) = delete;
  TerminalVisit& operator=(const TerminalVisit&) = delete;

  /// Until one of the ends; an error when it could not begin. The person's terminal shows what it did before.
  Result<VisitEnd> run();

 private:
  template <class T>
  sandbox::Completion<T> answered_by(void (TerminalVisit::*handler)(Result<T>));
  Op op() const { return Op{stop_.get_token(), Deadline::infinite()}; }

  void joined(Result<sandbox::TerminalCheckpoint> checkpoint);
  void ask_for_output();
  void reported(Result<sandbox::TerminalReport> report);
  void show(const sandbox::TerminalReport& report);
  void answer_queries();

  void type(std::string_view keys);
  void send_typed();
  void typed(Result<sandbox::InputState> state);
  void fit();
  void fitted(Result<void> done);
  void give_size_back();
  void asked_for_size(Result<sandbox::TerminalReport> report);
  void size_given_back(Result<void> done);

  void wait();
  void take_keys();
  void take_signal(int number);
  void end(VisitEnd::How how, std::string why = {}, int signal = 0);
  std::optional<SteadyTime> paint_time() const;
  void paint();
  void flush();
  void leave();

  sandbox::Runner& runner_;
  const std::uint64_t number_;
  PersonTerminal& person_;
  const int signals_;
  const bool watch_only_;
  std::shared_ptr<Mailbox> mailbox_;
  std::stop_source stop_;  // of the wait for output

  std::optional<terminal::Screen> screen_;
  std::uint64_t live_from_ = 0;  // output from here on came during the visit
  sandbox::TerminalReport report_;
  bool reported_once_ = false;

  terminal::Painter painter_;
  std::string unwritten_;  // to the person's terminal
  bool changed_ = false;   // since the last paint
  SteadyTime changed_at_;
  SteadyTime painted_at_;

  std::string typed_;     // not yet sent
  int outstanding_ = 0;   // requests that are awaited also when leaving
  bool typing_ = false;   // one of them
  bool fitting_ = false;  // another
  bool fit_again_ = false;
  std::optional<sandbox::TerminalSize> asked_;  // the size that we gave the terminal
  sandbox::TerminalSize former_;                // before that

  std::optional<VisitEnd> end_;
};

}  // namespace rexec::app
