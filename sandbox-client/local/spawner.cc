#include "sandbox-client/local/spawner.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace rexec::sandbox {
namespace {

// Runs in a copy of the process in which other threads' locks may be held for ever, so the sanitizers stay
// out.
#define REXEC_CHILD_CODE \
  __attribute__((noinline, no_sanitize("address"), no_sanitize("thread"), no_sanitize("undefined")))

enum class Step : int { parent, user, directory, descriptors, limits, exec };

struct Failure {
  Step step;
  int error;
};

const char* name_of(Step step) {
  switch (step) {
    case Step::parent:
      return "binding the child to this process";
    case Step::user:
      return "changing to the sandbox's user";
    case Step::directory:
      return "changing to /";
    case Step::descriptors:
      return "passing descriptors";
    case Step::limits:
      return "setting resource limits";
    case Step::exec:
      return "executing";
  }
  return "starting";
}

/// Everything the child needs, made before it exists: between clone and exec only system calls are allowed.
struct Prepared {
  const char* program;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::array<int, 3> standard;
  std::vector<int> inherited;
  std::vector<std::pair<int, rlimit>> limits;
  bool change_user;
  bool outlives;
  uid_t uid;
  pid_t parent;
  int failure_fd;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (const std::string& string : strings) list.push_back(const_cast<char*>(string.c_str()));
  list.push_back(nullptr);
  return list;
}

/// The kernel's own form of sigaction, rt_sigaction(2): the C library's refuses its internal signals.
struct KernelSigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask[2];
};

REXEC_CHILD_CODE Step run_child(const Prepared& p) {
  syscall(SYS_setsid);
  KernelSigaction standard{};
  for (int number = 1; number <= 64; ++number)
    syscall(SYS_rt_sigaction, number, &standard, nullptr, sizeof(standard.mask[0]));
  if (p.change_user) {
    // The system calls, not the C library's functions, which would want all threads to follow.
    if (syscall(SYS_setgroups, 0, nullptr) != 0) return Step::user;
    if (syscall(SYS_setresgid, p.uid, p.uid, p.uid) != 0) return Step::user;
    if (syscall(SYS_setresuid, p.uid, p.uid, p.uid) != 0) return Step::user;
  }
  // After the change of user, which clears it.
  if (!p.outlives) {
    if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return Step::parent;
    if (syscall(SYS_getppid) != p.parent) return Step::parent;
  }
  if (syscall(SYS_chdir, "/") != 0) return Step::directory;
  syscall(SYS_umask, 022);
  for (int target = 0; target < 3; ++target)
    if (syscall(SYS_dup3, p.standard[static_cast<std::size_t>(target)], target, 0) < 0)
      return Step::descriptors;
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return Step::descriptors;
  for (const int fd : p.inherited)
    if (syscall(SYS_fcntl, fd, F_SETFD, 0) != 0) return Step::descriptors;
  for (const auto& [resource, limit] : p.limits)
    if (syscall(SYS_prlimit64, 0, resource, &limit, nullptr) != 0) return Step::limits;
  const unsigned long none[2] = {0, 0};
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, nullptr, sizeof(none[0]));
  syscall(SYS_execve, p.program, p.arguments.data(), p.environment.data());
  return Step::exec;
}

/// Like fork, without the C library's handlers, which could wait for locks that other threads hold.
REXEC_CHILD_CODE pid_t clone_child(const Prepared& p, int* pidfd) {
#if defined(__s390__) || defined(__CRIS__)
  const long pid = syscall(SYS_clone, 0, CLONE_PIDFD | SIGCHLD, pidfd, 0, 0);
#else
  const long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, pidfd, 0, 0);
#endif
  if (pid != 0) return static_cast<pid_t>(pid);
  const Step step = run_child(p);
  const Failure failure{step, errno};
  syscall(SYS_write, p.failure_fd, &failure, sizeof failure);
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

Result<Prepared> prepare(const SpawnRequest& request, pid_t parent, int failure_fd) {
  Prepared p{};
  p.program = request.program.c_str();
  p.arguments = pointers(request.arguments);
  p.environment = pointers(request.environment);
  p.standard = request.standard;
  p.inherited = request.inherited;
  p.change_user = request.uid.has_value();
  p.outlives = request.outlives;
  p.uid = request.uid.value_or(0);
  p.parent = parent;
  p.failure_fd = failure_fd;
  for (const int fd : request.standard)
    if (fd < 3) return Error{ErrorCode::internal, "a child's standard descriptor is not above 2"};
  for (const int fd : request.inherited)
    if (fd < 3) return Error{ErrorCode::internal, "a child's descriptor is not above 2"};
  for (const ResourceLimit& wanted : request.limits) {
    rlimit present{};
    if (prlimit(0, static_cast<__rlimit_resource>(wanted.resource), nullptr, &present) != 0)
      return errno_error("prlimit", errno);
    const rlim_t value = std::min<rlim_t>(wanted.value, present.rlim_max);
    p.limits.emplace_back(wanted.resource, rlimit{value, value});
  }
  return p;
}

Result<Spawned> start(const SpawnRequest& request) {
  ASSIGN_OR_RETURN(FdPair pipe, make_pipe());
  ASSIGN_OR_RETURN(const Prepared prepared, prepare(request, getpid(), pipe.second.get()));

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const pid_t pid = clone_child(prepared, &pidfd);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return errno_error("clone", error);

  Spawned spawned{pid, UniqueFd(pidfd)};
  pipe.second.reset();
  Failure failure{};
  ssize_t got = 0;
  do {
    got = read(pipe.first.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return spawned;
  siginfo_t info{};
  waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(spawned.pidfd.get()), &info, WEXITED);
  if (got != sizeof failure)
    return Error{ErrorCode::internal, "starting " + request.program + " was interrupted"};
  if (failure.step == Step::user && request.uid)
    return Error{
        ErrorCode::failed_precondition,
        "the server runs as root but cannot use uid " + std::to_string(*request.uid) +
            " for its sandboxes; run it as an ordinary user, or configure a sandbox uid that exists here"};
  std::string what = name_of(failure.step);
  if (failure.step == Step::exec) what += " " + request.program;
  return errno_error(what, failure.error);
}

}  // namespace

Error no_thread() {
  return Error{ErrorCode::resource_exhausted,
               "no thread can be started: the limit of processes is reached (ulimit -u, or the pids limit of "
               "the server's container or service); raise it or end other processes"};
}

Spawner::~Spawner() {
  std::jthread thread;
  {
    MutexLock lock(mutex_);
    thread.swap(thread_);
  }
}

void Spawner::run(const std::stop_token& stop) {
  while (true) {
    Job* job = nullptr;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stop.stop_requested())
        changed_.wait(lock, stop, [this]() REXEC_REQUIRES(mutex_) { return !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = jobs_.front();
      jobs_.pop_front();
    }
    Result<Spawned> result = start(*job->request);
    {
      MutexLock lock(mutex_);
      job->result = std::move(result);
    }
    changed_.notify_all();
  }
}

Result<Spawned> Spawner::spawn(const SpawnRequest& request, const Op& op) {
  if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "the sandbox was not started: cancelled"};
  if (op.deadline.passed()) return Error{ErrorCode::deadline_exceeded, "the sandbox was not started in time"};
  Job job{&request, std::nullopt};
  {
    MutexLock lock(mutex_);
    if (!thread_.joinable()) {
      try {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
      } catch (const std::system_error&) {
        return no_thread();
      }
    }
    jobs_.push_back(&job);
  }
  changed_.notify_all();
  // Every job ahead takes milliseconds, so that waiting for the turn needs no deadline of its own.
  MutexLock lock(mutex_);
  while (!job.result) changed_.wait(lock);
  return std::move(*job.result);
}

}  // namespace rexec::sandbox
