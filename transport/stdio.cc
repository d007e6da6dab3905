#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "transport/line_splitter.h"
#include "transport/pipe_writer.h"
#include "transport/transport.h"
#include "transport/watchdog.h"

namespace rexec::transport {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;  // capacity of a pipe
constexpr int kParentCheckMs = 1000;           // where the kernel has no pidfd_open (before 5.3)

sigset_t termination_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

/// Knows when the process that started us ends. PR_SET_PDEATHSIG would not do: it fires already when the
/// *thread* that started us ends, and clients start servers from short-lived threads (prctl(2)).
class ParentWatch {
 public:
  ParentWatch() : parent_(::getppid()) {
    // 0: the parent lives outside of our pid namespace, and we are its init.
    if (parent_ > 0) pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, parent_, 0)));
  }

  int descriptor() const { return pidfd_.get(); }
  int poll_ms() const { return parent_ == 0 || pidfd_.valid() ? -1 : kParentCheckMs; }
  bool gone() const { return parent_ != 0 && ::getppid() != parent_; }

 private:
  const pid_t parent_;
  UniqueFd pidfd_;
};

class StdioTransport final : public mcp::Transport {
 public:
  StdioTransport(StdioDescriptors descriptors, StdioOptions options)
      : descriptors_(std::move(descriptors)), options_(options) {}

  Status serve(mcp::Endpoint& endpoint, std::stop_token stop) override {
    const sigset_t signals = termination_signals();
    const UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    const UniqueFd stop_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!signal_fd.valid() || !stop_fd.valid()) return errno_error("cannot watch for the end", errno);
    ASSIGN_OR_RETURN(auto writer, PipeWriter::make(std::move(descriptors_.output), options_.max_queued));
    const std::function<void()> wake = [&] {
      const std::uint64_t one = 1;
      (void)!::write(stop_fd.get(), &one, sizeof one);
    };
    const std::stop_callback on_stop(stop, wake);
    const std::stop_callback on_closed(writer->closed(), wake);

    const std::string_view reason = read_until_end(endpoint, writer, signal_fd.get(), stop_fd.get());
    log(LogLevel::info, "transport", "ending: " + std::string(reason));
    end(endpoint, *writer);
    return {};
  }

 private:
  std::string_view read_until_end(mcp::Endpoint& endpoint, const std::shared_ptr<PipeWriter>& writer,
                                  int signal_fd, int stop_fd) {
    mcp::Peer peer;
    peer.session = mcp::make_session();
    LineSplitter lines(options_.max_message,
                       {[&](std::string line) { endpoint.receive(std::move(line), writer, peer); },
                        [&] { endpoint.receive_oversized(writer, peer, options_.max_message); }});
    const ParentWatch parent;
    std::string buffer(kReadBytes, '\0');
    for (;;) {
      std::array<pollfd, 5> fds = {{{descriptors_.input.get(), POLLIN, 0},
                                    {signal_fd, POLLIN, 0},
                                    {stop_fd, POLLIN, 0},
                                    {parent.descriptor(), POLLIN, 0},
                                    {writer->descriptor(), 0, 0}}};
      const int ready = ::poll(fds.data(), fds.size(), parent.poll_ms());
      if (ready < 0 && errno != EINTR) return "poll failed";
      if (parent.gone()) return "the parent process has ended";
      if (ready <= 0) continue;
      if (fds[1].revents != 0) return "a signal";
      if (fds[2].revents != 0)
        return writer->closed().stop_requested() ? "the client does not read" : "told to stop";
      if (fds[3].revents != 0) return "the parent process has ended";
      if (fds[4].revents != 0) {  // nothing was asked for, so POLLERR, POLLHUP or POLLNVAL
        writer->close();
        return "the output is closed";
      }
      if (fds[0].revents == 0) continue;
      const auto count = ::read(descriptors_.input.get(), buffer.data(), buffer.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      writer->hold();
      if (count > 0) {
        lines.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
      } else {
        lines.end();
      }
      writer->release();
      if (count <= 0) return count == 0 ? "end of input" : "the input cannot be read";
    }
  }

  void end(mcp::Endpoint& endpoint, PipeWriter& writer) {
    const auto begin = std::chrono::steady_clock::now();
    if (options_.watchdog > Duration::zero()) watchdog_.arm(Deadline::at(begin + options_.watchdog));
    (void)endpoint.wait_idle(Op{writer.closed(), Deadline::at(begin + options_.drain)});
    endpoint.shutdown();
    // Half of what is left is for handlers that clean up and for the last messages, half for the caller's own
    // end.
    const Duration rest = std::max(options_.watchdog - options_.drain, Duration::zero());
    const Deadline last = Deadline::at(begin + options_.drain + rest / 2);
    (void)endpoint.wait_idle(Op{{}, last});
    writer.finish(last);
  }

  StdioDescriptors descriptors_;
  const StdioOptions options_;
  Watchdog watchdog_;
};

}  // namespace

Result<StdioDescriptors> claim_stdio() {
  StdioDescriptors descriptors;
  ASSIGN_OR_RETURN(descriptors.input, duplicate(STDIN_FILENO));
  ASSIGN_OR_RETURN(descriptors.output, duplicate(STDOUT_FILENO));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return errno_error("cannot open /dev/null", errno);
  if (::dup2(null.get(), STDIN_FILENO) < 0) return errno_error("cannot replace standard input", errno);
  const bool has_stderr = ::fcntl(STDERR_FILENO, F_GETFD) >= 0;
  if (::dup2(has_stderr ? STDERR_FILENO : null.get(), STDOUT_FILENO) < 0) {
    return errno_error("cannot replace standard output", errno);
  }
  return descriptors;
}

std::unique_ptr<mcp::Transport> make_stdio_transport(StdioDescriptors descriptors, StdioOptions options) {
  return std::make_unique<StdioTransport>(std::move(descriptors), options);
}

void block_termination_signals() {
  const sigset_t signals = termination_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace rexec::transport
