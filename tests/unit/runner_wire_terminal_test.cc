#include "sandbox-client/runner/wire_terminal.h"

#include "tests/support/catch.h"
#include "tests/support/round_trip.h"

namespace rexec::runner {
namespace {

template <class Message>
bool accepted(const Message& message) {
  Message decoded;
  return decode(encode(message), decoded);
}

}  // namespace

TEST_CASE("The messages about terminals survive encoding and refuse to be cut", "[runner]") {
  OpenTerminal open;
  open.nonce[15] = 7;
  open.argv = {"vi", "a b"};
  open.env = {"TERM=xterm"};
  open.cwd = "/a";
  open.size = {132, 43};
  open.max = 9;
  const OpenTerminal opened = round_trip(open);
  CHECK((opened.nonce[15] == 7 && opened.argv[1] == "a b" && opened.size.cols == 132 && opened.max == 9));

  const WaitTerminal wait = round_trip(WaitTerminal{3, {4, TerminalUntil::end, 5, 6}});
  CHECK((wait.terminal == 3 && wait.wait.from == 4 && wait.wait.wait_ms == 5 && wait.wait.max == 6));
  CHECK(wait.wait.until == TerminalUntil::end);

  TerminalReport report;
  report.terminal = 3;
  report.pid = 12;
  report.status = ProcessStatus::signaled;
  report.signal = 9;
  report.reason = "closed";
  report.size = {1, 1000};
  report.echo_off = report.end = true;
  report.from = 1;
  report.produced = 20;
  report.lost = 2;
  report.offset = 3;
  report.data = std::string("\0\x1b[m", 4);
  const TerminalReport reported = round_trip(report);
  CHECK((reported.reason == "closed" && reported.echo_off && reported.end && reported.lost == 2));
  CHECK((reported.size.rows == 1000 && reported.offset == 3 && reported.data == report.data));

  CHECK(round_trip(WriteTerminal{1, "w", 2, "keys"}).data == "keys");
  CHECK(round_trip(AnswerTerminal{1, 2, "answer"}).query_offset == 2);
  CHECK(round_trip(ResizeTerminal{1, {90, 20}}).size.rows == 20);
  CHECK(round_trip(CloseTerminal{1, 300}).grace_ms == 300);
  TerminalList list;
  list.entries.push_back({4, 12, "vi", ProcessStatus::exited, 1, 0, {80, 24}, 100, -1, 5});
  CHECK(round_trip(list).entries[0].command == "vi");
  CHECK(round_trip(PutCheckpoint{1, 2, "state"}).bytes == "state");
  CHECK(round_trip(GetCheckpoint{9}).terminal == 9);
  CHECK(round_trip(Checkpoint{2, ""}).offset == 2);
}

TEST_CASE("Messages about terminals beyond their limits are refused", "[runner]") {
  for (const TerminalSize size :
       {TerminalSize{0, 1}, TerminalSize{1, 0}, TerminalSize{kMaxTerminalSide + 1, 1},
        TerminalSize{1, kMaxTerminalSide + 1}})
    CHECK_FALSE(accepted(ResizeTerminal{1, size}));
  CHECK(accepted(ResizeTerminal{1, {kMaxTerminalSide, 1}}));
  CHECK(accepted(AnswerTerminal{1, 0, std::string(kMaxTerminalAnswer, 'x')}));
  CHECK_FALSE(accepted(AnswerTerminal{1, 0, std::string(kMaxTerminalAnswer + 1, 'x')}));
  CHECK(accepted(PutCheckpoint{1, 0, std::string(kMaxCheckpoint, 'x')}));
  CHECK_FALSE(accepted(PutCheckpoint{1, 0, std::string(kMaxCheckpoint + 1, 'x')}));
  CHECK_FALSE(accepted(PutCheckpoint{1, 0, ""}));
  CHECK_FALSE(accepted(Checkpoint{0, std::string(kMaxCheckpoint + 1, 'x')}));
  CHECK_FALSE(accepted(WriteTerminal{1, "w", 0, std::string(kMaxData + 1, 'x')}));
  CHECK_FALSE(accepted(WaitTerminal{1, {0, TerminalUntil::now, 0, kMaxData + 1}}));
  CHECK_FALSE(accepted(WaitTerminal{1, {0, static_cast<TerminalUntil>(3), 0, 0}}));
  TerminalReport report;
  report.status = ProcessStatus::timed_out;
  CHECK_FALSE(accepted(report));
  TerminalList list;
  list.entries.resize(kMaxTerminals + kMaxEndedTerminals);
  CHECK(accepted(list));
  list.entries.emplace_back();
  CHECK_FALSE(accepted(list));
}

}  // namespace rexec::runner
