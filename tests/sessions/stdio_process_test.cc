// What only a process of its own can show: its end by the end of input, by signals, by the death of its
// parent, by a client that is gone, and its descriptors.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::test {
namespace {

#ifdef REXEC_SANITIZED
constexpr auto kEndBound = std::chrono::seconds(10);  // instrumented programs beside others are slow
#else
constexpr auto kEndBound = std::chrono::seconds(2);
#endif
constexpr std::string_view kPing = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
constexpr std::string_view kWaitCall =
    R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"wait"}})";

/// A fake server and the client's ends of its pipes.
class ServerProcess {
 public:
  explicit ServerProcess(bool hang = false) {
    FdPair input = pipe_pair();
    FdPair output = pipe_pair();
    FdPair errors = pipe_pair();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input.first.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, output.second.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, errors.second.get(), 2);
    std::string program = REXEC_FAKE_SERVER;
    std::string option = "--hang";
    char* argv[] = {program.data(), hang ? option.data() : nullptr, nullptr};
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(error == 0);
    input_ = std::move(input.second);
    output_ = std::move(output.first);
    errors_ = std::move(errors.first);
  }

  ~ServerProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  void send(std::string_view text) { REQUIRE(write_all(input_.get(), std::string(text) + "\n")); }

  std::string read_line() {
    std::string line;
    for (;;) {
      pollfd fd{output_.get(), POLLIN, 0};
      REQUIRE(::poll(&fd, 1, static_cast<int>(kEventuallyLimit.count())) == 1);
      char byte = 0;
      if (::read(output_.get(), &byte, 1) != 1 || byte == '\n') return line;
      line += byte;
    }
  }

  /// The wait status; nullopt when it is still there at the end of the limit.
  std::optional<int> ended(std::chrono::milliseconds limit) {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, limit)) return std::nullopt;
    pid_ = -1;
    return status;
  }

  void signal(int number) const { ::kill(pid_, number); }
  pid_t pid() const { return pid_; }
  UniqueFd& input() { return input_; }
  UniqueFd& output() { return output_; }
  UniqueFd& errors() { return errors_; }

 private:
  static FdPair pipe_pair() {
    auto pipe = make_pipe();
    REQUIRE(pipe);
    return std::move(pipe).value();
  }

  pid_t pid_ = -1;
  UniqueFd input_;
  UniqueFd output_;
  UniqueFd errors_;
};

using Clock = std::chrono::steady_clock;

bool exited_with(std::optional<int> status, int code) {
  return status && WIFEXITED(*status) && WEXITSTATUS(*status) == code;
}

}  // namespace

TEST_CASE("A server ends at once at the end of input when nothing is under way", "[transport]") {
  ServerProcess server;
  server.send(kPing);
  REQUIRE(server.read_line() == R"({"jsonrpc":"2.0","id":1,"result":{}})");
  const auto begin = Clock::now();
  server.input().reset();
  REQUIRE(exited_with(server.ended(kEndBound), 0));
  REQUIRE(Clock::now() - begin < std::chrono::milliseconds(1000));
}

TEST_CASE("A server answers what was sent before the end of input, also a last line without newline",
          "[transport]") {
  ServerProcess server;
  REQUIRE(write_all(server.input().get(), kPing));
  server.input().reset();
  REQUIRE(server.read_line() == R"({"jsonrpc":"2.0","id":1,"result":{}})");
  REQUIRE(exited_with(server.ended(kEndBound), 0));
}

TEST_CASE("A server ends within its bound when calls outlast the end of input", "[transport]") {
  ServerProcess server;
  server.send(kWaitCall);
  server.send(kPing);
  server.read_line();
  const auto begin = Clock::now();
  server.input().reset();
  REQUIRE_THAT(server.read_line(), ContainsSubstring("the server is ending"));
  REQUIRE(Clock::now() - begin >= std::chrono::milliseconds(1400));
  REQUIRE(exited_with(server.ended(kEndBound), 0));
}

TEST_CASE("SIGTERM, SIGINT and SIGHUP end a server in order", "[transport]") {
  const int number = GENERATE(SIGTERM, SIGINT, SIGHUP);
  ServerProcess server;
  server.send(kPing);
  server.read_line();
  server.signal(number);
  REQUIRE(exited_with(server.ended(kEndBound), 0));
}

TEST_CASE("A server ends when its client closes the reading end, also while it is idle", "[transport]") {
  ServerProcess server;
  server.send(kWaitCall);
  server.send(kPing);
  server.read_line();
  server.output().reset();
  REQUIRE(exited_with(server.ended(std::chrono::milliseconds(1000)), 0));
}

TEST_CASE("A server whose client does not read still reads, and ends in time", "[transport]") {
  ServerProcess server;
  // Far more answers than a pipe holds.
  std::string pings;
  for (int i = 0; i < 20'000; ++i) pings.append(kPing).append("\n");
  REQUIRE(write_all(server.input().get(), pings));
  server.signal(SIGTERM);
  REQUIRE(exited_with(server.ended(kEndBound), 0));
}

TEST_CASE("The watchdog ends a server that hangs after its connection has ended", "[transport]") {
  ServerProcess server(true);
  server.send(kPing);
  server.read_line();
  const auto begin = Clock::now();
  server.input().reset();
  // The sanitizers' own exit handling does not run in _exit(2), so the status is the watchdog's.
  REQUIRE(exited_with(server.ended(std::chrono::milliseconds(3000)), 1));
  REQUIRE(Clock::now() - begin >= std::chrono::milliseconds(1800));
}

TEST_CASE("A server ends when the process that started it has died", "[transport]") {
  FdPair to_server = std::move(make_pipe()).value();
  FdPair from_server = std::move(make_pipe()).value();
  // The server's pipes stay open here, so that only the death of its parent can end it. This process becomes
  // the new parent, to see it end.
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    if (::fork() == 0) {
      ::dup2(to_server.first.get(), 0);
      ::dup2(from_server.second.get(), 1);
      ::execl(REXEC_FAKE_SERVER, REXEC_FAKE_SERVER, nullptr);
      ::_exit(127);
    }
    for (;;) ::pause();
  }
  to_server.first.reset();
  from_server.second.reset();
  REQUIRE(write_all(to_server.second.get(), std::string(kPing) + "\n"));
  char byte = 0;
  REQUIRE(::read(from_server.first.get(), &byte, 1) == 1);

  ::kill(parent, SIGKILL);
  REQUIRE(::waitpid(parent, nullptr, 0) == parent);
  int status = 0;
  pid_t server = 0;
  REQUIRE(eventually([&] { return (server = ::waitpid(-1, &status, WNOHANG)) > 0; }, kEndBound));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  REQUIRE(exited_with(status, 0));
}

TEST_CASE("A server keeps its channel to itself", "[transport]") {
  ServerProcess server;
  server.send(kPing);
  // A line printed by the program came first, but not here.
  REQUIRE(server.read_line() == R"({"jsonrpc":"2.0","id":1,"result":{}})");
  char bytes[256];
  const auto count = ::read(server.errors().get(), bytes, sizeof bytes);
  REQUIRE(count > 0);
  REQUIRE(std::string_view(bytes, static_cast<std::size_t>(count)) == "this line belongs on stderr\n");

  const std::string directory = "/proc/" + std::to_string(server.pid()) + "/fd/";
  char target[256];
  const auto length = ::readlink((directory + "0").c_str(), target, sizeof target);
  REQUIRE(length > 0);
  REQUIRE(std::string_view(target, static_cast<std::size_t>(length)) == "/dev/null");
}

}  // namespace rexec::test
