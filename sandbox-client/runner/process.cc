#include "sandbox-client/runner/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

namespace rexec::runner {
namespace {

constexpr std::size_t kReadPerTurn = 256 << 10;  // of one stream, so that others get their turn
constexpr std::size_t kPipeSize = 64 << 10;      // what pipe(7) gives
constexpr std::size_t kLargePipe = 1 << 20;      // what an ordinary user may ask for
constexpr int kBusyAfter = 2;                    // full reads in all

std::uint64_t microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000 + static_cast<std::uint64_t>(time.tv_usec);
}

}  // namespace

Process::Process(Loop& loop, OutputBudget& budget, Owner& owner, std::uint64_t number, Spawned spawned)
    : loop_(loop),
      owner_(owner),
      number_(number),
      pid_(spawned.pid),
      started_us_(monotonic_us()),
      started_unix_ms_(unix_ms()),
      has_input_(spawned.stdin_write.valid()),
      stdin_(*this),
      stdout_(*this, budget),
      stderr_(*this, budget) {
  stdin_.fd = std::move(spawned.stdin_write);
  stdout_.fd = std::move(spawned.output[0]);
  stderr_.fd = std::move(spawned.output[1]);
  for (OutputPipe* output : {&stdout_, &stderr_})
    if (!loop_.watch(output->fd.get(), EPOLLIN, *output)) close_output(*output);
}

Process::~Process() {
  loop_.cancel(timeout_timer);
  loop_.cancel(grace_timer);
  for (Waiter& waiter : waiters) loop_.cancel(waiter.timer);
  close_input();
  for (OutputPipe* output : {&stdout_, &stderr_})
    if (output->fd.valid()) loop_.unwatch(output->fd.get());
}

bool Process::outputs_at_end() const {
  return stdout_.window.ended() && stderr_.window.ended();
}

void Process::OutputPipe::ready(std::uint32_t events) {
  process.fill(*this, kReadPerTurn, (events & EPOLLHUP) != 0);
  process.owner_.output_changed(process);
}

void Process::fill(OutputPipe& pipe, std::size_t budget, bool to_the_end) {
  while (pipe.fd.valid() && budget > 0) {
    iovec pieces[2];
    const int count = pipe.window.room(pieces, budget);
    const std::size_t room = pieces[0].iov_len + (count > 1 ? pieces[1].iov_len : 0);
    const ssize_t size = ::readv(pipe.fd.get(), pieces, count);
    if (size > 0) {
      const auto got = static_cast<std::size_t>(size);
      pipe.window.commit(got);
      budget -= std::min(budget, got);
      if (got >= kPipeSize && ++pipe.full_reads == kBusyAfter)
        ::fcntl(pipe.fd.get(), F_SETPIPE_SZ, static_cast<int>(kLargePipe));
      // A short read has emptied the pipe; whether it has ended is worth asking only when that is known.
      if (got < room && !to_the_end) return;
    } else if (size < 0 && errno == EINTR) {
      continue;
    } else if (size < 0 && errno == EAGAIN) {
      return;
    } else {
      close_output(pipe);
    }
  }
}

void Process::close_output(OutputPipe& pipe) {
  loop_.unwatch(pipe.fd.get());
  pipe.fd.reset();
  pipe.window.finish();
}

void Process::end(int wait_status, const rusage& usage) {
  ended_ = true;
  ended_us_ = monotonic_us();
  wait_status_ = wait_status;
  usage_ = usage;
  close_input();
  queue_.abandon();
  for (OutputPipe* output : {&stdout_, &stderr_}) fill(*output, kLargePipe, true);
}

void Process::InputPipe::ready(std::uint32_t) {
  process.push_input();
  process.owner_.input_changed(process);
}

void Process::push_input() {
  while (stdin_.fd.valid() && !queue_.empty()) {
    const std::string_view bytes = queue_.front();
    const ssize_t size = ::write(stdin_.fd.get(), bytes.data(), bytes.size());
    if (size >= 0) {
      queue_.pop(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN) {
      if (!stdin_.watched) stdin_.watched = loop_.watch(stdin_.fd.get(), EPOLLOUT, stdin_);
      return;
    } else if (errno != EINTR) {
      queue_.abandon();
      close_input();
    }
  }
  if (!stdin_.fd.valid()) return;
  if (queue_.at_end()) {
    close_input();
  } else if (stdin_.watched) {
    loop_.unwatch(stdin_.fd.get());
    stdin_.watched = false;
  }
}

void Process::close_input() {
  if (stdin_.watched) loop_.unwatch(stdin_.fd.get());
  stdin_.watched = false;
  stdin_.fd.reset();
}

ProcessStatus Process::status() const {
  if (!ended_) return ProcessStatus::running;
  if (cancelled) return ProcessStatus::cancelled;
  if (timed_out) return ProcessStatus::timed_out;
  return WIFSIGNALED(wait_status_) ? ProcessStatus::signaled : ProcessStatus::exited;
}

std::uint64_t Process::age_us() const {
  return (ended_ ? ended_us_ : monotonic_us()) - started_us_;
}

std::uint64_t Process::cpu_us() const {
  return microseconds(usage_.ru_utime) + microseconds(usage_.ru_stime);
}

Report Process::report(const WaitSpec& spec) const {
  Report report;
  report.process = number_;
  report.pid = pid_;
  report.status = status();
  report.started_unix_ms = started_unix_ms_;
  report.duration_us = age_us();
  if (ended_) {
    if (WIFEXITED(wait_status_)) report.exit_code = WEXITSTATUS(wait_status_);
    if (WIFSIGNALED(wait_status_)) report.signal = WTERMSIG(wait_status_);
    report.usage_known = true;
    report.cpu_us = cpu_us();
    report.max_rss = static_cast<std::uint64_t>(usage_.ru_maxrss) * 1024;
    report.pipes_held = settled_ && !outputs_at_end();
    const bool by_signal_sent = signal_sent != 0;
    if (cancelled || timed_out || by_signal_sent) report.reason = reason;
  } else if (deadline_us != 0) {
    const std::uint64_t now = monotonic_us();
    report.deadline_ms = deadline_us > now ? (deadline_us - now + 999) / 1000 : 1;
  }
  for (std::size_t i = 0; i < kStreams; ++i) {
    const std::size_t share = spec.wanted[i] ? 1 : 0;
    report.streams[i] =
        window(static_cast<Stream>(i)).report(spec.from[i], spec.head * share, spec.tail * share);
  }
  return report;
}

std::vector<Fd> Process::release_pipes() {
  std::vector<Fd> pipes;
  for (OutputPipe* output : {&stdout_, &stderr_}) {
    if (!output->fd.valid()) continue;
    loop_.unwatch(output->fd.get());
    pipes.push_back(std::move(output->fd));
  }
  return pipes;
}

}  // namespace rexec::runner
