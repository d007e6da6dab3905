// Sandboxes of the local backend, with a real runner inside: life and death.
#include "sandbox-client/local/local_backend.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::find_limit;
using test::LocalBox;
using test::ScratchState;

// Processes of this machine that have `marker` in their environment or arguments, as far as we may see.
std::size_t count_processes(const std::string& marker) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto line = read_whole_file(entry.path() / "cmdline", 1 << 20);
    if (line && line->find(marker) != std::string::npos) ++found;
  }
  return found;
}

std::string unique_duration() {
  // An argument of sleep(1) that no other process of the machine has.
  return "987" + std::to_string(getpid()) + "." +
         std::to_string(std::chrono::steady_clock::now().time_since_epoch().count() % 1000000007);
}

}  // namespace

TEST_CASE("a sandbox says what was verified of it", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const SandboxRecord& record = box.record();
  CHECK(record.isolation == "namespaces(user,pid,mount,ipc,uts,cgroup,net)+seccomp+no-new-privs");
  CHECK(record.backend == "local");
  CHECK(record.status == SandboxStatus::running);
  CHECK(record.home == "/home/user");
  CHECK(record.network == Network::none);
  CHECK(find_limit(record, "memory_mb").mechanism == "not enforced");
  CHECK(find_limit(record, "core_dump_bytes").value == "0");
  CHECK(box.run("echo hi").out == "hi\n");
}

TEST_CASE("a sandbox has the environment of its specification", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  SandboxSpec spec;
  spec.name = "--share-net";
  spec.labels = {{"--bind", "/ /"}};
  spec.env = {{"MINE", "--bind\n/ /"}, {"LANG", "C"}, {"odd name", "x"}};
  LocalBox box(spec);
  REQUIRE(box.ok());
  CHECK(box.run("printf %s \"$MINE\"").out == "--bind\n/ /");
  CHECK(box.run("echo $LANG").out == "C\n");
  CHECK(box.record().name == "--share-net");
}

TEST_CASE("specifications that cannot be met are refused with the reason", "[local]") {
  const ScratchState state;
  auto reactor = make_reactor();
  LocalOptions options;
  options.state_directory = state.path();
  auto backend = make_local_backend(options, *reactor);
  const auto code_of = [&backend](auto change) {
    SandboxSpec spec;
    change(spec);
    const auto record = backend->create(spec, {});
    return record ? ErrorCode::internal : record.error().code;
  };
  CHECK(code_of([](SandboxSpec& spec) { spec.image = "debian"; }) == ErrorCode::unsupported);
  CHECK(code_of([](SandboxSpec& spec) { spec.cwd = "work"; }) == ErrorCode::invalid_argument);
  CHECK(code_of([](SandboxSpec& spec) { spec.network = Network::host; }) == ErrorCode::permission_denied);
  CHECK(code_of([](SandboxSpec& spec) { spec.env = {{"A=B", "x"}}; }) == ErrorCode::invalid_argument);
  CHECK(code_of([](SandboxSpec& spec) { spec.env = {{"", "x"}}; }) == ErrorCode::invalid_argument);
  CHECK(code_of([](SandboxSpec& spec) {
          spec.env = {{"A", std::string("x\0y", 3)}};
        }) == ErrorCode::invalid_argument);
  CHECK(code_of([](SandboxSpec& spec) {
          spec.env = {{"A", std::string(128 << 10, 'x')}};
        }) == ErrorCode::invalid_argument);
  CHECK(code_of([](SandboxSpec& spec) { spec.env.assign(1025, {"A", "x"}); }) == ErrorCode::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(state.path() + "/sandboxes"));
  CHECK(backend->list({})->empty());
}

TEST_CASE("a bubblewrap that fails leaves nothing and says what to do", "[local]") {
  const ScratchState state;
  auto reactor = make_reactor();
  LocalOptions options;
  options.state_directory = state.path();
  options.bubblewrap = "/bin/false";
  auto backend = make_local_backend(options, *reactor);
  const auto record = backend->create({}, {});
  REQUIRE_FALSE(record);
  CHECK(record.error().code == ErrorCode::failed_precondition);
  CHECK_THAT(record.error().message, test::ContainsSubstring("no sandbox can be made on this machine"));
  CHECK(state.sandboxes() == 0);
}

TEST_CASE("a program in bubblewrap's place that isolates nothing is not accepted", "[local]") {
  const ScratchState state;
  const std::string program = state.path() + "/bwrap";
  // It says of itself what bwrap would, and goes on in the namespaces of the server.
  std::string script =
      "#!/bin/sh\nfor last in \"$@\"; do case $previous in --info-fd) info=$last;; esac; "
      "previous=$last; done\nsleep 60 &\neval \"echo '{\\\"child-pid\\\": '$!'}' >&$info\"\neval \"exec "
      "$info>&-\"\nwait\n";
  REQUIRE(write_all(UniqueFd(open(program.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755)).get(), script));
  auto reactor = make_reactor();
  LocalOptions options;
  options.state_directory = state.path();
  options.bubblewrap = program;
  auto backend = make_local_backend(options, *reactor);
  const auto record = backend->create({}, Op{{}, Deadline::after(std::chrono::milliseconds(500))});
  REQUIRE_FALSE(record);
  CHECK(state.sandboxes() == 0);
}

TEST_CASE("a channel is handed out once", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const auto second = box.backend().open_channel(box.record().id, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::data_loss);
  CHECK(box.backend().open_channel("0000000000000000", {}).error().code == ErrorCode::not_found);
}

TEST_CASE("destroy leaves no process and no file", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const std::string marker = unique_duration();
  const auto started =
      box.run("for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep " + marker +
              " >/dev/null 2>&1 & done; mkdir -p deep/er; echo x >deep/er/file; chmod 0 deep/er; "
              "ln -s / root; chmod 0 deep");
  REQUIRE(started.exit_code == 0);
  REQUIRE(test::eventually([&] { return count_processes(marker) == 10; }));
  REQUIRE(box.state().sandboxes() == 1);
  REQUIRE(box.backend().destroy(box.record().id, {}));
  CHECK(count_processes(marker) == 0);
  CHECK(box.state().sandboxes() == 0);
  CHECK(box.backend().list({})->empty());
  CHECK(box.backend().destroy(box.record().id, {}).error().code == ErrorCode::not_found);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("stop ends the processes and keeps the home, start goes on with it", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const SandboxId id = box.record().id;
  const std::string marker = unique_duration();
  REQUIRE(box.run("echo kept >file; setsid sleep " + marker + " >/dev/null 2>&1 &").exit_code == 0);
  REQUIRE(box.backend().stop(id, {}));
  CHECK(count_processes(marker) == 0);
  CHECK(box.backend().list({})->at(0).status == SandboxStatus::stopped);
  CHECK(box.backend().open_channel(id, {}).error().code == ErrorCode::failed_precondition);
  CHECK(box.backend().stop(id, {}));
  REQUIRE(box.backend().start(id, {}));
  CHECK(box.backend().start(id, {}));
  CHECK(box.backend().list({})->at(0).status == SandboxStatus::running);
  REQUIRE(box.connect());
  CHECK(box.run("cat file").out == "kept\n");
}

TEST_CASE("a sandbox that ended by itself is reported and can be started again", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const SandboxId id = box.record().id;
  REQUIRE(box.run("echo kept >file").exit_code == 0);
  box.disconnect();  // the runner's lifeline
  REQUIRE(test::eventually([&] { return box.backend().list({})->at(0).status == SandboxStatus::error; }));
  CHECK(box.backend().open_channel(id, {}).error().code == ErrorCode::data_loss);
  REQUIRE(box.backend().start(id, {}));
  REQUIRE(box.connect());
  CHECK(box.run("cat file").out == "kept\n");
}

TEST_CASE("a sandbox made by a short-lived thread survives it", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box(LocalBox::Later{});
  std::thread([&box] { box.create({}); }).join();
  REQUIRE(box.ok());
  for (int i = 0; i < 20; ++i) REQUIRE(box.run("echo " + std::to_string(i)).out == std::to_string(i) + "\n");
}

TEST_CASE("sandboxes of one server do not see each other", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const auto other = box.backend().create({}, {});
  REQUIRE(other);
  CHECK(other->id != box.record().id);
  auto channel = box.backend().open_channel(other->id, {});
  REQUIRE(channel);
  auto runner = make_runner_client(std::move(*channel), box.reactor(), other->settings, {}, {}, {});
  REQUIRE(runner);
  const std::string marker = unique_duration();
  REQUIRE(test::run_in(**runner, "echo confidential >/tmp/s; echo confidential >~/s; sleep " + marker +
                                     " >/dev/null 2>&1 &")
              .exit_code == 0);
  const auto seen = box.run("ls -A /tmp ~ /dev/shm; cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
  CHECK(seen.out.find("confidential") == std::string::npos);
  CHECK(seen.out.find(marker) == std::string::npos);
  CHECK(box.backend().list({})->size() == 2);
}

TEST_CASE("many sandboxes are made and ended at once", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const ScratchState state;
  auto reactor = make_reactor();
  LocalOptions options;
  options.state_directory = state.path();
  auto backend = make_local_backend(options, *reactor);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto record = backend->create({}, {});
      if (record && backend->stop(record->id, {}) && backend->start(record->id, {}) &&
          backend->destroy(record->id, {}))
        ++good;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 8);
  CHECK(state.sandboxes() == 0);
}

TEST_CASE("the backend's end is the end of its sandboxes", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  const std::string marker = unique_duration();
  REQUIRE(box.run("setsid sleep " + marker + " >/dev/null 2>&1 &").exit_code == 0);
  box.end();
  CHECK(count_processes(marker) == 0);
  CHECK(box.state().sandboxes() == 0);
}

TEST_CASE("a killed server takes its sandboxes along, and the next one removes their files", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const ScratchState state;
  const std::string marker = unique_duration();
  auto ready = make_pipe();
  REQUIRE(ready);
  const pid_t server = fork();
  if (server == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ready->first.reset();
    LocalBox box(SandboxSpec{}, state.path());
    const bool made =
        box.ok() &&
        box.run("for i in 1 2 3 4 5; do setsid sleep " + marker + " >/dev/null 2>&1 & done").exit_code == 0;
    (void)write_all(ready->second.get(), made ? "y" : "n");
    pause();
    _exit(0);
  }
  REQUIRE(server > 0);
  ready->second.reset();
  char answer = 0;
  REQUIRE(read(ready->first.get(), &answer, 1) == 1);
  REQUIRE(answer == 'y');
  REQUIRE(test::eventually([&] { return count_processes(marker) == 5; }));
  REQUIRE(state.sandboxes() == 1);
  REQUIRE(kill(server, SIGKILL) == 0);
  REQUIRE(waitpid(server, nullptr, 0) == server);
  CHECK(test::eventually([&] { return count_processes(marker) == 0; }, std::chrono::milliseconds(2000)));
  CHECK(state.sandboxes() == 1);

  LocalBox next(SandboxSpec{}, state.path());
  REQUIRE(next.ok());
  CHECK(test::eventually([&] { return state.sandboxes() == 1; }));
  CHECK(next.run("echo hi").out == "hi\n");
  next.end();
  CHECK(state.sandboxes() == 0);
}

TEST_CASE("diagnosis makes a sandbox and leaves nothing", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const ScratchState state;
  auto reactor = make_reactor();
  LocalOptions options;
  options.state_directory = state.path();
  for (const Finding& finding : make_local_backend(options, *reactor)->diagnose({})) {
    CAPTURE(finding.name, finding.detail, finding.remedy);
    CHECK(finding.ok);
    CHECK_FALSE(finding.detail.empty());
  }
  options.bubblewrap = "/nonexistent/bwrap";
  bool failed = false;
  for (const Finding& finding : make_local_backend(options, *reactor)->diagnose({}))
    if (!finding.ok) {
      failed = true;
      CHECK(finding.required);
      CHECK_FALSE(finding.remedy.empty());
    }
  CHECK(failed);
  CHECK_FALSE(std::filesystem::exists(state.path() + "/sandboxes"));
}

TEST_CASE("user namespaces that are used up are recognised", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  const ScratchState state;
  auto answer = make_pipe();
  REQUIRE(answer);
  const pid_t child = fork();
  if (child == 0) {
    // A user namespace of its own, in which no further one may be made.
    std::string message = "skipped";
    if (geteuid() != 0 && unshare(CLONE_NEWUSER) == 0) {
      const UniqueFd limit(open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC));
      if (limit.valid() && write_all(limit.get(), "0")) {
        auto reactor = make_reactor();
        LocalOptions options;
        options.state_directory = state.path();
        const auto record = make_local_backend(options, *reactor)->create({}, {});
        message = record ? "made" : record.error().message;
      }
    }
    (void)write_all(answer->second.get(), message);
    _exit(0);
  }
  answer->second.reset();
  std::string message(4096, '\0');
  const ssize_t size = read(answer->first.get(), message.data(), message.size());
  waitpid(child, nullptr, 0);
  REQUIRE(size > 0);
  message.resize(static_cast<std::size_t>(size));
  if (message != "skipped") CHECK_THAT(message, test::ContainsSubstring("max_user_namespaces"));
}

}  // namespace rexec::sandbox
