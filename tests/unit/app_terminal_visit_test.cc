// A visit of a fake terminal, at a real pseudo-terminal.
#include "app/terminal_visit.h"

#include <sys/signalfd.h>

#include <csignal>
#include <future>
#include <thread>

#include "tests/support/fake_terminal.h"
#include "tests/support/person.h"

namespace rexec::app {
namespace {

using How = VisitEnd::How;
using test::eventually;
using test::FakeRunner;
using test::FakeTerminal;
using test::Person;

/// A visit that runs on a thread of its own until it ends, or the test does.
class Visiting {
 public:
  explicit Visiting(FakeRunner& runner, Person& person, bool watch_only = false) {
    auto pipe = make_pipe();
    REQUIRE(pipe);
    REQUIRE(set_nonblocking(pipe->first.get()));
    signals_ = *std::move(pipe);
    auto taken = PersonTerminal::take(person.fd());
    REQUIRE(taken);
    CHECK(person.is_raw());
    thread_ = std::thread([this, &runner, watch_only, taken = std::move(taken)]() mutable {
      {
        PersonTerminal terminal = *std::move(taken);
        end_ = TerminalVisit(runner, 1, terminal, signals_.first.get(), watch_only).run();
      }
      ended_ = true;
    });
  }
  ~Visiting() {
    signal(SIGTERM);
    thread_.join();
  }

  void signal(int number) {
    signalfd_siginfo info{};
    info.ssi_signo = static_cast<std::uint32_t>(number);
    (void)write_all(signals_.second.get(),
                    std::string_view(reinterpret_cast<const char*>(&info), sizeof info));
  }
  bool ended() const { return ended_; }
  /// How it ended, once it has.
  const VisitEnd& end() {
    REQUIRE(eventually([&] { return ended(); }));
    REQUIRE(end_.ok());
    return *end_;
  }

 private:
  FdPair signals_;
  std::thread thread_;
  Result<VisitEnd> end_ = Error{};
  std::atomic<bool> ended_ = false;
};

struct VisitSetup {
  VisitSetup() {
    terminal.serve(runner);
    terminal.resize({40, 6});
  }
  FakeRunner runner;
  FakeTerminal terminal;
  Person person;
};

}  // namespace

TEST_CASE("a person sees what is there and what comes, and types", "[app]") {
  VisitSetup setup;
  setup.terminal.put_out("earlier\r\n");
  setup.terminal.on_typed = [](FakeTerminal& terminal, const std::string& keys) {
    terminal.put_out("<" + keys + ">");
  };
  Visiting visiting(setup.runner, setup.person);
  CHECK(setup.person.sees("earlier"));
  setup.person.type("ab\x03");
  CHECK(setup.person.sees("<ab"));
  setup.person.type("\x1b[A");
  CHECK(eventually([&] { return setup.terminal.typed() == "ab\x03\x1b[A"; }));
  setup.person.type("last\x1dnever");
  CHECK(visiting.end().how == How::left);
  CHECK(setup.terminal.typed() == "ab\x03\x1b[Alast");
}

TEST_CASE("the person's terminal is as it was, however a visit ends", "[app]") {
  const auto check_end = [](How how, auto cause) {
    VisitSetup setup;
    setup.person.screen.feed("$ rexec-mcp attach\r\n");
    const std::string before = setup.person.screen.text();
    setup.terminal.put_out("\x1b[?1h\x1b[?1003h\x1b[?25l\x1b[?2004hshown");
    Visiting visiting(setup.runner, setup.person);
    CHECK(setup.person.sees("shown"));
    CHECK(setup.person.screen.modes().mouse == terminal::MouseMode::any);
    cause(setup, visiting);
    CHECK(visiting.end().how == how);
    CHECK_FALSE(setup.person.is_raw());
    setup.person.look();
    CHECK(setup.person.screen.text() == before);
    CHECK(setup.person.screen.modes() == terminal::Modes());
  };
  check_end(How::left, [](VisitSetup& setup, Visiting&) { setup.person.type("\x1d"); });
  check_end(How::ended, [](VisitSetup& setup, Visiting&) { setup.terminal.exit(3); });
  check_end(How::interrupted, [](VisitSetup&, Visiting& visiting) { visiting.signal(SIGHUP); });
  check_end(How::gone, [](VisitSetup& setup, Visiting&) { setup.terminal.lose_sandbox(); });
}

TEST_CASE("a visit says how the program ended, after its last words", "[app]") {
  VisitSetup setup;
  Visiting visiting(setup.runner, setup.person);
  REQUIRE(eventually([&] { return setup.terminal.waits() == 1; }));
  setup.terminal.exit(3);
  CHECK(visiting.end().report.exit_code == 3);
}

TEST_CASE("a visit ends when the person's terminal is gone", "[app]") {
  VisitSetup setup;
  Visiting visiting(setup.runner, setup.person);
  REQUIRE(eventually([&] { return setup.terminal.waits() == 1; }));
  setup.person.hang_up();
  CHECK(visiting.end().how == How::hung_up);
}

TEST_CASE("queries from before a visit are not answered, later ones once", "[app]") {
  VisitSetup setup;
  setup.terminal.put_out("\x1b[c\x1b[6n");
  Visiting visiting(setup.runner, setup.person);
  Person second;
  Visiting beside(setup.runner, second);
  Person third;
  Visiting watching(setup.runner, third, true);
  REQUIRE(eventually([&] { return setup.terminal.waits() == 3; }));
  setup.terminal.put_out("ab\x1b[6n.");
  for (Person* person : {&setup.person, &second, &third}) CHECK(person->sees("ab."));
  CHECK(eventually([&] { return setup.terminal.answers() == std::vector<std::string>{"9 \x1b[1;3R"}; }));
  CHECK(setup.person.drawn.find("\x1b[6n") == std::string::npos);
  CHECK(setup.terminal.typed().empty());
}

TEST_CASE("the terminal takes the person's size, and gets its own back", "[app]") {
  VisitSetup setup;
  setup.terminal.resize({100, 30});
  {
    Visiting visiting(setup.runner, setup.person);
    CHECK(eventually([&] { return setup.terminal.size().cols == 40 && setup.terminal.size().rows == 6; }));
    setup.person.resize({50, 7});
    visiting.signal(SIGWINCH);
    CHECK(eventually([&] { return setup.terminal.size().cols == 50; }));
    setup.person.type("\x1d");
    CHECK(visiting.end().how == How::left);
  }
  CHECK(setup.terminal.size().cols == 100);
  CHECK(setup.terminal.size().rows == 30);
}

TEST_CASE("a size that somebody else gave the terminal meanwhile stays", "[app]") {
  VisitSetup setup;
  setup.terminal.resize({100, 30});
  Visiting visiting(setup.runner, setup.person);
  CHECK(eventually([&] { return setup.terminal.size().cols == 40; }));
  setup.terminal.resize({77, 20});
  setup.person.type("\x1d");
  CHECK(visiting.end().how == How::left);
  CHECK(setup.terminal.size().cols == 77);
}

TEST_CASE("who only watches types nothing, resizes nothing and leaves by q", "[app]") {
  VisitSetup setup;
  setup.terminal.resize({100, 30});
  setup.terminal.put_out("\x1b[?1000hshown");
  Visiting visiting(setup.runner, setup.person, true);
  CHECK(setup.person.sees("shown"));
  CHECK(setup.person.screen.modes().mouse == terminal::MouseMode::off);
  setup.person.resize({50, 7});
  visiting.signal(SIGWINCH);
  setup.person.type("abc\r");
  setup.terminal.put_out("more");
  CHECK(setup.person.sees("shownmore"));
  setup.person.type("q");
  CHECK(visiting.end().how == How::left);
  CHECK(setup.terminal.typed().empty());
  CHECK(setup.terminal.size().cols == 100);
}

TEST_CASE("a visit goes on from a checkpoint, and does without one that is not understood", "[app]") {
  const bool valid = GENERATE(true, false);
  VisitSetup setup;
  setup.terminal.put_out("lost and shown");
  terminal::Screen screen({40, 6});
  screen.feed("12345678");
  screen.set_offset(8);
  Op op;
  setup.runner.put_checkpoint(1, {8, valid ? screen.save() : "another format"}, op, [](const auto&) {});
  Visiting visiting(setup.runner, setup.person);
  CHECK(setup.person.sees(valid ? "12345678 shown" : "lost and shown"));
}

TEST_CASE("output that was lost leaves a gap and nothing else", "[app]") {
  VisitSetup setup;
  setup.terminal.put_out("lost\x1b[31");
  setup.terminal.lose(8);
  setup.terminal.put_out("shown");
  Visiting visiting(setup.runner, setup.person);
  CHECK(setup.person.sees("shown"));
  setup.terminal.put_out("\x1b[c");
  CHECK(eventually([&] { return setup.terminal.answers().size() == 1; }));
  CHECK(setup.terminal.answers().front().starts_with("13 "));
}

TEST_CASE("leaving is possible while the program takes no keys, and keys are bounded", "[app]") {
  VisitSetup setup;
  std::vector<sandbox::Completion<sandbox::InputState>> held;
  setup.runner.on_write_terminal = [&](std::uint64_t, std::string, const Op&, auto done) {
    held.push_back(std::move(done));
  };
  Visiting visiting(setup.runner, setup.person);
  REQUIRE(eventually([&] { return setup.terminal.waits() == 1; }));
  const std::string line(4000, 'x');
  // The bell says that keys were dropped.
  CHECK(eventually([&] {
    setup.person.type(line);
    setup.person.look();
    return setup.person.drawn.find('\a') != std::string::npos;
  }));
  setup.person.type("\x1d");
  CHECK(visiting.end().how == How::left);
  CHECK(held.size() == 1);
}

TEST_CASE("what a program marks as unfinished is shown when it is finished", "[app]") {
  VisitSetup setup;
  Visiting visiting(setup.runner, setup.person);
  setup.terminal.put_out("\x1b[?2026hhalf");
  setup.terminal.put_out("-done\x1b[?2026l");
  CHECK(setup.person.sees("half-done"));
  setup.terminal.put_out("\x1b[?2026h, never finished");
  CHECK(setup.person.sees("never finished"));  // after a while all the same
}

TEST_CASE("pictures are skipped and the last one is shown", "[app]") {
  VisitSetup setup;
  Visiting visiting(setup.runner, setup.person);
  CHECK(eventually([&] { return setup.terminal.waits() == 1; }));
  constexpr int kLines = 20000;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kLines; ++i) setup.terminal.put_out("line " + std::to_string(i) + "\r\n");
  CHECK(setup.person.sees("line 19999"));
  const auto frames = (std::chrono::steady_clock::now() - begun) / TerminalVisit::kFrame + 2;
  CHECK(setup.person.drawn.size() < static_cast<std::size_t>(frames) * 400);
}

TEST_CASE("only a terminal can be taken", "[app]") {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK(PersonTerminal::take(null.get()).error().code == ErrorCode::failed_precondition);
  CHECK(PersonTerminal::take(-1).error().code == ErrorCode::failed_precondition);
}

}  // namespace rexec::app
