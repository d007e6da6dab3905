// Starts `rexec-mcp stdio` and does with it what an assistant does: a real MCP exchange, one line for each
// step with its time, and what came back. Ends with what to put into the assistants' configurations.
//
// Usage: rexec-demo /absolute/path/of/rexec-mcp
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "tests/bench/stdio_client.h"

namespace {

using rexec::Json;
using rexec::bench::StdioClient;
using Time = std::chrono::steady_clock::time_point;

constexpr std::string_view kProgram = R"(def primes(limit):
    sieve = bytearray([1]) * (limit + 1)
    sieve[:2] = b"\0\0"
    for n in range(2, int(limit ** 0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(sieve[n * n :: n]))
    return [n for n, prime in enumerate(sieve) if prime]

print("the 1000th prime is", primes(8000)[999])
)";

constexpr std::string_view kScript = R"(#!/bin/sh
a=0 b=1 n=0
while [ $n -lt 50 ]; do
  set -- $((a + b)) && a=$b b=$1 n=$((n + 1))
done
echo "the 50th Fibonacci number is $a"
)";

Time now() {
  return std::chrono::steady_clock::now();
}

void print_step(std::string_view method, std::string_view what, Time begin) {
  const double ms = std::chrono::duration<double, std::milli>(now() - begin).count();
  std::printf("%9.2f ms  %-12s%.*s\n", ms, std::string(method).c_str(), static_cast<int>(what.size()),
              what.data());
}

void print_quoted(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    std::printf("                            | %.*s\n", static_cast<int>(line.size()), line.data());
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
}

std::string text_of(const Json& result) {
  std::string text;
  if (const Json* content = rexec::find(result, "content")) {
    for (const Json& block : *content) text += rexec::find_string(block, "text").value_or("");
  }
  return text;
}

class Demo {
 public:
  explicit Demo(const std::string& binary) : binary_(binary) {}

  void run() {
    std::printf(
        "A client talks MCP to %s over stdio.\nEach line: time from request to answer, request, what it "
        "is.\n\n",
        binary_.c_str());
    start();
    call("exec", "make the sandbox, run a command", {{"command", "id -un; pwd; uname -sr"}});
    call("exec", "run a command", {{"command", "echo hi"}});
    call("write_file", "write fibonacci.sh",
         {{"path", "fibonacci.sh"}, {"content", kScript}, {"mode", "755"}});
    call("exec", "run it", {{"command", "./fibonacci.sh"}});
    call("write_file", "write primes.py", {{"path", "primes.py"}, {"content", kProgram}});
    call("exec", "run it, where there is a Python",
         {{"command",
           "if command -v python3 >/dev/null; then python3 primes.py; else echo no python3 here; fi"}});
    call("read_file", "read its last line", {{"path", "primes.py"}, {"start_line", -1}});
    call("exec", "write outside of its home", {{"command", "touch /usr/mark; echo exit status $?"}});
    call("exec", "networks that it sees", {{"command", "tail -n +3 /proc/net/dev | cut -d: -f1"}});
    call("exec", "a command that takes too long", {{"command", "sleep 60"}, {"timeout_s", 0.2}});
    const Time begin = now();
    client_.reset();
    print_step("(close)", "the server and its sandbox have ended", begin);
    print_snippets();
  }

 private:
  void start() {
    const Time begin = now();
    client_ = std::make_unique<StdioClient>(std::vector<std::string>{binary_, "stdio"});
    const Json hello = client_->initialize();
    print_step("initialize", "start the server and shake hands", begin);
    const Json* info = rexec::find(hello, "serverInfo");
    if (info != nullptr) {
      print_quoted(rexec::find_string(*info, "name").value_or("") + " " +
                   rexec::find_string(*info, "version").value_or("") + ", protocol " +
                   rexec::find_string(hello, "protocolVersion").value_or(""));
    }
    const Time listing = now();
    const Json list = client_->request("tools/list", Json::object());
    print_step("tools/list", "what the assistant is offered", listing);
    std::string names;
    if (const Json* tools = rexec::find(list, "tools")) {
      for (const Json& tool : *tools)
        names += (names.empty() ? "" : ", ") + rexec::find_string(tool, "name").value_or("");
    }
    print_quoted(names);
  }

  void call(std::string_view tool, std::string_view what, Json arguments) {
    const Time begin = now();
    const Json command = arguments.value("command", Json());
    const Json result = client_->request("tools/call", {{"name", tool}, {"arguments", std::move(arguments)}});
    print_step(tool, what, begin);
    if (command.is_string()) print_quoted("$ " + command.get<std::string>());
    print_quoted(text_of(result));
    if (rexec::find_bool(result, "isError").value_or(false)) {
      std::printf("\nThat did not work. `scripts/run doctor` says what this machine lacks.\n");
      std::exit(1);
    }
  }

  void print_snippets() const {
    std::printf(
        "\nPut it into your assistant:\n\n"
        "Claude Code:\n\n  claude mcp add rexec -- %s stdio\n\n"
        "Claude Desktop (claude_desktop_config.json), Cursor (~/.cursor/mcp.json) and\n"
        "Windsurf (~/.codeium/windsurf/mcp_config.json):\n\n"
        "  {\n    \"mcpServers\": {\n      \"rexec\": {\"command\": %s, \"args\": [\"stdio\"]}\n    }\n  }\n",
        binary_.c_str(), rexec::dump_json(binary_).c_str());
  }

  const std::string binary_;
  std::unique_ptr<StdioClient> client_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 2 || words[1][0] != '/') {
    std::fprintf(stderr, "usage: rexec-demo /absolute/path/of/rexec-mcp\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  Demo(words[1]).run();
  return 0;
}
