#include "tools/support/terminal_wait.h"

#include <algorithm>
#include <array>

#include "tools/support/durations.h"

namespace rexec::tools {
namespace {

using sandbox::TerminalReport;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPieceBytes = 64 << 10;

class TerminalWaiting : public std::enable_shared_from_this<TerminalWaiting> {
 public:
  TerminalWaiting(std::shared_ptr<sandbox::Runner> runner, std::uint64_t terminal, std::uint64_t from,
                  const TerminalPatience& patience, std::string_view typed,
                  std::shared_ptr<mcp::ToolCall> call, Duration progress_interval,
                  sandbox::Completion<TerminalWaited> done)
      : runner_(std::move(runner)),
        terminal_(terminal),
        from_(from),
        pattern_(patience.pattern),
        idle_(patience.idle),
        expectation_(patience.pattern, typed),
        call_(std::move(call)),
        progress_(call_->wants_progress() ? progress_interval : Duration{}),
        done_(std::move(done)),
        begun_(Clock::now()),
        deadline_(begun_ + patience.wait),
        told_(begun_) {}

  void next() {
    sandbox::TerminalWait wait;
    wait.from = from_;
    wait.until = sandbox::TerminalUntil::output;
    wait.max = pattern_ ? kPieceBytes : 0;
    const SteadyTime now = Clock::now();
    SteadyTime until = std::min(deadline_, quiet_end());
    if (progress_ > Duration{}) until = std::min(until, told_ + progress_);
    wait.wait = std::max(Duration{}, until - now);
    if (wait.wait == Duration{}) wait.until = sandbox::TerminalUntil::now;
    runner_->wait_terminal(
        terminal_, wait, call_->op(),
        [self = shared_from_this()](Result<TerminalReport> report) { self->take(std::move(report)); });
  }

 private:
  /// When the terminal has been quiet for long enough, if nothing more comes.
  SteadyTime quiet_end() const {
    if (!last_output_) return SteadyTime::max();
    SteadyTime end = SteadyTime::max();
    if (idle_) end = *last_output_ + *idle_;
    if (candidate_since_)
      end = std::min({end, *last_output_ + kEchoPatience, *candidate_since_ + kEchoLimit});
    return end;
  }

  void take(Result<TerminalReport> report) {
    if (!report) return done_(std::move(report).error());
    const std::uint64_t read = pattern_ ? report->offset + report->data.size() : report->produced;
    const SteadyTime now = Clock::now();
    if (read > from_) {
      last_output_ = now;
      from_ = read;
      if (pattern_) expectation_.feed(report->data);
      const bool candidate = expectation_.match() && !expectation_.echo_settled();
      candidate_since_ = candidate ? candidate_since_.value_or(now) : std::optional<SteadyTime>();
    }
    const bool quiet = now >= quiet_end() && from_ >= report->produced;
    const bool end = report->end && from_ >= report->produced;
    if (expectation_.match() &&
        (!candidate_since_ || quiet || end || now >= deadline_ || now >= *candidate_since_ + kEchoLimit))
      return finish(TerminalOutcome::matched);
    if (end) return finish(TerminalOutcome::exited);
    if (quiet && idle_) return finish(TerminalOutcome::idle);
    if (now >= deadline_) return finish(TerminalOutcome::timeout);
    if (progress_ > Duration{} && now >= told_ + progress_) {
      told_ = now;
      call_->progress("waiting for the terminal for " + describe(now - begun_));
    }
    next();
  }

  void finish(TerminalOutcome outcome) {
    done_(TerminalWaited{outcome, outcome == TerminalOutcome::matched ? *expectation_.match() : ""});
  }

  const std::shared_ptr<sandbox::Runner> runner_;
  const std::uint64_t terminal_;
  std::uint64_t from_;
  const std::shared_ptr<const re2::RE2> pattern_;
  const std::optional<Duration> idle_;
  TerminalExpectation expectation_;
  const std::shared_ptr<mcp::ToolCall> call_;
  const Duration progress_;  // zero: none
  const sandbox::Completion<TerminalWaited> done_;
  const SteadyTime begun_;
  const SteadyTime deadline_;
  SteadyTime told_;
  std::optional<SteadyTime> last_output_;
  std::optional<SteadyTime> candidate_since_;  // a match that may still turn out to be before the echo
};

}  // namespace

TerminalPatience TerminalPatience::from(const Arguments& arguments, const ToolLimits& limits,
                                        Duration default_wait, Violations& violations) {
  TerminalPatience patience;
  patience.pattern = wait_pattern(arguments, violations);
  patience.idle = arguments.seconds("idle_s");
  if (!patience.pattern && !patience.idle) patience.idle = kDefaultIdle;
  patience.wait = std::min(arguments.seconds("wait_s").value_or(default_wait), limits.max_wait);
  return patience;
}

std::string_view to_string(TerminalOutcome outcome) {
  constexpr std::array<std::string_view, 4> kNames = {"matched", "idle", "timeout", "exited"};
  return kNames[static_cast<std::size_t>(outcome)];
}

void wait_for_terminal(std::shared_ptr<sandbox::Runner> runner, std::uint64_t terminal, std::uint64_t from,
                       const TerminalPatience& patience, std::string_view typed,
                       std::shared_ptr<mcp::ToolCall> call, Duration progress_interval,
                       sandbox::Completion<TerminalWaited> done) {
  std::make_shared<TerminalWaiting>(std::move(runner), terminal, from, patience, typed, std::move(call),
                                    progress_interval, std::move(done))
      ->next();
}

}  // namespace rexec::tools
