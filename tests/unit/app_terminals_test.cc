#include "app/terminals.h"

#include <sstream>

#include "tests/support/catch.h"

namespace rexec::app {
namespace {

ReachableTerminal reachable(const std::string& sandbox, std::uint64_t number) {
  ReachableTerminal terminal;
  terminal.name = sandbox + ":t" + std::to_string(number);
  terminal.sandbox.name = sandbox;
  terminal.entry.terminal = number;
  terminal.entry.command = "vim\x1b]52;c;aGk=\x07 file\n" + std::string(100, 'x');
  terminal.entry.status = sandbox::ProcessStatus::exited;
  terminal.entry.exit_code = 2;
  return terminal;
}

}  // namespace

TEST_CASE("a terminal is named with or without its sandbox", "[app]") {
  CHECK(parse_terminal_name("t3")->number == 3);
  CHECK(parse_terminal_name("t3")->sandbox.empty());
  CHECK(parse_terminal_name("work:t12")->number == 12);
  CHECK(parse_terminal_name("work:t12")->sandbox == "work");
  CHECK(parse_terminal_name("agent:box:t1")->sandbox == "agent:box");
  for (const char* text :
       {"", "t", "3", "t0", "t-1", "t1x", "work", ":t1", "work:", "work:3", "t99999999999999999999"}) {
    INFO(text);
    CHECK(parse_terminal_name(text).error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a name without its sandbox means the only terminal of that number", "[app]") {
  const std::vector<ReachableTerminal> terminals = {reachable("a", 1), reachable("a", 2), reachable("b", 1)};
  CHECK(choose_terminal(terminals, {"", 2})->name == "a:t2");
  CHECK(choose_terminal(terminals, {"", 1}).error().code == ErrorCode::failed_precondition);
  CHECK(choose_terminal(terminals, {"", 3}).error().code == ErrorCode::not_found);
}

TEST_CASE("terminals are listed one on a line, and nothing of them harms", "[app]") {
  std::ostringstream out;
  print_terminals(out, {reachable("a", 1), reachable("work", 2)});
  std::string expected = "TERMINAL  SIZE    STATUS    COMMAND\n";
  const std::string command = "vim file " + std::string(51, 'x') + "...";
  expected += "a:t1      120x30  exited 2  " + command + "\nwork:t2   120x30  exited 2  " + command + "\n";
  CHECK(out.str() == expected);
}

}  // namespace rexec::app
