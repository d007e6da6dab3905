#include "sandbox-client/local/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/json.h"
#include "base/log.h"
#include "sandbox-client/local/bubblewrap_arguments.h"
#include "sandbox-client/local/host_check.h"
#include "sandbox-client/local/isolation.h"
#include "sandbox-client/local/kept_process.h"
#include "sandbox-client/local/resource_limits.h"
#include "sandbox-client/local/seccomp_filter.h"
#include "sandbox-client/local/system_view.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kMessageSize = 4096;
constexpr std::size_t kMaxInfo = 4096;
constexpr std::size_t kMaxMountInfo = 4 << 20;
constexpr auto kStartLimit = std::chrono::seconds(20);
constexpr auto kEndLimit = std::chrono::seconds(5);
// What the runner does about limits, see limit_watch.h.
constexpr const char* kWatchedMemory = "measured every 0.1 s by the runner, which kills what has most";
constexpr const char* kWatchedDisk = "measured every second by the runner, which kills what still writes";
constexpr auto kSealStep = std::chrono::microseconds(250);
constexpr auto kStopStep = std::chrono::milliseconds(5);  // how late a cancellation may be noticed

Status check(const Op& op) {
  if (op.stop.stop_requested()) return Error{ErrorCode::cancelled, "cancelled"};
  if (op.deadline.passed()) return Error{ErrorCode::deadline_exceeded, "it took too long"};
  return {};
}

/// True when one of the descriptors is ready, false after `step` at the latest.
bool wait_ready(std::array<pollfd, 2>& descriptors, std::chrono::nanoseconds step) {
  const timespec time{0, static_cast<long>(step.count())};
  return ppoll(descriptors.data(), descriptors.size(), &time, nullptr) > 0;
}

bool has_ended(int pidfd) {
  pollfd descriptor{pidfd, POLLIN, 0};
  return poll(&descriptor, 1, 0) > 0;
}

Status wait_ended(int pidfd, const Op& op) {
  std::array<pollfd, 2> descriptors{{{pidfd, POLLIN, 0}, {-1, 0, 0}}};
  while (!wait_ready(descriptors, kStopStep)) RETURN_IF_ERROR(check(op));
  return {};
}

void kill_by(int pidfd) {
  syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
}

Status reap(int pidfd, const Op& op) {
  RETURN_IF_ERROR(wait_ended(pidfd, op));
  siginfo_t info{};
  waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  return {};
}

/// No file may be larger than all may be together.
std::uint64_t largest_file_mb(const SandboxLimits& limits) {
  if (!limits.disk_mb) return limits.file_mb;
  return limits.file_mb == 0 ? *limits.disk_mb : std::min(limits.file_mb, *limits.disk_mb);
}

/// The files and descriptors of one launch; ours until the child has its copies.
struct Inputs {
  SandboxLayout layout;
  std::vector<UniqueFd> kept;

  int keep(UniqueFd fd) {
    kept.push_back(std::move(fd));
    return kept.back().get();
  }
};

Status add_files(Inputs& inputs, const SystemView& view) {
  for (const std::string& path : view.copied) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.valid()) inputs.layout.files.push_back({path, inputs.keep(std::move(fd))});
  }
  for (const auto& [path, content] : own_files()) {
    if (std::find(view.copied.begin(), view.copied.end(), path) != view.copied.end()) continue;
    ASSIGN_OR_RETURN(const SealedFile file, SealedFile::make(content));
    ASSIGN_OR_RETURN(UniqueFd fd, file.open());
    inputs.layout.files.push_back({path, inputs.keep(std::move(fd))});
  }
  return {};
}

Status add_kept(Inputs& inputs, const KeptInputs& kept) {
  KeptLayout layout;
  layout.idle_s = kept.idle_s;
  layout.expires_unix_ms = kept.expires_unix_ms;
  ASSIGN_OR_RETURN(UniqueFd socket, duplicate(kept.listen_fd));
  layout.listen_fd = inputs.keep(std::move(socket));
  ASSIGN_OR_RETURN(const SealedFile secret, SealedFile::make(kept.secret));
  ASSIGN_OR_RETURN(UniqueFd bytes, secret.open());
  layout.secret_fd = inputs.keep(std::move(bytes));
  ASSIGN_OR_RETURN(UniqueFd alive, duplicate(kept.alive_fd));
  layout.alive_fd = inputs.keep(std::move(alive));
  ASSIGN_OR_RETURN(UniqueFd status, duplicate(kept.alive_fd));
  layout.status_fd = inputs.keep(std::move(status));
  inputs.layout.kept = layout;
  return {};
}

Status add_visit(Inputs& inputs, const VisitInputs& visit) {
  VisitLayout layout;
  ASSIGN_OR_RETURN(UniqueFd socket, duplicate(visit.listen_fd));
  layout.listen_fd = inputs.keep(std::move(socket));
  ASSIGN_OR_RETURN(const SealedFile secret, SealedFile::make(visit.secret));
  ASSIGN_OR_RETURN(UniqueFd bytes, secret.open());
  layout.secret_fd = inputs.keep(std::move(bytes));
  inputs.layout.visit = layout;
  return {};
}

/// Child that is killed and reaped unless it is taken over.
class Guard {
 public:
  explicit Guard(Spawned child) : child_(std::move(child)) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (!child_.pidfd.valid()) return;
    const Op op{{}, Deadline::after(kEndLimit)};
    if (status_fd_ >= 0) kill_kept(op);
    kill_by(child_.pidfd.get());
    (void)reap(child_.pidfd.get(), op);
  }
  /// The sandbox does not die with bwrap: it is to be found by what bwrap writes there.
  void keep(int status_fd) { status_fd_ = status_fd; }
  pid_t pid() const { return child_.pid; }
  int pidfd() const { return child_.pidfd.get(); }
  Spawned take() { return std::move(child_); }

 private:
  void kill_kept(const Op& op) const;

  Spawned child_;
  int status_fd_ = -1;
};

Result<pid_t> parse_info(const std::string& text) {
  ASSIGN_OR_RETURN(const Json info, parse_json(text));
  const auto pid = find_integer(info, "child-pid");
  if (!pid || *pid <= 1) return Error{ErrorCode::internal, "bubblewrap did not say which process it made"};
  return static_cast<pid_t>(*pid);
}

/// The same from the file that is shared with bwrap; nullopt when bwrap ended without saying anything.
Result<std::optional<pid_t>> await_status(int status_fd, int outer_fd, const Op& op) {
  std::array<pollfd, 2> descriptors{{{outer_fd, POLLIN, 0}, {-1, 0, 0}}};
  while (true) {
    if (const auto started = read_kept_status(status_fd).started) return std::optional<pid_t>(started->pid);
    if (wait_ready(descriptors, kSealStep)) return std::optional<pid_t>();
    RETURN_IF_ERROR(check(op));
  }
}

/// nullopt when bwrap closed the pipe without saying anything: it failed.
Result<std::optional<pid_t>> read_info(int info_fd, const Op& op) {
  std::string text;
  std::array<pollfd, 2> descriptors{{{info_fd, POLLIN, 0}, {-1, 0, 0}}};
  while (text.size() < kMaxInfo) {
    if (!wait_ready(descriptors, kStopStep)) {
      RETURN_IF_ERROR(check(op));
      continue;
    }
    char buffer[1024];
    const ssize_t got = read(info_fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading from bubblewrap", errno);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  if (text.empty()) return std::optional<pid_t>();
  ASSIGN_OR_RETURN(const pid_t pid, parse_info(text));
  return std::optional<pid_t>(pid);
}

/// A descriptor of the sandbox's pid 1. While bwrap is not reaped and is the parent, the number is not
/// another's.
Result<UniqueFd> open_init(pid_t init, pid_t outer) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, init, 0)));
  if (!fd.valid()) return errno_error("pidfd_open", errno);
  ASSIGN_OR_RETURN(const ProcessFacts facts, read_facts(init));
  if (facts.parent != outer)
    return Error{ErrorCode::internal, "the sandbox's first process is not bubblewrap's child"};
  return fd;
}

void Guard::kill_kept(const Op& op) const {
  const auto init_pid = await_status(status_fd_, pidfd(), op);
  if (!init_pid || !*init_pid) return;
  if (const auto init = open_init(**init_pid, pid())) kill_by(init->get());
}

/// Waits for the last step of bwrap; false when the sandbox ended instead.
Result<bool> wait_sealed(pid_t init, int init_fd, int outer_fd, const Op& op) {
  std::array<pollfd, 2> descriptors{{{init_fd, POLLIN, 0}, {outer_fd, POLLIN, 0}}};
  while (true) {
    const auto facts = read_facts(init);
    if (facts && is_sealed(*facts)) return true;
    if (wait_ready(descriptors, kSealStep)) return false;
    RETURN_IF_ERROR(check(op));
  }
}

}  // namespace

RunningSandbox::~RunningSandbox() {
  if (released_) return;
  if (const Status status = end(Op{{}, Deadline::after(kEndLimit)}); !status)
    log(LogLevel::error, "local", "a sandbox did not end: " + status.error().message);
}

bool RunningSandbox::alive() const {
  return !has_ended(init_.get());
}

void RunningSandbox::kill() const {
  kill_by(init_.get());
}

Status RunningSandbox::end(const Op& op) {
  if (reaped_) return {};
  kill();
  // Pid 1 counts as ended only when all processes of its namespace have (zap_pid_ns_processes in the kernel).
  RETURN_IF_ERROR(wait_ended(init_.get(), op));
  if (!released_) kill_by(outer_.pidfd.get());  // a released one's has last words to write
  RETURN_IF_ERROR(reap(outer_.pidfd.get(), op));
  reaped_ = true;
  return {};
}

std::string RunningSandbox::messages() const {
  return read_messages(messages_.get(), kMessageSize);
}

std::string RunningSandbox::reason() const {
  const std::string said = messages();
  const std::string_view prefix = kMountLostPrefix;
  const std::size_t at = said.find(prefix);
  if (at == said.npos) return {};
  const std::size_t begin = at + prefix.size();
  return shown_reason(std::string_view(said).substr(begin, said.find('\n', begin) - begin));
}

Result<std::unique_ptr<Launcher>> Launcher::make(std::string_view runner) {
  ASSIGN_OR_RETURN(SealedFile program, SealedFile::make(runner));
  ASSIGN_OR_RETURN(const std::string bytes, seccomp_filter());
  ASSIGN_OR_RETURN(SealedFile filter, SealedFile::make(bytes));
  return std::unique_ptr<Launcher>(new Launcher(std::move(program), std::move(filter)));
}

Result<Launched> Launcher::launch(const LaunchSpec& spec, Spawner& spawner, const Op& given) const {
  const Op op{given.stop, given.deadline.sooner(Deadline::after(kStartLimit))};
  const SystemView view = system_view(spec.network);
  Inputs inputs;
  inputs.layout.links = view.links;
  inputs.layout.read_only = view.read_only;
  inputs.layout.hidden = view.hidden;
  inputs.layout.home = spec.home;
  inputs.layout.env = base_environment();
  inputs.layout.network = spec.network;
  const CgroupSite site = find_cgroup_site();
  const bool watches_memory = spec.limits.groups.memory_mb && site.memory.directory.empty();
  inputs.layout.memory_mb = spec.limits.groups.memory_mb.value_or(0);
  inputs.layout.watched_memory_mb = watches_memory ? inputs.layout.memory_mb : 0;
  inputs.layout.watched_disk_mb = spec.limits.disk_mb.value_or(0);
  ASSIGN_OR_RETURN(OpenMounts mounts, open_mounts(spec.mounts, spec.user, spec.state));
  inputs.layout.binds = mounts.binds;
  if (!mounts.binds.empty()) {
    ASSIGN_OR_RETURN(const SealedFile guarded, SealedFile::make(guarded_mounts(mounts.binds)));
    ASSIGN_OR_RETURN(UniqueFd fd, guarded.open());
    inputs.layout.guard_fd = inputs.keep(std::move(fd));
  }
  RETURN_IF_ERROR(add_files(inputs, view));
  ASSIGN_OR_RETURN(UniqueFd runner, runner_.open());
  inputs.layout.runner_fd = inputs.keep(std::move(runner));
  ASSIGN_OR_RETURN(UniqueFd filter, filter_.open());
  inputs.layout.seccomp_fd = inputs.keep(std::move(filter));
  FdPair info;
  FdPair channel;
  if (spec.kept) {
    RETURN_IF_ERROR(add_kept(inputs, *spec.kept));
  } else {
    ASSIGN_OR_RETURN(info, make_pipe());
    inputs.layout.info_fd = inputs.keep(std::move(info.second));
    ASSIGN_OR_RETURN(channel, make_socket_pair());
    inputs.layout.channel_fd = inputs.keep(std::move(channel.second));
    if (spec.visit) RETURN_IF_ERROR(add_visit(inputs, *spec.visit));
  }

  UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return errno_error("/dev/null", errno);
  ASSIGN_OR_RETURN(UniqueFd messages, make_message_file(kMessageSize));

  SpawnRequest request;
  request.program = spec.bubblewrap;
  ASSIGN_OR_RETURN(request.arguments, bubblewrap_arguments(inputs.layout));
  request.standard = {null.get(), null.get(), messages.get()};
  const SandboxLayout& layout = inputs.layout;
  request.inherited = {layout.runner_fd, layout.seccomp_fd};
  if (const auto& kept = layout.kept) {
    for (const int fd : {kept->listen_fd, kept->secret_fd, kept->alive_fd, kept->status_fd})
      request.inherited.push_back(fd);
  } else {
    request.inherited.insert(request.inherited.end(), {layout.info_fd, layout.channel_fd});
    if (const auto& visit = layout.visit)
      request.inherited.insert(request.inherited.end(), {visit->listen_fd, visit->secret_fd});
  }
  request.outlives = spec.kept.has_value();
  if (layout.guard_fd >= 0) request.inherited.push_back(layout.guard_fd);
  for (const CopiedFile& file : layout.files) request.inherited.push_back(file.fd);
  for (const Bind& bind : mounts.binds) request.inherited.push_back(bind.fd);
  for (const Placeholders& held : mounts.placeholders) request.inherited.push_back(held.lock());
  request.uid = spec.user;
  request.limits = {{RLIMIT_CORE, 0}, {RLIMIT_NOFILE, kMaxOpenFiles}};
  ASSIGN_OR_RETURN(Spawned spawned, spawner.spawn(request, op));
  Guard outer(std::move(spawned));
  if (spec.kept) outer.keep(spec.kept->alive_fd);
  inputs.kept.clear();
  mounts.kept.clear();

  const auto failure = [&] {
    (void)wait_ended(outer.pidfd(), Op{op.stop, Deadline::after(kEndLimit)});
    return bubblewrap_failure(read_messages(messages.get(), kMessageSize), read_host_facts(spec.bubblewrap));
  };
  ASSIGN_OR_RETURN(
      const std::optional<pid_t> init_pid,
      spec.kept ? await_status(spec.kept->alive_fd, outer.pidfd(), op) : read_info(info.first.get(), op));
  if (!init_pid) return failure();
  auto init = open_init(*init_pid, outer.pid());
  if (!init) {
    if (const std::string said = read_messages(messages.get(), kMessageSize); !said.empty()) return failure();
    return init.error();
  }
  ASSIGN_OR_RETURN(const bool sealed, wait_sealed(*init_pid, init->get(), outer.pidfd(), op));
  if (!sealed) return failure();

  Launched launched;
  launched.sandbox =
      std::make_unique<RunningSandbox>(outer.take(), std::move(*init), *init_pid, std::move(messages));
  launched.channel = std::move(channel.first);
  ASSIGN_OR_RETURN(launched.isolation,
                   verify_isolation(*init_pid, spec.user.value_or(geteuid()), spec.network));
  if (!mounts.binds.empty()) {
    ASSIGN_OR_RETURN(const std::string seen,
                     read_whole_file("/proc/" + std::to_string(*init_pid) + "/mountinfo", kMaxMountInfo));
    RETURN_IF_ERROR(verify_binds(mounts.binds, seen));
  }
  launched.cgroup = Cgroup::make(site, spec.id, spec.limits.groups, *init_pid);
  launched.sandbox->keep(std::move(mounts.placeholders), launched.cgroup);
  launched.mounts = std::move(mounts.described);
  launched.notes = std::move(mounts.notes);
  launched.limits = apply_limits(*init_pid, spec.user, largest_file_mb(spec.limits));
  for (Limit limit : launched.cgroup->limits()) {
    if (limit.name == "memory_mb" && watches_memory) limit.mechanism = kWatchedMemory;
    launched.limits.push_back(std::move(limit));
  }
  launched.limits.push_back(spec.limits.disk_mb
                                ? Limit{"disk_mb", std::to_string(*spec.limits.disk_mb), kWatchedDisk}
                                : Limit{"disk_mb", "unlimited", "not enforced"});
  return launched;
}

}  // namespace rexec::sandbox
