#include "sandbox-client/terminal_view.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace rexec::sandbox {
namespace {

constexpr Duration kFollowWait = std::chrono::hours(1);  // of one request for output

terminal::Size screen_size(const TerminalSize& size) {
  return {static_cast<int>(size.cols), static_cast<int>(size.rows)};
}

bool same_size(const TerminalSize& a, const TerminalSize& b) {
  return a.cols == b.cols && a.rows == b.rows;
}

TerminalWait look() {
  return {};
}

/// Gathers what a new view starts from: the state of the terminal, and a checkpoint where its first output is
/// gone.
class Joining : public std::enable_shared_from_this<Joining> {
 public:
  using Ready = std::function<void(Result<std::pair<terminal::Screen, TerminalReport>>)>;

  Joining(std::shared_ptr<Runner> runner, std::uint64_t number, Op op, Ready ready)
      : runner_(std::move(runner)), number_(number), op_(std::move(op)), ready_(std::move(ready)) {}

  void run() {
    runner_->wait_terminal(number_, look(), op_, [self = shared_from_this()](Result<TerminalReport> report) {
      if (!report) return self->ready_(std::move(report).error());
      if (report->lost == 0) return self->begin(std::nullopt, *report);
      self->fetch(std::move(*report));
    });
  }

 private:
  void fetch(TerminalReport report) {
    runner_->get_checkpoint(
        number_, op_,
        [self = shared_from_this(), report = std::move(report)](Result<TerminalCheckpoint> checkpoint) {
          if (!checkpoint) return self->ready_(std::move(checkpoint).error());
          // Where output is missing between the two, the older screen is better than none.
          auto screen = terminal::Screen::restore(checkpoint->bytes);
          if (!screen) return self->begin(std::nullopt, report);
          screen->set_offset(checkpoint->offset);
          self->begin(std::move(*screen), report);
        });
  }

  void begin(std::optional<terminal::Screen> screen, const TerminalReport& report) {
    if (!screen) screen.emplace(screen_size(report.size));
    ready_(std::pair{std::move(*screen), report});
  }

  const std::shared_ptr<Runner> runner_;
  const std::uint64_t number_;
  const Op op_;
  const Ready ready_;
};

}  // namespace

TerminalView::TerminalView(std::shared_ptr<Runner> runner, std::uint64_t number, terminal::Screen screen,
                           std::uint64_t live_from)
    : runner_(std::move(runner)),
      number_(number),
      live_from_(live_from),
      screen_(std::move(screen)),
      size_{static_cast<unsigned>(screen_.size().columns), static_cast<unsigned>(screen_.size().rows)},
      checkpoint_(screen_.offset()) {}

std::shared_ptr<TerminalView> TerminalView::open(std::shared_ptr<Runner> runner, const TerminalReport& opened,
                                                 const std::shared_ptr<TerminalObserver>& observer) {
  std::shared_ptr<TerminalView> view(
      new TerminalView(std::move(runner), opened.terminal, terminal::Screen(screen_size(opened.size)), 0));
  if (observer) (void)view->observe(observer);
  view->follow();
  return view;
}

void TerminalView::join(std::shared_ptr<Runner> runner, std::uint64_t number, Op op,
                        Completion<std::shared_ptr<TerminalView>> done) {
  auto ready = [runner, number,
                done = std::move(done)](Result<std::pair<terminal::Screen, TerminalReport>> start) {
    if (!start) return done(std::move(start).error());
    auto& [screen, report] = *start;
    const std::uint64_t produced = report.produced;
    std::shared_ptr<TerminalView> view(new TerminalView(runner, number, std::move(screen), produced));
    view->follow();
    view->caught_up(produced, [view, done](const std::optional<Error>& error) {
      if (error) return done(*error);
      done(view);
    });
  };
  std::make_shared<Joining>(std::move(runner), number, std::move(op), std::move(ready))->run();
}

void TerminalView::follow() {
  TerminalWait wait;
  wait.until = TerminalUntil::output;
  wait.wait = kFollowWait;
  wait.max = kPieceBytes;
  {
    const MutexLock lock(mutex_);
    wait.from = screen_.offset();
  }
  runner_->wait_terminal(number_, wait, Op{stop_.get_token(), Deadline::infinite()},
                         [weak = weak_from_this()](Result<TerminalReport> report) {
                           if (const auto self = weak.lock()) self->take(std::move(report));
                         });
}

void TerminalView::take(Result<TerminalReport> report) {
  std::vector<terminal::Reply> replies;
  std::vector<Pending> ready;
  bool resized = false;
  bool over = false;
  {
    const MutexLock lock(mutex_);
    if (!report) {
      over = over_ = true;
      broken_ = report.error();
    } else {
      resized = adopt_size(report->size);
      if (report->offset > screen_.offset()) {
        screen_.feed("\x18");  // CAN: the rest of what was begun is lost
        screen_.set_offset(report->offset);
      }
      replies = feed(report->data);
      over = over_ = report->end && screen_.offset() >= report->produced;
    }
    const std::uint64_t offset = screen_.offset();
    const auto waits = [=](const Pending& pending) { return !over && pending.target > offset; };
    const auto split = std::stable_partition(pending_.begin(), pending_.end(), waits);
    ready.assign(std::make_move_iterator(split), std::make_move_iterator(pending_.end()));
    pending_.erase(split, pending_.end());
  }
  for (const terminal::Reply& reply : replies) {
    // A refusal means that the program reads nothing, or is gone: then it needs no answer.
    if (reply.offset >= live_from_)
      runner_->answer_terminal(number_, reply.offset, reply.bytes, Op{}, [](Result<void>) {});
  }
  for (const auto& observer : observers()) {
    if (resized) observer->resized(report->size);
    if (report && !report->data.empty()) observer->output(report->data);
    if (over) observer->ended();
  }
  const std::optional<Error> error = report ? std::nullopt : std::optional<Error>(report.error());
  for (const Pending& pending : ready) pending.done(error);
  if (over) return;
  keep_checkpoint();
  follow();
}

/// In slices that cannot hold more queries than a screen has room for, when there are many.
std::vector<terminal::Reply> TerminalView::feed(std::string_view bytes) {
  constexpr std::size_t kShortestQuery = 3;
  const auto queries = static_cast<std::size_t>(std::ranges::count(bytes, '\x1b'));
  const std::size_t slice =
      queries < terminal::kMaxReplies ? kPieceBytes : terminal::kMaxReplies * kShortestQuery;
  std::vector<terminal::Reply> replies;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), slice))) {
    screen_.feed(bytes.substr(0, slice));
    std::ranges::move(screen_.take_replies(), std::back_inserter(replies));
  }
  if (replies.size() > kMaxAnswers) replies.resize(kMaxAnswers);
  return replies;
}

bool TerminalView::adopt_size(const TerminalSize& size) {
  if (same_size(size_, size)) return false;
  size_ = size;
  screen_.resize(screen_size(size));
  return true;
}

void TerminalView::keep_checkpoint() {
  TerminalCheckpoint checkpoint;
  {
    const MutexLock lock(mutex_);
    if (screen_.offset() - checkpoint_ < kCheckpointBytes) return;
    checkpoint_ = checkpoint.offset = screen_.offset();
    checkpoint.bytes = screen_.save(false);
  }
  // One that is refused is only missing.
  runner_->put_checkpoint(number_, std::move(checkpoint), Op{}, [](Result<void>) {});
}

void TerminalView::caught_up(std::uint64_t target, std::function<void(const std::optional<Error>&)> done) {
  std::optional<Error> error;
  {
    const MutexLock lock(mutex_);
    if (!over_ && screen_.offset() < target) {
      pending_.push_back({target, std::move(done)});
      return;
    }
    // What is missing then was lost with the sandbox.
    if (screen_.offset() < target) error = broken_;
  }
  done(error);
}

void TerminalView::refresh(Op op, Completion<TerminalReport> done) {
  runner_->wait_terminal(
      number_, look(), std::move(op),
      [self = shared_from_this(), done = std::move(done)](Result<TerminalReport> report) {
        if (!report) return done(std::move(report));
        bool resized = false;
        {
          const MutexLock lock(self->mutex_);
          resized = self->adopt_size(report->size);
        }
        if (resized)
          for (const auto& observer : self->observers()) observer->resized(report->size);
        const std::uint64_t target = report->produced;
        self->caught_up(target, [done, report = std::move(*report)](const std::optional<Error>& error) {
          if (error) return done(*error);
          done(report);
        });
      });
}

void TerminalView::read(const std::function<void(const terminal::Screen&)>& use) const {
  const MutexLock lock(mutex_);
  use(screen_);
}

bool TerminalView::over() const {
  const MutexLock lock(mutex_);
  return over_;
}

bool TerminalView::broken() const {
  const MutexLock lock(mutex_);
  return broken_.has_value();
}

std::uint64_t TerminalView::seen() const {
  const MutexLock lock(mutex_);
  return seen_;
}

void TerminalView::set_seen(std::uint64_t offset) {
  const MutexLock lock(mutex_);
  seen_ = std::max(seen_, offset);
}

bool TerminalView::observe(const std::shared_ptr<TerminalObserver>& observer) {
  bool over = false;
  {
    const MutexLock lock(mutex_);
    std::erase_if(observers_, [](const auto& weak) { return weak.expired(); });
    if (observers_.size() >= kMaxObservers) return false;
    observers_.push_back(observer);
    over = over_;
  }
  if (over) observer->ended();
  return true;
}

std::vector<std::shared_ptr<TerminalObserver>> TerminalView::observers() const {
  std::vector<std::shared_ptr<TerminalObserver>> living;
  const MutexLock lock(mutex_);
  for (const auto& weak : observers_)
    if (auto observer = weak.lock()) living.push_back(std::move(observer));
  return living;
}

}  // namespace rexec::sandbox
