#include "sandbox-client/runner/tree_service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sandbox-client/runner/tree_work.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kPipe = 3;  // the child's only descriptor beyond the standard ones

/// In the child: nothing of the runner's stays open, and it does not outlive the runner.
void detach(int pipe, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(1);
  if (pipe != kPipe && ::dup2(pipe, kPipe) < 0) ::_exit(1);
  if (::syscall(SYS_close_range, kPipe + 1U, ~0U, 0U) == 0) return;
  const long count = ::sysconf(_SC_OPEN_MAX);
  for (int fd = kPipe + 1; fd < count; ++fd) ::close(fd);
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// The frame of a reply, or of the failure.
template <class Message, class Wanted>
std::string frame(RequestId request, MessageType type, const Wanted& wanted,
                  bool (*work)(const Wanted&, Message&, Failure&)) {
  Message message;
  Failure failure;
  if (!work(wanted, message, failure)) return Replies::frame_of(MessageType::error, request.id, failure, 256);
  return Replies::frame_of(type, request.id, message, kReadBytes);
}

}  // namespace

class TreeService::Job final : public Watcher {
 public:
  Job(TreeService& service, Order order) : service_(service), order_(std::move(order)) {}
  ~Job() override {
    if (output_.valid()) service_.loop_.unwatch(output_.get());
    service_.loop_.cancel(timer_);
    if (child_ > 0) service_.guard_.signal_group(child_, SIGKILL);
  }

  RequestId request() const { return order_.request; }
  void forget_collected() {
    if (!service_.guard_.knows(child_)) child_ = -1;
  }

  /// 0, or why there is no child.
  int start() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
    output_.reset(ends[0]);
    const Fd input(ends[1]);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    if (!service_.loop_.watch(output_.get(), EPOLLIN, *this)) {
      output_.reset();
      return EMFILE;
    }
    const pid_t parent = ::getpid();
    child_ = ::fork();
    if (child_ == 0) {
      detach(input.get(), parent);
      write_all(kPipe, order_.work());
      ::_exit(0);
    }
    if (child_ < 0) return errno;
    ::setpgid(child_, child_);  // both do it, so that it is done for whoever comes second
    service_.guard_.started(child_);
    timer_ = service_.loop_.after_ms(order_.max_ms + kGraceMs, [this] {
      end(ETIMEDOUT, "gave no answer within " + std::to_string((order_.max_ms + kGraceMs) / 1000) + " s");
    });
    return 0;
  }

 private:
  void ready(std::uint32_t) override {
    char buffer[kReadBytes];
    const ssize_t got = ::read(output_.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) {
      frame_.append(buffer, static_cast<std::size_t>(got));
      if (frame_.size() > kHeaderSize + kMaxPayload) end(EMSGSIZE, "gave too long an answer");
      return;
    }
    FrameHeader header;
    const bool whole = frame_.size() >= kHeaderSize &&
                       decode_header(std::string_view(frame_).substr(0, kHeaderSize), header) &&
                       header.length == frame_.size() - kHeaderSize && header.id == order_.request.id;
    if (!whole) return end(EIO, "was ended before it was done, perhaps for lack of memory");
    service_.replies_.send(order_.request, std::move(frame_));
    service_.finished(*this);
  }

  void end(int number, const char* why) { end(number, std::string(why)); }
  void end(int number, const std::string& why) {
    service_.replies_.reply_error(order_.request, number, "work", "the process that did the work " + why);
    service_.finished(*this);
  }

  TreeService& service_;
  Order order_;
  Fd output_;
  pid_t child_ = -1;
  std::string frame_;
  TimerId timer_;
};

TreeService::TreeService(Loop& loop, Replies& replies, Guard& guard)
    : loop_(loop), replies_(replies), guard_(guard) {}

TreeService::~TreeService() = default;

void TreeService::list(RequestId request, ListFiles wanted) {
  const std::uint64_t max_ms = wanted.max_ms;
  submit({request, max_ms, [request, wanted = std::move(wanted)] {
            return frame(request, MessageType::listing, wanted, list_tree);
          }});
}

void TreeService::search(RequestId request, SearchFiles wanted) {
  const std::uint64_t max_ms = wanted.max_ms;
  submit({request, max_ms, [request, wanted = std::move(wanted)] {
            return frame(request, MessageType::matches, wanted, search_tree);
          }});
}

void TreeService::submit(Order order) {
  if (waiting_.size() >= kMaxWaiting)
    return replies_.reply_error(order.request, EAGAIN, "limit",
                                "too many listings and searches are under way in this sandbox");
  waiting_.push_back(std::move(order));
  begin_next();
}

void TreeService::begin_next() {
  while (jobs_.size() < kMaxJobs && !waiting_.empty()) {
    auto job = std::make_unique<Job>(*this, std::move(waiting_.front()));
    waiting_.pop_front();
    const int error = job->start();
    if (error == 0) {
      jobs_.push_back(std::move(job));
    } else {
      replies_.reply_error(job->request(), errno_failure(error, "limit", "starting a process for the work"));
    }
  }
}

void TreeService::finished(Job& job) {
  jobs_.remove_if([&job](const std::unique_ptr<Job>& other) { return other.get() == &job; });
  begin_next();
}

bool TreeService::cancel(RequestId request) {
  const std::size_t before = jobs_.size() + waiting_.size();
  jobs_.remove_if([&](const std::unique_ptr<Job>& job) { return job->request() == request; });
  std::erase_if(waiting_, [&](const Order& order) { return order.request == request; });
  if (jobs_.size() + waiting_.size() == before) return false;
  replies_.reply_error(request, ECANCELED, "cancelled", "cancelled");
  begin_next();
  return true;
}

void TreeService::drop_connection(std::uint64_t connection) {
  jobs_.remove_if([=](const std::unique_ptr<Job>& job) { return job->request().connection == connection; });
  std::erase_if(waiting_, [=](const Order& order) { return order.request.connection == connection; });
  begin_next();
}

void TreeService::forget_collected() {
  for (const std::unique_ptr<Job>& job : jobs_) job->forget_collected();
}

}  // namespace rexec::runner
