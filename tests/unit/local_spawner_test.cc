#include "sandbox-client/local/spawner.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "sandbox-client/local/sealed_file.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::sandbox {
namespace {

constexpr std::size_t kOutput = 8192;

struct Streams {
  UniqueFd null{open("/dev/null", O_RDWR | O_CLOEXEC)};
  UniqueFd output{make_message_file(kOutput).value()};
};

SpawnRequest shell(const Streams& streams, const std::string& command) {
  SpawnRequest request;
  request.program = "/bin/sh";
  request.arguments = {"sh", "-c", command};
  request.environment = {"PATH=/usr/bin:/bin"};
  request.standard = {streams.null.get(), streams.output.get(), streams.output.get()};
  return request;
}

bool ended(const Spawned& child) {
  pollfd descriptor{child.pidfd.get(), POLLIN, 0};
  return poll(&descriptor, 1, 0) > 0;
}

siginfo_t reap(const Spawned& child) {
  siginfo_t info{};
  waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.pidfd.get()), &info, WEXITED);
  return info;
}

void kill_child(const Spawned& child) {
  syscall(SYS_pidfd_send_signal, child.pidfd.get(), SIGKILL, nullptr, 0);
}

}  // namespace

TEST_CASE("a spawner that can have no thread says so and tries again", "[local]") {
  const Streams streams;
  const SpawnRequest request = shell(streams, "exit 7");
  Spawner spawner;
  pthread_attr_t before;
  pthread_attr_t huge;
  REQUIRE(pthread_getattr_default_np(&before) == 0);
  REQUIRE(pthread_attr_init(&huge) == 0);
  REQUIRE(pthread_attr_setstacksize(&huge, std::size_t{1} << 52) == 0);  // no address space has that
  REQUIRE(pthread_setattr_default_np(&huge) == 0);
  const auto refused = spawner.spawn(request, {});
  REQUIRE(pthread_setattr_default_np(&before) == 0);
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&before);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::resource_exhausted);
  CHECK_THAT(refused.error().message, test::ContainsSubstring("ulimit -u"));

  const auto child = spawner.spawn(request, {});
  REQUIRE(child);
  CHECK(reap(*child).si_status == 7);
}

TEST_CASE("a child outlives the thread that asked for it", "[local]") {
  const Streams streams;
  auto spawner = std::make_unique<Spawner>();
  auto pipe = make_pipe();
  REQUIRE(pipe);
  SpawnRequest request = shell(streams, "read line; echo got $line; exec sleep 60");
  request.standard[0] = pipe->first.get();
  Spawned child;
  std::string task;
  std::thread([&] {
    task = "/proc/self/task/" + std::to_string(syscall(SYS_gettid));
    auto spawned = spawner->spawn(request, {});
    if (spawned) child = std::move(*spawned);
  }).join();
  REQUIRE(child.pidfd.valid());
  // A joined thread may not have told its children yet that it ends; one that is no longer listed has.
  REQUIRE(test::eventually([&] { return access(task.c_str(), F_OK) != 0; }));
  REQUIRE(write_all(pipe->second.get(), "it\n"));
  REQUIRE(test::eventually(
      [&] { return read_messages(streams.output.get(), kOutput) == "got it" || ended(child); }));
  CHECK_FALSE(ended(child));

  spawner.reset();
  REQUIRE(test::eventually([&] { return ended(child); }));
  CHECK(reap(child).si_status == SIGKILL);
}

TEST_CASE("a child has the descriptors that were named and no others", "[local]") {
  const Streams streams;
  Spawner spawner;
  const UniqueFd open_one(open("/dev/zero", O_RDONLY));
  const UniqueFd named(open("/dev/full", O_RDONLY | O_CLOEXEC));
  SpawnRequest request = shell(streams, "exec ls /proc/self/fd");
  request.inherited = {named.get()};
  const auto child = spawner.spawn(request, {});
  REQUIRE(child);
  CHECK(reap(*child).si_status == 0);
  // 3 is the directory that ls reads.
  CHECK(read_messages(streams.output.get(), kOutput) == "0\n1\n2\n3\n" + std::to_string(named.get()));
}

TEST_CASE("a child has a session, an environment, limits and signals of its own", "[local]") {
  const Streams streams;
  Spawner spawner;
  const auto ignored = signal(SIGUSR1, SIG_IGN);
  SpawnRequest request =
      shell(streams,
            "pwd; ulimit -c; ulimit -n; umask; echo $HOME; cut -d' ' -f6 /proc/$$/stat; echo $$; "
            "exec grep -e SigBlk -e SigIgn /proc/self/status");
  request.limits = {{RLIMIT_CORE, 0}, {RLIMIT_NOFILE, 100}};
  const auto child = spawner.spawn(request, {});
  signal(SIGUSR1, ignored);
  REQUIRE(child);
  CHECK(reap(*child).si_status == 0);
  const std::string pid = std::to_string(child->pid);
  CHECK(read_messages(streams.output.get(), kOutput) ==
        "/\n0\n100\n0022\n\n" + pid + "\n" + pid + "\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000");
}

TEST_CASE("a child that root starts as another user has nothing of root's", "[local]") {
  if (geteuid() != 0) return;
  const Streams streams;
  Spawner spawner;
  SpawnRequest request = shell(streams, "id -u; id -g; id -G; grep CapEff /proc/$$/status");
  request.uid = 64434;
  const auto child = spawner.spawn(request, {});
  REQUIRE(child);
  CHECK(reap(*child).si_status == 0);
  CHECK(read_messages(streams.output.get(), kOutput) == "64434\n64434\n64434\nCapEff:\t0000000000000000");
}

TEST_CASE("a program that cannot be executed is an error and leaves no child", "[local]") {
  const Streams streams;
  Spawner spawner;
  SpawnRequest request = shell(streams, "true");
  request.program = "/nonexistent/program";
  const auto child = spawner.spawn(request, {});
  REQUIRE_FALSE(child);
  CHECK(child.error().code == ErrorCode::not_found);
  CHECK_THAT(child.error().message, test::ContainsSubstring("/nonexistent/program"));
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("an op that has ended starts nothing", "[local]") {
  const Streams streams;
  Spawner spawner;
  std::stop_source source;
  source.request_stop();
  const auto stopped = spawner.spawn(shell(streams, "true"), Op{source.get_token(), Deadline::infinite()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == ErrorCode::cancelled);
  const auto late = spawner.spawn(shell(streams, "true"), Op{{}, Deadline::after(Duration::zero())});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::deadline_exceeded);
}

TEST_CASE("many threads may spawn at once", "[local]") {
  const Streams streams;
  Spawner spawner;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] {
      const auto child = spawner.spawn(shell(streams, "exec sleep 60"), {});
      if (!child) return;
      kill_child(*child);
      if (reap(*child).si_status == SIGKILL) ++good;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 16);
}

}  // namespace rexec::sandbox
