// terminal_open, terminal_send, terminal_read and terminal_close over a terminal that does what a test says.
#include "tests/support/catch.h"
#include "tests/support/fake_inquiry.h"
#include "tests/support/fake_terminal.h"
#include "tests/support/fake_tool_call.h"
#include "tests/support/scratch_directory.h"
#include "tools/resources/features.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;

namespace {

/// A shell that echoes what is typed and answers each line with `answer`.
struct TerminalBench {
  ToolBench bench;
  FakeTerminal terminal{1};
  std::string answer = "done\r\n$ ";
  sandbox::TerminalSpec opened;

  TerminalBench() {
    FakeRunner& runner = bench.runner();
    terminal.serve(runner);
    const auto open = runner.on_open_terminal;
    runner.on_open_terminal = [this, open](const sandbox::TerminalSpec& spec, const Op& op, auto done) {
      opened = spec;
      open(spec, op, std::move(done));
    };
    terminal.on_typed = [this](FakeTerminal& self, const std::string& bytes) {
      std::string echo;
      for (const char c : bytes) echo += c == '\r' ? "\r\n" + answer : std::string(1, c);
      self.put_out(echo);
    };
    terminal.put_out("$ ");
  }
  Json run(const std::string& tool, Json arguments) {
    result = bench.run("terminal_" + tool, std::move(arguments));
    return result.structured.value_or(Json());
  }
  Json open(Json arguments = Json::object()) {
    if (!arguments.contains("wait_for")) arguments["wait_for"] = "\\$ $";
    return run("open", std::move(arguments));
  }
  Json send(Json arguments) {
    arguments["terminal"] = "t1";
    return run("send", std::move(arguments));
  }
  mcp::ToolResult result;
};

}  // namespace

TEST_CASE("terminal_open starts a program and shows its first screen", "[tools]") {
  TerminalBench t;
  const Json opened =
      t.open({{"command", "sh"}, {"cwd", "/tmp"}, {"cols", 40}, {"rows", 5}, {"env", {{"A", "b"}}}});
  CHECK(t.opened.command == "sh");
  CHECK(t.opened.cwd == "/tmp");
  CHECK(t.opened.size.cols == 40);
  CHECK(t.opened.env ==
        std::vector<std::pair<std::string, std::string>>{{"A", "b"}, {"TERM", "xterm-256color"}});
  CHECK(opened.at("terminal") == "t1");
  CHECK(opened.at("status") == "running");
  CHECK(opened.at("screen") == "$\n");
  CHECK(opened.at("wait") == "matched");
  CHECK(opened.at("matched") == "$ ");
  CHECK(opened.at("cols") == 40);
  CHECK(opened.at("rows") == 5);
  CHECK(opened.at("cursor_row") == 1);
  CHECK(opened.at("cursor_col") == 3);
  CHECK(opened.at("waiting_for_secret") == false);
  CHECK(opened.at("alternate_screen") == false);
  CHECK(opened.at("cursor") == "2");
  CHECK_THAT(text_of(t.result), ContainsSubstring("[t1 · running · 40x5 · cursor at line 1, column 3"));
}

TEST_CASE("terminal_open without a command opens the user's shell, and TERM can be given", "[tools]") {
  TerminalBench t;
  t.open({{"env", {{"TERM", "vt100"}}}});
  CHECK(t.opened.command.empty());
  CHECK(t.opened.env == std::vector<std::pair<std::string, std::string>>{{"TERM", "vt100"}});
  CHECK(t.opened.size.cols == 120);
  CHECK(t.opened.size.rows == 30);
}

TEST_CASE("terminal_send types in the order that is promised", "[tools]") {
  TerminalBench t;
  t.open();
  t.terminal.on_typed = nullptr;
  t.send({{"enter", true},
          {"keys", {"up", "ctrl-c"}},
          {"text", "a\nb\r\nc"},
          {"paste", "p\nq"},
          {"resize", {{"cols", 90}, {"rows", 20}}},
          {"wait_s", 0}});
  CHECK(t.terminal.typed() == "p\rqa\rb\rc\x1b[A\x03\r");
  CHECK(t.terminal.size().cols == 90);
  CHECK(t.result.structured->at("rows") == 20);
}

TEST_CASE("keys and pastes are what the program asked for", "[tools]") {
  TerminalBench t;
  t.open();
  t.terminal.on_typed = nullptr;
  t.terminal.put_out("\x1b[?1h\x1b[?2004h");
  t.send({{"keys", {"up"}}, {"paste", "x"}, {"wait_s", 0}});
  CHECK(t.terminal.typed() == "\x1b[200~x\x1b[201~\x1bOA");
}

TEST_CASE("terminal_send answers when what it waits for is written after the echo", "[tools]") {
  TerminalBench t;
  t.open();
  const Json sent = t.send({{"text", "do it"}, {"enter", true}, {"wait_for", "^done$|do it"}});
  CHECK(sent.at("wait") == "matched");
  CHECK(sent.at("matched") == "done");
  CHECK(sent.at("screen") == "$ do it\ndone\n$\n");
}

TEST_CASE("a terminal that is quiet is told, and one that is not is a timeout", "[tools]") {
  TerminalBench t;
  t.open();
  CHECK(t.send({{"text", "x"}, {"idle_s", 0}}).at("wait") == "idle");
  t.terminal.on_typed = nullptr;
  CHECK(t.send({{"text", "x"}, {"wait_for", "never"}, {"wait_s", 0}}).at("wait") == "timeout");
  CHECK_THAT(text_of(t.result), ContainsSubstring("still waiting"));
}

TEST_CASE("the end of a program ends the wait, and a match in its last words comes first", "[tools]") {
  TerminalBench t;
  t.open();
  t.terminal.on_typed = [](FakeTerminal& self, const std::string&) {
    self.put_out("bye\r\n");
    self.exit(3);
  };
  const Json sent = t.send({{"text", "exit"}, {"enter", true}, {"wait_for", "never"}});
  CHECK(sent.at("wait") == "exited");
  CHECK(sent.at("status") == "exited");
  CHECK(sent.at("exit_code") == 3);

  t.send({{"text", "more"}});
  CHECK(t.result.is_error);
  CHECK_THAT(text_of(t.result), ContainsSubstring("has ended"));
  CHECK(t.run("read", {{"terminal", "t1"}}).at("screen") == "$ bye\n");
}

TEST_CASE("a line that is read without being shown is a person's to type", "[tools]") {
  TerminalBench t;
  t.open();
  t.terminal.on_typed = [](FakeTerminal& self, const std::string&) {
    self.echo(false);
    self.put_out("Password: ");
  };
  const Json sent = t.send({{"text", "login"}, {"enter", true}, {"idle_s", 0}});
  CHECK(sent.at("waiting_for_secret") == true);
  CHECK_THAT(text_of(t.result), ContainsSubstring("rexec-mcp attach default:t1"));
  // What is typed then has no echo to wait for.
  t.terminal.on_typed = [](FakeTerminal& self, const std::string&) { self.put_out("\r\nwelcome\r\n"); };
  CHECK(t.send({{"text", "welcome"}, {"enter", true}, {"wait_for", "welcome"}}).at("wait") == "matched");
}

TEST_CASE("terminal_read waits for what no answer has shown yet", "[tools]") {
  TerminalBench t;
  t.open();
  CHECK_FALSE(t.run("read", {{"terminal", "t1"}}).contains("wait"));
  t.terminal.put_out("built: ok\r\n$ ");
  const Json read = t.run("read", {{"terminal", "t1"}, {"wait_for", "built: (ok|failed)"}, {"wait_s", 5}});
  CHECK(read.at("matched") == "built: ok");
  const auto call =
      t.bench.begin("terminal_read", {{"terminal", "t1"}, {"wait_for", "built"}, {"wait_s", 30}});
  CHECK_FALSE(call->answered());
  t.terminal.put_out("built again");
  CHECK(call->answered());
}

TEST_CASE("the raw output is read page by page", "[tools]") {
  TerminalBench t;
  t.open();
  t.terminal.put_out("\x1b[31m\xe2\x82\xac\xe2\x82\xac");
  const Json first = t.run("read", {{"terminal", "t1"}, {"view", "raw"}, {"cursor", "0"}, {"max_chars", 12}});
  CHECK(first.at("text") == "$ \x1b[31m\xe2\x82\xac");
  CHECK(first.at("cursor") == "10");
  const Json second = t.run("read", {{"terminal", "t1"}, {"view", "raw"}, {"cursor", "10"}});
  CHECK(second.at("text") == "\xe2\x82\xac");
  CHECK(second.at("cursor") == "13");
  t.terminal.lose(5);
  CHECK(t.run("read", {{"terminal", "t1"}, {"view", "raw"}, {"cursor", "1"}}).at("lost_bytes") == 4);
}

TEST_CASE("the scrollback is what left the screen, with colours when they are wanted", "[tools]") {
  TerminalBench t;
  t.open({{"rows", 3}});
  std::string lines;
  for (int i = 0; i < 10; ++i)
    lines += "\x1b[3" + std::to_string(i % 8) + "mline " + std::to_string(i) + "\x1b[m\r\n";
  t.terminal.put_out("\x1b[2J\x1b[H" + lines);
  const Json plain = t.run("read", {{"terminal", "t1"}, {"view", "scrollback"}, {"lines", 2}});
  CHECK(plain.at("text") == "line 6\nline 7\n");
  const Json coloured =
      t.run("read", {{"terminal", "t1"}, {"view", "scrollback"}, {"lines", 1}, {"colors", true}});
  CHECK_THAT(coloured.at("text").get<std::string>(), ContainsSubstring("\x1b[37mline"));
  const Json cut = t.run("read", {{"terminal", "t1"}, {"view", "scrollback"}, {"max_chars", 10}});
  CHECK_THAT(cut.at("text").get<std::string>(), ContainsSubstring("left out]\nline 7\n"));
}

TEST_CASE("terminal_close ends the program and shows what was left", "[tools]") {
  TerminalBench t;
  t.open();
  const Json closed = t.run("close", {{"terminal", "t1"}});
  CHECK(closed.at("status") == "signaled");
  CHECK(closed.at("signal") == "SIGHUP");
  CHECK(closed.at("reason") == "closed");
  CHECK(closed.at("screen") == "$\n");
}

TEST_CASE("an open that is given up leaves no terminal", "[tools]") {
  TerminalBench t;
  std::size_t closed = 0;
  t.bench.runner().on_close_terminal = [&](auto, auto, auto, auto done) {
    ++closed;
    done({});
  };
  t.bench.begin("terminal_open", {{"wait_for", "\\$"}}, false, true);
  CHECK(closed == 1);
}

TEST_CASE("what is wrong with arguments is told, all of it", "[tools]") {
  TerminalBench t;
  t.open();
  t.send(Json::object());
  CHECK_THAT(text_of(t.result), ContainsSubstring("nothing to do"));
  t.send({{"keys", {"up", "nokey"}}, {"wait_for", "("}});
  CHECK_THAT(text_of(t.result), ContainsSubstring("/keys/1"));
  CHECK_THAT(text_of(t.result), ContainsSubstring("/wait_for"));
  t.run("read", {{"terminal", "x1"}, {"cursor", "-"}});
  CHECK_THAT(text_of(t.result), ContainsSubstring("\"x1\" is not a terminal handle"));
  CHECK_THAT(text_of(t.result), ContainsSubstring("is not a cursor"));
}

TEST_CASE("an unknown terminal is told with those that there are", "[tools]") {
  TerminalBench t;
  t.open();
  t.bench.runner().on_wait_terminal = [](auto, auto, auto, auto done) {
    done(Error{ErrorCode::not_found, "there is no terminal t9"});
  };
  t.run("read", {{"terminal", "t9"}});
  CHECK(t.result.is_error);
  CHECK_THAT(text_of(t.result), ContainsSubstring("no terminal t9"));
  CHECK_THAT(text_of(t.result), ContainsSubstring("only: t1"));
}

TEST_CASE("a terminal is recorded when that is asked for, without what is typed unseen", "[tools]") {
  const ScratchDirectory scratch;
  TerminalBench t;
  t.bench.recording = {scratch.path() + "/recordings", false, true};
  const Json opened = t.open({{"record", true}});
  CHECK(opened.at("recording") == "rexec://default/terminals/t1/recording");
  CHECK_THAT(text_of(t.result), ContainsSubstring("[recorded to " + scratch.path() + "/recordings/default"));
  t.send({{"text", "visible"}, {"idle_s", 0}});
  t.terminal.echo(false);
  t.terminal.on_typed = nullptr;
  t.send({{"text", "hidden"}, {"wait_s", 0}});
  std::string recorded;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path() + "/recordings")) {
    std::ifstream file(entry.path());
    recorded.assign(std::istreambuf_iterator<char>(file), {});
  }
  CHECK_THAT(recorded, ContainsSubstring("\"i\", \"visible\""));
  CHECK_FALSE(recorded.find("hidden") != std::string::npos);
}

TEST_CASE("a program that never echoes and never rests is matched all the same", "[tools]") {
  TerminalBench t;
  t.open();
  t.terminal.on_typed = nullptr;
  const auto call = t.bench.begin("terminal_send",
                                  {{"terminal", "t1"}, {"text", "go"}, {"wait_for", "DONE"}, {"wait_s", 30}});
  t.terminal.put_out("DONE");
  CHECK_FALSE(call->answered());
  CHECK(eventually([&] {
    t.terminal.put_out(".");
    return call->answered();
  }));
  CHECK(call->wait_result()->structured->at("wait") == "matched");
}

TEST_CASE("a view that could not be followed is made anew", "[tools]") {
  TerminalBench t;
  FakeRunner& runner = t.bench.runner();
  const auto wait = runner.on_wait_terminal;
  t.open();
  runner.on_wait_terminal = [](auto, auto, auto, auto done) {
    done(Error{ErrorCode::resource_exhausted, "too many requests"});
  };
  t.terminal.put_out("lost?");
  runner.on_wait_terminal = wait;
  CHECK(t.run("read", {{"terminal", "t1"}}).at("screen") == "$ lost?\n");
}

TEST_CASE("a secret is hidden in screens and recordings, whatever lies between its parts", "[tools]") {
  const std::string token = "s3cr3t-value-of-a-token";
  const ScratchDirectory scratch;
  TerminalBench t;
  t.bench.recording = {scratch.path() + "/recordings", true, true};
  t.bench.configure({{"TOKEN", [&](const Op&) -> Result<std::string> { return token; }}});
  t.open({{"command", "echo " + token}});
  t.terminal.put_out("s3cr3t-\x1b[1mvalue-of-a-token\r\n");
  t.terminal.on_typed = nullptr;
  t.send({{"text", token}, {"wait_s", 0}});
  CHECK_THAT(text_of(t.result), ContainsSubstring("[secret TOKEN"));
  Asker asker;
  for (const char* uri : {"rexec://default/terminals/t1/screen", "rexec://default/terminals/t1/recording"}) {
    Answer<mcp::ResourceContents> answer;
    tools::make_resources(t.bench.services())->read(asker.inquiry(), uri, answer.reply());
    const std::string data = answer.take().value().data;
    CHECK_THAT(data, ContainsSubstring("[secret TOKEN"));
    CHECK(data.find(token) == std::string::npos);
  }
  for (const auto& entry : std::filesystem::directory_iterator(scratch.path() + "/recordings")) {
    std::ifstream file(entry.path());
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}).find(token) == std::string::npos);
  }
}

TEST_CASE("progress is told while a terminal is waited for", "[tools]") {
  TerminalBench t;
  t.bench.limits.progress_interval = std::chrono::milliseconds(1);
  t.open();
  t.terminal.on_typed = nullptr;
  const auto call = t.bench.begin(
      "terminal_send", {{"terminal", "t1"}, {"text", "x"}, {"wait_for", "y"}, {"wait_s", 30}}, true);
  eventually([&] {
    t.terminal.end_waits();
    return !call->messages().empty();
  });
  CHECK_FALSE(call->messages().empty());
  t.terminal.put_out("x\r\ny");
  CHECK(call->wait_result().has_value());
}
