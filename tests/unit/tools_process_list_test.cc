#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using namespace std::chrono_literals;
using rexec::test::ContainsSubstring;
using sandbox::ProcessEntries;
using sandbox::ProcessEntry;
using sandbox::ProcessStatus;

namespace {

ProcessEntry entry(std::uint64_t process, int pid, std::string command) {
  ProcessEntry made;
  made.process = process;
  made.pid = pid;
  made.ppid = 1;
  made.command = std::move(command);
  made.started_unix_ms = 1'700'000'000'000 + pid;
  made.cpu = 500ms;
  made.age = 2s;
  made.rss_bytes = 3'200'000;
  return made;
}

mcp::ToolResult list(ProcessEntries entries, Json arguments = Json::object()) {
  ToolBench bench;
  bench.runner().on_list = [&](bool, const Op&, const sandbox::Completion<ProcessEntries>& done) {
    done(entries);
  };
  return bench.run("process_list", std::move(arguments));
}

}  // namespace

TEST_CASE("process_list shows processes that run first, the newest first, in both forms", "[tools]") {
  ProcessEntry ended = entry(2, 30, "make\nall");
  ended.status = ProcessStatus::exited;
  const auto result = list({{entry(1, 20, "npm start"), ended, entry(0, 40, "sleep 9")}, false});
  const Json& processes = result.structured->at("processes");
  REQUIRE(processes.size() == 3);
  CHECK_FALSE(processes[0].contains("process"));
  CHECK(processes[1]["process"] == "p1");
  CHECK(processes[1]["cpu_percent"] == 25.0);
  CHECK(processes[1]["rss_bytes"] == 3'200'000);
  CHECK(processes[1]["started_at"] == "2023-11-14T22:13:20.020Z");
  CHECK(processes[2]["status"] == "exited");
  CHECK(processes[2]["command"] == "make all");
  CHECK_FALSE(processes[2].contains("rss_bytes"));
  CHECK(result.structured->at("sandbox") == "default");
  CHECK_THAT(text_of(result), ContainsSubstring("p1 · running · pid 20 (parent 1) · 25.0 % cpu · 3.2 MB"));
  CHECK_THAT(text_of(result), ContainsSubstring(" · make all\n[3 processes in the sandbox default]"));
}

TEST_CASE("process_list asks for everything only when told", "[tools]") {
  ToolBench bench;
  bench.runner().on_list = [](bool, const Op&, const sandbox::Completion<ProcessEntries>& done) {
    done(ProcessEntries{});
  };
  CHECK(text_of(bench.run("process_list", Json::object())) == "[0 processes in the sandbox default]");
  bench.run("process_list", {{"all", true}});
  CHECK(bench.runner().calls() == std::vector<std::string>{"list", "list all"});
}

TEST_CASE("a long list keeps what runs and the newest, and says that it is cut", "[tools]") {
  ProcessEntries entries;
  for (int i = 0; i < 4096; ++i) entries.entries.push_back(entry(0, 1000 + i, std::string(1000, 'x')));
  for (int i = 1; i < 4096; ++i) entries.entries[static_cast<std::size_t>(i)].status = ProcessStatus::exited;
  const auto result = list(entries);
  const Json& processes = result.structured->at("processes");
  CHECK(processes.size() == 200);
  CHECK(processes[0]["pid"] == 1000);
  CHECK(processes[1]["pid"] == 5095);
  CHECK(result.structured->at("truncated") == true);
  CHECK_THAT(text_of(result), ContainsSubstring("the list is cut"));
  CHECK(text_of(result).size() < 100'000);
}
