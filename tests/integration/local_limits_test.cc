// Limits and networks of real sandboxes, as far as this machine can enforce them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "sandbox-client/local/cgroup.h"
#include "tests/support/catch.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::find_limit;
using test::LocalBox;

ProcessReport run_to_end(LocalBox& box, const std::string& command) {
  ProcessSpec spec;
  spec.command = command;
  WaitSpec wait;
  wait.wait = test::kCommandLimit;
  std::promise<Result<ProcessReport>> promise;
  box.runner().start(spec, wait, Op{{}, Deadline::after(test::kCommandLimit)},
                     [&promise](Result<ProcessReport> report) { promise.set_value(std::move(report)); });
  auto report = promise.get_future().get();
  REQUIRE(report);
  return *std::move(report);
}

/// A listener on the loopback of this machine, which answers whoever connects with nothing.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* general = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_.get(), general, size) == 0);
    REQUIRE(::listen(fd_.get(), 1) == 0);
    REQUIRE(::getsockname(fd_.get(), general, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  std::string connect_command() const {
    return "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(port_) + " && echo connected";
  }

 private:
  UniqueFd fd_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("a sandbox without a network has loopback only, one with the host's reaches its servers",
          "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const Listener listener;
  LocalOptions options;
  options.allow_host_network = true;
  LocalBox none(SandboxSpec{}, {}, options);
  REQUIRE(none.ok());
  CHECK(none.record().network == Network::none);
  CHECK(none.run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '").out == "lo\n");
  CHECK(none.run(listener.connect_command()).exit_code != 0);
  SandboxSpec spec;
  spec.network = Network::host;
  LocalBox host(spec, {}, options);
  REQUIRE(host.ok());
  CHECK(host.record().network == Network::host);
  CHECK(host.run(listener.connect_command()).out == "connected\n");
}

TEST_CASE("no limit is beyond what the configuration allows", "[local]") {
  LocalOptions options;
  options.memory_mb = 512;
  options.cpus = 2;
  SandboxSpec spec;
  spec.memory_mb = 513;
  LocalBox memory(spec, {}, options);
  CHECK_FALSE(memory.ok());
  spec.memory_mb.reset();
  spec.cpus = 2.5;
  LocalBox cpus(spec, {}, options);
  CHECK_FALSE(cpus.ok());
}

TEST_CASE("a command beyond the memory limit is killed with the reason, and the sandbox goes on", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  if (find_cgroup_site().memory.directory.empty()) {
    WARN("this machine lets us make no memory cgroup");
    return;
  }
  LocalOptions options;
  options.memory_mb = 256;
  SandboxSpec spec;
  spec.memory_mb = 64;
  LocalBox box(spec, {}, options);
  REQUIRE(box.ok());
  CHECK(find_limit(box.record(), "memory_mb").value == "64");
  CHECK_THAT(find_limit(box.record(), "memory_mb").mechanism, test::StartsWith("cgroup v"));
  const ProcessReport innocent = run_to_end(box, "kill -KILL $$");
  CHECK(box.backend().limit_reason(box.record().id, innocent.process).empty());
  const ProcessReport report = run_to_end(box, "exec perl -e '$x = \"x\" x (200 << 20); print length $x'");
  CHECK(report.status == ProcessStatus::signaled);
  CHECK(report.signal == SIGKILL);
  CHECK(box.backend().limit_reason(box.record().id, report.process) == "memory limit 64 MB");
  CHECK(box.backend().limit_reason(box.record().id, report.process) == "memory limit 64 MB");
  CHECK(box.backend().limit_reason(box.record().id, innocent.process).empty());
  CHECK(box.run("echo on").out == "on\n");
}

TEST_CASE("cgroups end with their sandbox", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const std::string directory = find_cgroup_site().memory.directory;
  if (directory.empty()) {
    WARN("this machine lets us make no memory cgroup");
    return;
  }
  LocalOptions options;
  options.memory_mb = 256;
  std::string path;
  {
    LocalBox box(SandboxSpec{}, {}, options);
    REQUIRE(box.ok());
    path = directory + "/rexec-" + box.record().id;
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a group that an earlier start left does not keep the limit from being in force", "[local]") {
  const CgroupSite site = find_cgroup_site();
  if (site.memory.directory.empty()) {
    WARN("this machine lets us make no memory cgroup");
    return;
  }
  const std::string id = "left-over-" + std::to_string(getpid());
  const std::string path = site.memory.directory + "/rexec-" + id;
  REQUIRE(std::filesystem::create_directory(path));
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  auto group = Cgroup::make(site, id, CgroupLimits{256, std::nullopt}, child);
  CHECK(group->limits().front().mechanism != "not enforced");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  group.reset();
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("processor time is bounded where a cpu cgroup can be made", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const std::string directory = find_cgroup_site().cpu.directory;
  if (directory.empty()) {
    WARN("this machine lets us make no cpu cgroup");
    return;
  }
  SandboxSpec spec;
  spec.cpus = 0.1;
  LocalBox box(spec);
  REQUIRE(box.ok());
  CHECK(find_limit(box.record(), "cpus").value == "0.1");
  CHECK_THAT(find_limit(box.record(), "cpus").mechanism, test::StartsWith("cgroup v"));
  CHECK(box.run("perl -e '1 while (times)[0] < 0.1'").exit_code == 0);
  const auto told = read_whole_file(directory + "/rexec-" + box.record().id + "/cpu.stat", 4096);
  REQUIRE(told);
  CHECK_THAT(*told, test::ContainsSubstring("nr_throttled"));
  CHECK_THAT(*told, !test::ContainsSubstring("nr_throttled 0"));
}

TEST_CASE("a home that grows beyond the limit has what writes to it killed", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalOptions options;
  options.disk_mb = 64;
  SandboxSpec spec;
  spec.disk_mb = 65;
  LocalBox more(spec, {}, options);
  CHECK_FALSE(more.ok());
  spec.disk_mb = 8;
  LocalBox box(spec, {}, options);
  REQUIRE(box.ok());
  CHECK(find_limit(box.record(), "disk_mb").value == "8");
  CHECK_THAT(find_limit(box.record(), "disk_mb").mechanism, test::ContainsSubstring("runner"));
  CHECK(find_limit(box.record(), "file_mb").value == "8");
  const ProcessReport report =
      run_to_end(box, "i=0; while :; do i=$((i+1)); head -c 4M /dev/zero >zero$i; sleep 0.1; done");
  CHECK(report.status == ProcessStatus::signaled);
  CHECK(report.reason == "disk limit 8 MB");
  CHECK(box.run("rm zero* && echo removed").out == "removed\n");
}

TEST_CASE("files in memory cannot take all of a sandbox's memory", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  SandboxSpec spec;
  spec.memory_mb = 64;
  LocalBox box(spec);
  REQUIRE(box.ok());
  const std::string fill = "head -c 200M /dev/zero >/tmp/zero; head -c 200M /dev/zero >/dev/shm/zero; ";
  CHECK(box.run(fill + "stat -c %s /tmp/zero /dev/shm/zero").out == "33554432\n16777216\n");
  CHECK(box.run("echo on").out == "on\n");
}

TEST_CASE("a file beyond the limit cannot be written", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalOptions options;
  options.file_mb = 1;
  LocalBox box(SandboxSpec{}, {}, options);
  REQUIRE(box.ok());
  CHECK(find_limit(box.record(), "file_mb").value == "1");
  CHECK(find_limit(box.record(), "file_mb").mechanism == "RLIMIT_FSIZE");
  CHECK(box.run("head -c 1048576 /dev/zero >fits && echo ok").out == "ok\n");
  CHECK(run_to_end(box, "exec head -c 2000000 /dev/zero >big").status == ProcessStatus::signaled);
  CHECK(box.run("stat -c %s big").out == "1048576\n");
}

}  // namespace rexec::sandbox
