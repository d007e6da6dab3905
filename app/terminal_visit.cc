#include "app/terminal_visit.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "app/terminal_signals.h"

namespace rexec::app {
namespace {

using sandbox::TerminalReport;
using sandbox::TerminalSize;

constexpr char kLeaveKey = '\x1D';                      // ctrl-]
constexpr std::string_view kWatcherKeys = "\x1Dq\x03";  // these end a visit that only watches
constexpr std::chrono::minutes kOutputPatience{1};      // then it is asked for anew
constexpr std::string_view kDroppedKeys = "\a";         // the bell
constexpr std::string_view kCancelSequence = "\x18";    // CAN: what was begun before a gap is over

TerminalSize bounded_size(terminal::Size size) {
  return {static_cast<unsigned>(std::clamp(size.columns, 1, terminal::kMaxColumns)),
          static_cast<unsigned>(std::clamp(size.rows, 1, terminal::kMaxRows))};
}

terminal::Size screen_size(const TerminalSize& size) {
  return {static_cast<int>(size.cols), static_cast<int>(size.rows)};
}

bool same_size(const TerminalSize& a, const TerminalSize& b) {
  return a.cols == b.cols && a.rows == b.rows;
}

}  // namespace

TerminalVisit::TerminalVisit(sandbox::Runner& runner, std::uint64_t number, PersonTerminal& person,
                             int signals, bool watch_only)
    : runner_(runner),
      number_(number),
      person_(person),
      signals_(signals),
      watch_only_(watch_only),
      painter_(person.size(), {.input_modes = !watch_only}) {}

TerminalVisit::~TerminalVisit() {
  stop_.request_stop();
}

Result<VisitEnd> TerminalVisit::run() {
  ASSIGN_OR_RETURN(mailbox_, Mailbox::make());
  unwritten_ = painter_.begin();
  runner_.get_checkpoint(number_, op(), answered_by(&TerminalVisit::joined));
  while (!end_) {
    const auto time = paint_time();
    if (time && *time <= std::chrono::steady_clock::now()) paint();
    wait();
  }
  leave();
  return *end_;
}

template <class T>
sandbox::Completion<T> TerminalVisit::answered_by(void (TerminalVisit::*handler)(Result<T>)) {
  return [mailbox = mailbox_, this, handler](Result<T> result) {
    mailbox->put([this, handler, result = std::move(result)] { (this->*handler)(result); });
  };
}

// The output.

void TerminalVisit::joined(Result<sandbox::TerminalCheckpoint> checkpoint) {
  if (!checkpoint) return end(VisitEnd::How::gone, checkpoint.error().message);
  // Somebody else's, of whatever version: without it all output that is kept is read.
  if (auto screen = terminal::Screen::restore(checkpoint->bytes);
      screen && screen->offset() == checkpoint->offset)
    screen_ = *std::move(screen);
  ask_for_output();
}

void TerminalVisit::ask_for_output() {
  sandbox::TerminalWait wait;
  wait.from = screen_ ? screen_->offset() : 0;
  wait.until = reported_once_ ? sandbox::TerminalUntil::output : sandbox::TerminalUntil::now;
  wait.wait = kOutputPatience;
  wait.max = kMaxRead;
  runner_.wait_terminal(number_, wait, op(), answered_by(&TerminalVisit::reported));
}

void TerminalVisit::reported(Result<TerminalReport> report) {
  if (end_) return;
  if (!report) return end(VisitEnd::How::gone, report.error().message);
  if (!screen_) screen_.emplace(screen_size(report->size));
  const bool first = !std::exchange(reported_once_, true);
  if (first) {
    live_from_ = report->produced;
    former_ = report->size;
  }
  show(*report);
  const bool over = report->end && screen_->offset() >= report->produced;
  report_ = *std::move(report);
  report_.data.clear();
  if (over) return end(VisitEnd::How::ended);
  answer_queries();
  if (first && !watch_only_) fit();
  ask_for_output();
}

// What was put out before the visit was for the size of that time, as far as anybody knows.
void TerminalVisit::show(const TerminalReport& report) {
  terminal::Screen& screen = *screen_;
  if (report.offset != screen.offset()) {
    screen.feed(kCancelSequence);
    screen.set_offset(report.offset);
  }
  const std::string_view data = report.data;
  const auto earlier = static_cast<std::size_t>(
      std::min<std::uint64_t>(data.size(), live_from_ - std::min(live_from_, report.offset)));
  screen.feed(data.substr(0, earlier));
  if (screen.offset() >= live_from_) screen.resize(screen_size(report.size));
  screen.feed(data.substr(earlier));
  if (!std::exchange(changed_, true)) changed_at_ = std::chrono::steady_clock::now();
}

void TerminalVisit::answer_queries() {
  for (const terminal::Reply& reply : screen_->take_replies()) {
    if (watch_only_ || reply.offset < live_from_) continue;
    runner_.answer_terminal(number_, reply.offset, reply.bytes, op(), [](const Result<void>&) {});
  }
}

// The keys.

void TerminalVisit::type(std::string_view keys) {
  const std::size_t room = kMaxTyped - std::min(kMaxTyped, typed_.size());
  typed_.append(keys.substr(0, room));
  if (keys.size() > room) unwritten_ += kDroppedKeys;
  send_typed();
}

// One request at a time: what is typed meanwhile goes together in the next.
void TerminalVisit::send_typed() {
  if (typing_ || typed_.empty()) return;
  typing_ = true;
  ++outstanding_;
  std::string keys = typed_.substr(0, kMaxWrite);
  typed_.erase(0, keys.size());
  runner_.write_terminal(number_, std::move(keys), op(), answered_by(&TerminalVisit::typed));
}

void TerminalVisit::typed(Result<sandbox::InputState> state) {
  typing_ = false;
  --outstanding_;
  // Nobody reads any more. Why, the wait for output tells.
  if (!state || state->closed) typed_.clear();
  send_typed();
}

// The size.

void TerminalVisit::fit() {
  fit_again_ = fitting_;
  const TerminalSize size = bounded_size(person_.size());
  if (fitting_ || same_size(asked_.value_or(former_), size)) return;
  asked_ = size;
  fitting_ = true;
  ++outstanding_;
  runner_.resize_terminal(number_, size, op(), answered_by(&TerminalVisit::fitted));
}

void TerminalVisit::fitted(Result<void> done) {
  fitting_ = false;
  --outstanding_;
  if (done && screen_->offset() >= live_from_) {
    screen_->resize(screen_size(*asked_));
    changed_ = true;
  }
  if (fit_again_ && !end_) fit();
}

void TerminalVisit::give_size_back() {
  if (!asked_ || same_size(*asked_, former_)) return;
  ++outstanding_;
  runner_.wait_terminal(number_, {.from = screen_->offset()}, op(),
                        answered_by(&TerminalVisit::asked_for_size));
}

void TerminalVisit::asked_for_size(Result<TerminalReport> report) {
  --outstanding_;
  if (!report || report->status != sandbox::ProcessStatus::running || !same_size(report->size, *asked_))
    return;
  ++outstanding_;
  runner_.resize_terminal(number_, former_, op(), answered_by(&TerminalVisit::size_given_back));
}

void TerminalVisit::size_given_back(Result<void>) {
  --outstanding_;
}

// The person.

void TerminalVisit::wait() {
  int patience = -1;
  if (const auto time = paint_time()) patience = Deadline::at(*time).poll_ms();
  const auto writing = static_cast<short>(unwritten_.empty() ? 0 : POLLOUT);
  std::array<pollfd, 3> events = {{{person_.fd(), static_cast<short>(POLLIN | writing), 0},
                                   {signals_, POLLIN, 0},
                                   {mailbox_->fd(), POLLIN, 0}}};
  if (::poll(events.data(), events.size(), patience) <= 0) return;
  if (events[1].revents != 0)
    for (const int number : take_signals(signals_)) take_signal(number);
  if ((events[0].revents & POLLOUT) != 0) flush();
  if ((events[0].revents & ~POLLOUT) != 0) take_keys();
  if (events[2].revents != 0) mailbox_->deliver();
}

void TerminalVisit::take_keys() {
  const auto read = person_.read();
  if (!read) return end(VisitEnd::How::hung_up);
  const std::string_view keys = *read;
  if (watch_only_) {
    if (keys.find_first_of(kWatcherKeys) != keys.npos) end(VisitEnd::How::left);
    return;
  }
  const std::size_t leaving = keys.find(kLeaveKey);
  type(keys.substr(0, leaving));
  if (leaving != keys.npos) end(VisitEnd::How::left);
}

void TerminalVisit::take_signal(int number) {
  if (number != SIGWINCH) return end(VisitEnd::How::interrupted, {}, number);
  painter_.resize(person_.size());
  changed_ = true;
  if (reported_once_ && !watch_only_) fit();
}

void TerminalVisit::end(VisitEnd::How how, std::string why, int signal) {
  if (!end_) end_ = VisitEnd{how, signal, std::move(why), report_};
}

/// When the screen is to be painted; not while the terminal has not taken what was painted before, so that a
/// slow one skips pictures rather than lagging behind.
std::optional<SteadyTime> TerminalVisit::paint_time() const {
  if (!changed_ || !screen_ || !unwritten_.empty()) return std::nullopt;
  const SteadyTime frame = painted_at_ + kFrame;
  return screen_->modes().synchronized_output ? std::max(frame, changed_at_ + kUnfinishedLimit) : frame;
}

void TerminalVisit::paint() {
  unwritten_ += painter_.paint(*screen_);
  changed_ = false;
  painted_at_ = std::chrono::steady_clock::now();
  flush();
}

void TerminalVisit::flush() {
  if (!person_.write(unwritten_)) end(VisitEnd::How::hung_up);
}

// What is asked of the sandbox here is little, and is answered at once unless it is gone.
void TerminalVisit::leave() {
  unwritten_ += painter_.end();
  if (end_->how != VisitEnd::How::gone && end_->how != VisitEnd::How::ended) give_size_back();
  const Deadline deadline = Deadline::after(kLeaveLimit);
  const bool gone = end_->how == VisitEnd::How::gone;
  while (!deadline.passed()) {
    if (!unwritten_.empty() && !person_.write(unwritten_)) unwritten_.clear();
    const bool settled = gone || outstanding_ == 0;
    if (settled && unwritten_.empty()) return;
    const bool writing = !unwritten_.empty();
    std::array<pollfd, 2> events = {
        {{writing ? person_.fd() : -1, POLLOUT, 0}, {settled ? -1 : mailbox_->fd(), POLLIN, 0}}};
    if (::poll(events.data(), events.size(), deadline.poll_ms()) > 0 && events[1].revents != 0)
      mailbox_->deliver();
  }
}

}  // namespace rexec::app
