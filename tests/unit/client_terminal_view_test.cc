#include "sandbox-client/terminal_view.h"

#include "tests/support/catch.h"
#include "tests/support/fake_terminal.h"

using namespace rexec;
using namespace rexec::test;
using sandbox::TerminalReport;
using sandbox::TerminalView;

namespace {

struct FollowedTerminal {
  std::shared_ptr<FakeRunner> runner = std::make_shared<FakeRunner>();
  FakeTerminal terminal{3};

  FollowedTerminal() { terminal.serve(*runner); }

  std::shared_ptr<TerminalView> open(const std::shared_ptr<sandbox::TerminalObserver>& observer = {}) {
    TerminalReport opened;
    opened.terminal = 3;
    opened.size = {20, 4};
    runner->resize_terminal(3, opened.size, Op{}, [](Result<void>) {});
    return TerminalView::open(runner, opened, observer);
  }
  std::shared_ptr<TerminalView> join() {
    Result<std::shared_ptr<TerminalView>> joined = Error{ErrorCode::internal, "no answer"};
    TerminalView::join(runner, 3, Op{}, [&](auto view) { joined = std::move(view); });
    REQUIRE(joined.ok());
    return *joined;
  }
};

std::string text_of(const TerminalView& view) {
  std::string text;
  view.read([&](const terminal::Screen& screen) { text = screen.text(); });
  return text;
}

struct Diary final : sandbox::TerminalObserver {
  std::string text;
  void output(std::string_view bytes) override { text += bytes; }
  void resized(const sandbox::TerminalSize& size) override {
    text += "<" + std::to_string(size.cols) + "x" + std::to_string(size.rows) + ">";
  }
  void ended() override { text += "<end>"; }
};

}  // namespace

TEST_CASE("a view shows what is written without being asked", "[client]") {
  FollowedTerminal f;
  const auto view = f.open();
  f.terminal.put_out("one\r\ntwo");
  CHECK(text_of(*view) == "one\ntwo\n");
  f.terminal.put_out("\x1b[2J\x1b[Hthree");
  CHECK(text_of(*view) == "three\n");
  CHECK_FALSE(view->over());
  f.terminal.exit(0);
  CHECK(view->over());
  CHECK(f.terminal.waits() == 0);
}

TEST_CASE("queries of live output are answered, and no others", "[client]") {
  FollowedTerminal f;
  f.terminal.put_out("\x1b[c");
  const auto joined = f.join();
  CHECK(f.terminal.answers().empty());
  f.terminal.put_out("ab\x1b[6n");
  REQUIRE(f.terminal.answers().size() == 1);
  CHECK(f.terminal.answers().front() == "5 \x1b[1;3R");
  const auto second = f.join();
  f.terminal.put_out("\x1b[5n");
  CHECK(f.terminal.answers().size() == 2);
}

TEST_CASE("many queries at once are all answered, up to a bound", "[client]") {
  FollowedTerminal f;
  const auto view = f.open();
  std::string queries;
  for (int i = 0; i < 256; ++i) queries += "\x1b[6n";
  f.terminal.put_out(queries + "\x1b[c");
  REQUIRE(f.terminal.answers().size() == 257);
  CHECK_THAT(f.terminal.answers().back(), ContainsSubstring("\x1b[?"));
  f.terminal.put_out(queries + queries + queries);
  CHECK(f.terminal.answers().size() == 257 + TerminalView::kMaxAnswers);
}

TEST_CASE("a refresh tells of the end of the output that the screen shows", "[client]") {
  FollowedTerminal f;
  const auto view = f.open();
  f.terminal.put_out("text");
  f.terminal.echo(false);
  std::optional<TerminalReport> told;
  view->refresh(Op{}, [&](Result<TerminalReport> report) { told = report.value(); });
  REQUIRE(told);
  CHECK(told->produced == 4);
  CHECK(told->echo_off);
  CHECK(told->size.cols == 20);
}

TEST_CASE("who joins sees the size and all that is kept", "[client]") {
  FollowedTerminal f;
  f.runner->resize_terminal(3, {30, 5}, Op{}, [](Result<void>) {});
  f.terminal.put_out("first\r\nsecond");
  const auto view = f.join();
  CHECK(text_of(*view) == "first\nsecond\n");
  view->read([](const terminal::Screen& screen) { CHECK(screen.size() == terminal::Size{30, 5}); });
  CHECK(view->seen() == 0);  // nobody was shown it by this server
}

TEST_CASE("a checkpoint stands for output that is gone", "[client]") {
  FollowedTerminal f;
  {
    const auto view = f.open();
    f.terminal.put_out("\x1b[1;1Htop line");
    f.terminal.put_out("\x1b[2;1H" + std::string(TerminalView::kCheckpointBytes, 'x') + "\x1b[3;1Hlast");
  }
  const std::uint64_t all = 14 + 6 + TerminalView::kCheckpointBytes + 10;
  f.terminal.lose(all - 4);
  const auto view = f.join();
  // The screen has scrolled by the x: what came of it is as it was kept, and the rest was replayed.
  CHECK_THAT(text_of(*view), ContainsSubstring("xxxx"));
  CHECK_THAT(text_of(*view), ContainsSubstring("last"));
}

TEST_CASE("a gap in the output ends what was begun before it", "[client]") {
  FollowedTerminal f;
  const auto view = f.open();
  f.terminal.put_out("a\x1b[3");
  f.terminal.lose(8);
  f.terminal.put_out("1mxxb");
  CHECK_THAT(text_of(*view), ContainsSubstring("b"));
  view->read([](const terminal::Screen& screen) { CHECK(screen.offset() == 9); });
}

TEST_CASE("observers are told of everything in its order, and at once when it is over", "[client]") {
  FollowedTerminal f;
  const auto diary = std::make_shared<Diary>();
  const auto view = f.open(diary);
  f.terminal.put_out("a");
  f.runner->resize_terminal(3, {40, 9}, Op{}, [](Result<void>) {});
  f.terminal.put_out("b");
  f.terminal.exit(1);
  CHECK(diary->text == "a<40x9>b<end>");
  const auto late = std::make_shared<Diary>();
  CHECK(view->observe(late));
  CHECK(late->text == "<end>");
}

TEST_CASE("the number of observers is bounded, and those that are gone do not count", "[client]") {
  FollowedTerminal f;
  const auto view = f.open();
  std::vector<std::shared_ptr<Diary>> diaries;
  for (std::size_t i = 0; i < TerminalView::kMaxObservers; ++i) {
    diaries.push_back(std::make_shared<Diary>());
    CHECK(view->observe(diaries.back()));
  }
  CHECK_FALSE(view->observe(std::make_shared<Diary>()));
  diaries.pop_back();
  CHECK(view->observe(diaries.front()));
}

TEST_CASE("a view that is gone follows no more", "[client]") {
  FollowedTerminal f;
  std::stop_token given;
  f.runner->on_wait_terminal = [&](auto, auto, const Op& op, auto) { given = op.stop; };
  f.open();
  CHECK(given.stop_requested());
}

TEST_CASE("a lost sandbox ends a view with its reason", "[client]") {
  FollowedTerminal f;
  const auto diary = std::make_shared<Diary>();
  f.runner->on_wait_terminal = [](auto, auto, auto, auto done) {
    done(Error{ErrorCode::data_loss, "the sandbox is gone"});
  };
  const auto view = f.open(diary);
  CHECK(view->over());
  CHECK(diary->text == "<end>");
  std::optional<Error> error;
  view->refresh(Op{}, [&](Result<TerminalReport> report) { error = report.error(); });
  REQUIRE(error);
  CHECK(error->code == ErrorCode::data_loss);
}
