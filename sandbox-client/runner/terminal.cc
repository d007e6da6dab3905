#include "sandbox-client/runner/terminal.h"

#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

namespace rexec::runner {
namespace {

constexpr std::size_t kReadPerTurn = 64 << 10;  // of one terminal, so that others get their turn
constexpr std::size_t kLastRead = 1 << 20;      // more than a line can hold

}  // namespace

Terminal::Terminal(Loop& loop, OutputBudget& budget, Owner& owner, std::uint64_t number, pid_t pid, Pty pty,
                   const TerminalSize& size)
    : loop_(loop),
      owner_(owner),
      number_(number),
      pid_(pid),
      started_us_(monotonic_us()),
      started_unix_ms_(unix_ms()),
      size_(size),
      master_(std::move(pty.master)),
      slave_(std::move(pty.slave)),
      window_(budget, OutputWindow::Keep{0, kTerminalBytes}) {
  if (!loop_.watch(master_.get(), EPOLLIN, *this)) {
    master_.reset();
    hang_up();
  }
}

Terminal::~Terminal() {
  loop_.cancel(cut_timer);
  for (TerminalWaiter& waiter : waiters) loop_.cancel(waiter.timer);
  if (master_.valid()) loop_.unwatch(master_.get());
}

void Terminal::ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) push_input();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) fill(kReadPerTurn);
  if ((events & EPOLLOUT) != 0 || input_closed()) owner_.input_changed(*this);
  owner_.output_changed(*this);
}

void Terminal::fill(std::size_t budget) {
  while (master_.valid() && budget > 0) {
    // The kernel hands out at most 4 KiB at a time, so a short read does not mean that nothing is left.
    iovec pieces[2];
    const int count = window_.room(pieces, budget);
    const ssize_t size = ::readv(master_.get(), pieces, count);
    if (size > 0) {
      const auto got = static_cast<std::size_t>(size);
      window_.commit(got);
      budget -= std::min(budget, got);
    } else if (size < 0 && errno == EINTR) {
      continue;
    } else if (size < 0 && errno == EAGAIN) {
      return;
    } else {
      hang_up();
    }
  }
}

void Terminal::end(int wait_status) {
  ended_ = true;
  ended_us_ = monotonic_us();
  wait_status_ = wait_status;
  slave_.reset();
  fill(kLastRead);
}

void Terminal::hang_up() {
  if (master_.valid()) loop_.unwatch(master_.get());
  master_.reset();
  slave_.reset();
  queue_.abandon();
  window_.finish();
}

bool Terminal::resize(const TerminalSize& size) {
  if (!master_.valid() || !set_size(master_.get(), size)) return false;
  size_ = size;
  return true;
}

bool Terminal::answer(std::uint64_t query_offset, std::string_view data) {
  if (query_offset < unanswered_from_ || input_closed()) return true;
  if (!queue_.has_room()) return false;
  unanswered_from_ = query_offset + 1;
  queue_.append(data);
  push_input();
  return true;
}

void Terminal::push_input() {
  while (master_.valid() && !queue_.empty()) {
    const std::string_view bytes = queue_.front();
    const ssize_t size = ::write(master_.get(), bytes.data(), bytes.size());
    if (size > 0) {
      queue_.pop(static_cast<std::size_t>(size));
    } else if (size == 0 || errno == EAGAIN) {
      return watch_output(true);
    } else if (errno != EINTR) {
      return queue_.abandon();  // hung up; what it put out before is still to be read
    }
  }
  if (master_.valid()) watch_output(false);
}

void Terminal::watch_output(bool input_too) {
  if (waits_for_room_ == input_too) return;
  waits_for_room_ = input_too;
  loop_.modify(master_.get(), EPOLLIN | (input_too ? static_cast<std::uint32_t>(EPOLLOUT) : 0U));
}

ProcessStatus Terminal::status() const {
  if (!ended_) return ProcessStatus::running;
  return WIFSIGNALED(wait_status_) ? ProcessStatus::signaled : ProcessStatus::exited;
}

std::uint64_t Terminal::age_us() const {
  return (ended_ ? ended_us_ : monotonic_us()) - started_us_;
}

TerminalEntry Terminal::entry() const {
  TerminalEntry entry;
  entry.terminal = number_;
  entry.pid = pid_;
  entry.command = command;
  entry.status = status();
  if (entry.status == ProcessStatus::exited) entry.exit_code = WEXITSTATUS(wait_status_);
  if (entry.status == ProcessStatus::signaled) entry.signal = WTERMSIG(wait_status_);
  entry.size = size_;
  entry.produced = window_.produced();
  entry.started_unix_ms = started_unix_ms_;
  entry.duration_us = age_us();
  return entry;
}

TerminalReport Terminal::report(std::uint64_t from, std::size_t max) const {
  const TerminalEntry now = entry();
  TerminalReport report;
  report.terminal = now.terminal;
  report.pid = now.pid;
  report.status = now.status;
  report.exit_code = now.exit_code;
  report.signal = now.signal;
  if (ended_) report.reason = reason;
  report.started_unix_ms = now.started_unix_ms;
  report.duration_us = now.duration_us;
  report.size = now.size;
  report.echo_off = master_.valid() && echo_is_off(master_.get());
  report.from = from;
  report.produced = now.produced;
  report.end = settled();
  Output output = window_.read(from, max);
  report.offset = output.offset;
  if (from < now.produced) report.lost = output.offset - from;
  report.data = std::move(output.data);
  return report;
}

}  // namespace rexec::runner
