// The numbers that rexec-mcp promises, each beside its floor or its limit, measured in one run.
//
// Usage: rexec-bench PATH_OF_REXEC_MCP [--quick]
// Prints a Markdown table. Everything goes through the whole server over stdio; what is compared alternates
// with what it is compared to, so that a machine whose speed drifts does not favour either. Exit status 1
// when a limit is missed.
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "tests/bench/stdio_client.h"

extern char** environ;

namespace rexec::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double milliseconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

double timed(const std::function<void()>& work) {
  const auto begin = SteadyClock::now();
  work();
  return milliseconds_since(begin);
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}
double median(const std::vector<double>& values) {
  return percentile(values, 0.5);
}

struct Child {
  pid_t pid = -1;
  UniqueFd output;
};

Child spawn_shell(const std::string& shell, const char* command) {
  auto pipe = make_pipe();
  if (!pipe) die("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe->second.get(), STDOUT_FILENO);
  const char* arguments[] = {shell.c_str(), "-c", command, nullptr};
  Child child;
  if (posix_spawn(&child.pid, shell.c_str(), &actions, nullptr, const_cast<char**>(arguments), environ) != 0)
    die("cannot start " + shell);
  posix_spawn_file_actions_destroy(&actions);
  child.output = std::move(pipe->first);
  return child;
}

std::size_t drain_and_reap(Child& child, std::vector<char>& buffer) {
  std::size_t total = 0;
  for (ssize_t got = 0; (got = read(child.output.get(), buffer.data(), buffer.size())) > 0;)
    total += static_cast<std::size_t>(got);
  waitpid(child.pid, nullptr, 0);
  return total;
}

/// The floor of everything: the same shell, spawned bare, its pipe read to the end.
double bare_echo(const std::string& shell) {
  std::vector<char> buffer(4096);
  return timed([&] {
    Child child = spawn_shell(shell, "echo hi");
    drain_and_reap(child, buffer);
  });
}

double resident_mb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024.0;
  return 0;
}

class Table {
 public:
  void row(const std::string& what, const std::string& measured, const std::string& limit, bool met) {
    std::printf("| %s | %s | %s | %s |\n", what.c_str(), measured.c_str(), limit.c_str(),
                met ? "yes" : "**no**");
    std::fflush(stdout);
    all_met_ = all_met_ && met;
  }
  bool all_met() const { return all_met_; }

 private:
  bool all_met_ = true;
};

std::string text(const char* format, double a, double b = 0, double c = 0) {
  char line[200];
  std::snprintf(line, sizeof line, format, a, b, c);  // NOLINT(cert-err33-c)
  return line;
}

std::string shell_of_sandbox(StdioClient& client) {
  const Json result = client.call("exec", {{"command", "readlink /proc/$$/exe; true"}});
  std::string shell = find_string(result, "stdout").value_or("");
  while (!shell.empty() && shell.back() == '\n') shell.pop_back();
  return shell;
}

void measure_start(Table& table, const std::vector<std::string>& server, int runs) {
  std::vector<double> start;
  std::vector<double> first;
  std::vector<double> resident;
  for (int run = 0; run < runs; ++run) {
    const auto begin = SteadyClock::now();
    StdioClient client(server);
    client.initialize();
    start.push_back(milliseconds_since(begin));
    resident.push_back(resident_mb(client.pid()));
    first.push_back(timed([&] { client.call("exec", {{"command", "echo hi"}}); }));
  }
  table.row("process start to the answer of `initialize`, median", text("%.1f ms", median(start)), "10 ms",
            median(start) <= 10);
  table.row("resident memory, idle", text("%.1f MB", median(resident)), "12 MB", median(resident) <= 12);
  table.row("first sandbox from nothing to first output, median", text("%.1f ms", median(first)), "25 ms",
            median(first) <= 25);
}

void measure_exec(Table& table, StdioClient& client, const std::string& shell, int runs) {
  std::vector<double> bare;
  std::vector<double> ours;
  for (int run = 0; run < runs; ++run) {
    bare.push_back(bare_echo(shell));
    ours.push_back(timed([&] { client.call("exec", {{"command", "echo hi"}}); }));
  }
  const double ratio = median(ours) / median(bare);
  table.row("`exec` of `echo hi`, warm, through the whole server: median / bare " + shell,
            text("%.2f (%.2f ms / %.2f ms)", ratio, median(ours), median(bare)), "1.20", ratio <= 1.2);
  const double tail = percentile(ours, 0.95) / percentile(bare, 0.95);
  table.row("the same, 95th percentile", text("%.2f", tail), "–", true);
}

void measure_ping(Table& table, StdioClient& client, int runs) {
  std::vector<double> ping;
  for (int run = 0; run < runs; ++run) ping.push_back(timed([&] { client.request("ping", Json::object()); }));
  table.row("`ping`, median", text("%.3f ms", median(ping)), "0.15 ms", median(ping) <= 0.15);

  const int count = runs * 20;
  std::string all;
  for (int id = 0; id < count; ++id)
    all += R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + ",\"method\":\"ping\"}\n";
  all.pop_back();
  const double took = timed([&] {
    std::thread writer([&] { client.send(all); });
    for (int id = 0; id < count; ++id) client.receive();
    writer.join();
  });
  const double rate = count / took * 1000;
  table.row("pipelined pings per second", text("%.0f", rate), "40 000", rate >= 40000);
}

void measure_parallel(Table& table, StdioClient& client, const std::string& shell) {
  constexpr int kCalls = 64;
  std::vector<double> bare_rounds;
  std::vector<double> our_rounds;
  std::vector<double> spread;
  std::vector<char> buffer(4096);
  for (int round = 0; round < 10; ++round) {
    bare_rounds.push_back(timed([&] {
      std::vector<Child> children;
      for (int i = 0; i < kCalls; ++i) children.push_back(spawn_shell(shell, "echo hi"));
      for (Child& child : children) drain_and_reap(child, buffer);
    }));
    std::vector<double> finished;
    const auto begin = SteadyClock::now();
    for (int i = 0; i < kCalls; ++i)
      client.send(R"({"jsonrpc":"2.0","id":"p)" + std::to_string(i) +
                  R"(","method":"tools/call","params":{"name":"exec","arguments":{"command":"echo hi"}}})");
    for (int i = 0; i < kCalls; ++i) {
      client.receive();
      finished.push_back(milliseconds_since(begin));
    }
    our_rounds.push_back(finished.back());
    spread.push_back(finished.back() / median(finished));
  }
  const double ratio = median(our_rounds) / median(bare_rounds);
  table.row("64 parallel `exec`: last answer / 64 bare shells",
            text("%.2f (%.1f ms / %.1f ms)", ratio, median(our_rounds), median(bare_rounds)), "1.20",
            ratio <= 1.2);
  table.row("the same: last answer / median answer (2 is a fair queue)", text("%.2f", median(spread)), "3",
            median(spread) <= 3);
}

void measure_output(Table& table, StdioClient& client, const std::string& shell) {
  constexpr double kMegabytes = 2000;
  std::vector<char> buffer(1 << 20);
  std::vector<double> bare;
  std::vector<double> ours;
  for (int run = 0; run < 5; ++run) {
    bare.push_back(timed([&] {
      Child child = spawn_shell(shell, "head -c 2000000000 /dev/zero");
      fcntl(child.output.get(), F_SETPIPE_SZ, 1 << 20);
      drain_and_reap(child, buffer);
    }));
    ours.push_back(timed([&] {
      const Json result =
          client.call("exec", {{"command", "head -c 2000000000 /dev/zero"}, {"max_chars", 1000}});
      if (find_integer(result, "stdout_bytes") != 2000000000)
        die("output is missing: " + dump_json(result).substr(0, 400));
    }));
  }
  const double rate = kMegabytes / median(ours) * 1000;
  table.row("stdout through `exec`",
            text("%.0f MB/s (bare pipe %.0f MB/s)", rate, kMegabytes / median(bare) * 1000), "500 MB/s",
            rate >= 500);
}

void measure_files(Table& table, StdioClient& client, int runs) {
  const std::string content(4096, 'x');
  std::vector<double> read_times;
  std::vector<double> write_times;
  for (int run = 0; run < runs; ++run) {
    write_times.push_back(timed([&] {
      client.call("write_file", {{"path", "bench.txt"}, {"content", content}});
    }));
    read_times.push_back(timed([&] { client.call("read_file", {{"path", "bench.txt"}}); }));
  }
  table.row("`read_file` of 4 KiB, median", text("%.3f ms", median(read_times)), "0.25 ms",
            median(read_times) <= 0.25);
  table.row("`write_file` of 4 KiB, median", text("%.3f ms", median(write_times)), "0.3 ms",
            median(write_times) <= 0.3);
}

/// A program on a terminal, read as fast as it can be.
class BareTerminal {
 public:
  BareTerminal(const std::string& shell, const char* command) {
    winsize size{};
    size.ws_col = 120;
    size.ws_row = 30;
    int master = -1;
    pid_ = forkpty(&master, nullptr, nullptr, &size);
    if (pid_ < 0) die("no terminal");
    if (pid_ == 0) {
      setenv("TERM", "xterm-256color", 1);
      execl(shell.c_str(), shell.c_str(), "-c", command, nullptr);
      _exit(127);
    }
    master_.reset(master);
  }
  ~BareTerminal() {
    master_.reset();
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void type(std::string_view text) {
    if (!write_all(master_.get(), text)) die("the terminal takes nothing");
  }
  /// Reads until the output ends with `text`, or to its end when that is empty; how many bytes there were.
  std::size_t read_until(std::string_view text) {
    std::string tail;
    std::size_t size = 0;
    for (;;) {
      const ssize_t got = read(master_.get(), buffer_.data(), buffer_.size());
      if (got <= 0) return size;
      size += static_cast<std::size_t>(got);
      if (text.empty()) continue;
      tail.append(buffer_.data(), static_cast<std::size_t>(got));
      if (tail.ends_with(text)) return size;
    }
  }

 private:
  pid_t pid_ = -1;
  UniqueFd master_;
  std::vector<char> buffer_ = std::vector<char>(64 << 10);
};

constexpr std::string_view kPythonPrompt = ">>> ";

void measure_turns(Table& table, StdioClient& client, const std::string& shell, int runs) {
  BareTerminal python(shell, "exec python3 -q");
  python.read_until(kPythonPrompt);
  const Json opened = client.call("terminal_open", {{"command", "exec python3 -q"}, {"wait_for", ">>> $"}});
  const std::string name = find_string(opened, "terminal").value_or("");
  std::vector<double> bare;
  std::vector<double> ours;
  for (int run = 0; run < runs; ++run) {
    bare.push_back(timed([&] {
      python.type("1+1\r");
      python.read_until(kPythonPrompt);
    }));
    ours.push_back(timed([&] {
      client.call("terminal_send",
                  {{"terminal", name}, {"text", "1+1"}, {"enter", true}, {"wait_for", ">>> $"}});
    }));
  }
  client.call("terminal_close", {{"terminal", name}});
  const double beyond = median(ours) - median(bare);
  table.row(
      "a turn of python3 on a terminal (type `1+1`, wait for the prompt, see the screen), beyond python's "
      "own time",
      text("%.2f ms (python: %.2f ms)", beyond, median(bare)), "2 ms", beyond <= 2);
}

void measure_terminal_output(Table& table, StdioClient& client, const std::string& shell) {
  constexpr const char* kCommand = "yes | head -c 10000000";
  constexpr std::size_t kBytes = 15000000;  // with a carriage return on each line
  std::vector<double> bare;
  std::vector<double> ours;
  for (int run = 0; run < 5; ++run) {
    bare.push_back(timed([&] {
      BareTerminal terminal(shell, kCommand);
      if (terminal.read_until({}) != kBytes) die("output of the bare terminal is missing");
    }));
    ours.push_back(timed([&] {
      const Json result =
          client.call("terminal_open", {{"command", kCommand}, {"wait_for", "^never$"}, {"wait_s", 60}});
      std::string screen;
      for (int row = 1; row < 30; ++row) screen += "y\n";
      if (find_string(result, "cursor") != std::to_string(kBytes) || find_string(result, "screen") != screen)
        die("the screen is wrong: " + dump_json(result).substr(0, 400));
    }));
  }
  const double share = median(bare) / median(ours);
  table.row("10 MB of `yes` on a terminal, until its screen is there: rate / that of reading a bare terminal",
            text("%.2f (bare %.0f MB/s)", share, kBytes / median(bare) / 1000), "0.80", share >= 0.8);
}

int run(int argc, char** argv) {
  if (argc < 2) die("usage: rexec-bench PATH_OF_REXEC_MCP [--quick]");
  const bool quick = argc > 2 && std::strcmp(argv[2], "--quick") == 0;
  const int scale = quick ? 1 : 5;
  const std::vector<std::string> server = {argv[1], "stdio"};
  utsname system{};
  uname(&system);
  std::printf("%s %s, %u processors\n\n| what | measured | limit | met |\n| --- | --- | --- | --- |\n",
              system.sysname, system.release, std::thread::hardware_concurrency());
  Table table;
  measure_start(table, server, 10 * scale);
  StdioClient client(server);
  client.initialize();
  const std::string shell = shell_of_sandbox(client);
  measure_exec(table, client, shell, 200 * scale);
  measure_ping(table, client, 1000 * scale);
  measure_parallel(table, client, shell);
  measure_output(table, client, shell);
  measure_files(table, client, 200 * scale);
  measure_turns(table, client, shell, 100 * scale);
  measure_terminal_output(table, client, shell);
  return table.all_met() ? 0 : 1;
}

}  // namespace
}  // namespace rexec::bench

int main(int argc, char** argv) {
  return rexec::bench::run(argc, argv);
}
