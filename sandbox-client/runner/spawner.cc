#include "sandbox-client/runner/spawner.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

namespace rexec::runner {
namespace {

constexpr std::size_t kStackSize = 64 << 10;
constexpr std::size_t kPage = 4096;
constexpr rlim_t kWantedFiles = 8192;  // four for each of kMaxRunning, two for each of kMaxFinished, and room
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum Step { kStepNone, kStepSession, kStepTag, kStepTerminal, kStepStdio, kStepCwd, kStepExec };
constexpr const char* kStepNames[] = {"", "session", "tag", "terminal", "stdio", "cwd", "exec"};

bool is_executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

bool pipe_pair(Fd& read_end, Fd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return true;
}

bool set_nonblocking(const Fd& fd) {
  return ::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

/// The paths that execve tries for `name`, as a shell would (execvp(3)).
std::vector<std::string> candidates(const std::string& name, const std::vector<std::string>& env) {
  if (name.find('/') != std::string::npos) return {name};
  std::string path = kDefaultPath;
  for (const std::string& entry : env)
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin <= path.size();) {
    std::size_t end = path.find(':', begin);
    if (end == std::string::npos) end = path.size();
    const std::string folder = path.substr(begin, end - begin);
    result.push_back(folder.empty() ? name : folder + "/" + name);
    begin = end + 1;
  }
  return result;
}

int probe_entry(void* shared) {
  *static_cast<volatile int*>(shared) = 1;
  return 0;
}

}  // namespace

struct Spawner::Outcome {
  volatile int step;
  volatile int number;
};

struct Spawner::Plan {
  const Lineage* lineage;
  std::uint64_t number;
  int stdio[3];
  bool has_terminal;  // stdio[0]
  const char* cwd;
  char* const* files;  // to try in turn
  char* const* argv;
  char* const* script_argv;  // for a file without a known format: the shell with the file; [at] is the file
  std::size_t script_at;
  const char* shell;
  char* const* env;
  std::uint64_t files_limit;  // to be restored; 0: as it is
  std::uint64_t files_hard;
  Outcome* outcome;
};

Spawner::~Spawner() {
  if (stack_ != nullptr) ::munmap(stack_, kStackSize);
  if (outcome_ != nullptr) ::munmap(outcome_, kPage);
}

void Spawner::open(const std::string& preferred_shell) {
  for (const char* path : {preferred_shell.c_str(), "/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh",
                           "/bin/busybox", "/usr/bin/busybox"}) {
    if (*path == 0 || !is_executable(path)) continue;
    shell_ = path;
    break;
  }
  const std::string name = shell_.substr(shell_.rfind('/') + 1);
  shell_names_ = {name == "busybox" ? "sh" : name, "-c"};

  null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  void* memory = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) outcome_ = static_cast<Outcome*>(memory);
  memory =
      ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory != MAP_FAILED) stack_ = static_cast<char*>(memory);
  if (stack_ != nullptr) ::mprotect(stack_, kPage, PROT_NONE);
#if !defined(REXEC_SANITIZED)
  shares_memory_ = stack_ != nullptr && probe_shared_memory();
#endif

  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kWantedFiles) return;
  rlimit raised = files;
  raised.rlim_cur = files.rlim_max < kWantedFiles ? files.rlim_max : kWantedFiles;
  if (raised.rlim_cur <= files.rlim_cur || ::setrlimit(RLIMIT_NOFILE, &raised) != 0) return;
  soft_files_ = files.rlim_cur;
  hard_files_ = files.rlim_max;
}

bool Spawner::probe_shared_memory() {
  int shared = 0;
  const pid_t pid = ::clone(probe_entry, stack_ + kStackSize, CLONE_VM | CLONE_VFORK, &shared);
  if (pid < 0) return false;
  // Without an exit signal the child is only seen by __WALL, and no SIGCHLD comes.
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return *static_cast<volatile int*>(&shared) == 1;
}

bool Spawner::spawn(const SpawnRequest& request, Spawned& spawned, Failure& failure) {
  const auto refuse = [&failure](int number, const char* step, std::string text) {
    failure = {number, step, std::move(text)};
    return false;
  };
  const auto refuse_errno = [&refuse](const char* step, const std::string& what) {
    const int number = errno;
    return refuse(number, step, what + ": " + strerrordesc_np(number));
  };
  if (outcome_ == nullptr) return refuse(ENOMEM, "memory", "no memory for starting processes");
  const bool by_shell = !request.command.empty() || request.argv.empty();
  const bool has_terminal = request.terminal >= 0;
  if (by_shell && shell_.empty()) return refuse(ENOENT, "shell", "the sandbox has no shell; give argv");

  Fd child_stdin;
  Fd child_output[kStreams];
  if (has_terminal) {
    // no pipes
  } else if (request.stdin_pipe) {
    if (!pipe_pair(child_stdin, spawned.stdin_write)) return refuse_errno("pipe", "cannot make a pipe");
    if (!set_nonblocking(spawned.stdin_write)) return refuse_errno("pipe", "cannot set up a pipe");
  } else if (!null_.valid()) {
    // No /dev/null here: a pipe that nobody writes to ends at once as well.
    Fd unused;
    if (!pipe_pair(child_stdin, unused)) return refuse_errno("pipe", "cannot make a pipe");
  }
  for (std::size_t i = 0; i < kStreams && !has_terminal; ++i)
    if (!pipe_pair(spawned.output[i], child_output[i]) || !set_nonblocking(spawned.output[i]))
      return refuse_errno("pipe", "cannot make a pipe");

  std::vector<std::string> shell_argv{shell_names_[0]};
  if (!request.command.empty()) shell_argv.insert(shell_argv.end(), {shell_names_[1], request.command});
  const std::vector<std::string> files =
      by_shell ? std::vector<std::string>{shell_} : candidates(request.argv.front(), request.env);
  std::vector<char*> file_pointers = pointers(files);
  std::vector<char*> argv_pointers = pointers(by_shell ? shell_argv : request.argv);
  std::vector<char*> env_pointers = pointers(request.env);
  // execvp(3): a file that the kernel does not know is a script of the shell.
  std::vector<char*> script_pointers;
  if (!by_shell && !shell_.empty()) {
    script_pointers.push_back(shell_names_[0].data());
    script_pointers.push_back(nullptr);
    script_pointers.insert(script_pointers.end(), argv_pointers.begin() + 1, argv_pointers.end());
  }

  Plan plan{};
  plan.lineage = &lineage_;
  plan.number = request.number;
  plan.stdio[0] = child_stdin.valid() ? child_stdin.get() : null_.get();
  plan.stdio[1] = child_output[0].get();
  plan.stdio[2] = child_output[1].get();
  plan.has_terminal = has_terminal;
  if (has_terminal)
    for (int& fd : plan.stdio) fd = request.terminal;
  plan.cwd = request.cwd.c_str();
  plan.files = file_pointers.data();
  plan.argv = argv_pointers.data();
  plan.script_argv = script_pointers.empty() ? nullptr : script_pointers.data();
  plan.script_at = 1;
  plan.shell = shell_.c_str();
  plan.env = env_pointers.data();
  plan.files_limit = soft_files_;
  plan.files_hard = hard_files_;
  plan.outcome = outcome_;
  outcome_->step = kStepNone;
  outcome_->number = 0;

  sigset_t all;
  sigset_t previous;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &previous);
  const pid_t pid = shares_memory_ ? clone_child(plan) : fork_child(plan);
  const int clone_errno = errno;
  ::sigprocmask(SIG_SETMASK, &previous, nullptr);

  if (pid < 0) {
    errno = clone_errno;
    return refuse_errno("fork", "cannot start another process");
  }
  if (outcome_->step != kStepNone) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    const int step = outcome_->step;
    errno = outcome_->number;
    const std::string& subject = step == kStepCwd ? request.cwd : by_shell ? shell_ : request.argv.front();
    return refuse_errno(kStepNames[step], step == kStepCwd || step == kStepExec
                                              ? subject
                                              : std::string("cannot set up the process"));
  }
  spawned.pid = pid;
  return true;
}

pid_t Spawner::clone_child(Plan& plan) {
  return ::clone(child_entry, stack_ + kStackSize, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
}

pid_t Spawner::fork_child(Plan& plan) {
  Fd read_end;
  Fd write_end;
  if (!pipe_pair(read_end, write_end)) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    run_child(plan);
    ::_exit(127);
  }
  const int fork_errno = errno;
  write_end.reset();
  char byte = 0;
  // Ends when execve or _exit has closed the child's copy.
  while (pid > 0 && ::read(read_end.get(), &byte, 1) < 0 && errno == EINTR) {
  }
  errno = fork_errno;
  return pid;
}

int Spawner::child_entry(void* plan) {
  run_child(*static_cast<const Plan*>(plan));
  return 127;
}

void Spawner::fail(const Plan& plan, int step) {
  plan.outcome->number = errno;
  plan.outcome->step = step;
  ::_exit(127);
}

// Runs in the child, possibly in the parent's memory: system calls only.
void Spawner::run_child(const Plan& plan) {
  if (::setsid() < 0) fail(plan, kStepSession);
  if (!plan.lineage->enter(plan.number)) fail(plan, kStepTag);
  if (plan.has_terminal && ::ioctl(plan.stdio[0], TIOCSCTTY, 0) != 0) fail(plan, kStepTerminal);
  if (plan.files_limit != 0) {
    const rlimit limit{plan.files_limit, plan.files_hard};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  // All three are above 2: main() keeps 0 to 2 open.
  for (int i = 0; i < 3; ++i)
    if (::dup2(plan.stdio[i], i) < 0) fail(plan, kStepStdio);
  if (::chdir(plan.cwd) != 0) fail(plan, kStepCwd);

  struct sigaction default_action {};
  default_action.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &default_action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  int number = ENOENT;
  for (char* const* file = plan.files; *file != nullptr; ++file) {
    ::execve(*file, plan.argv, plan.env);
    if (errno == ENOEXEC && plan.script_argv != nullptr) {
      const_cast<char**>(plan.script_argv)[plan.script_at] = *file;
      ::execve(plan.shell, plan.script_argv, plan.env);
    }
    if (errno == EACCES) {
      number = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      number = errno;
      break;
    }
  }
  errno = number;
  fail(plan, kStepExec);
}

}  // namespace rexec::runner
