// Terminals in a real sandbox, whose filter and devices they need.
#include <future>

#include "tests/support/catch.h"
#include "tests/support/local_box.h"
#include "tests/support/require.h"

namespace rexec::sandbox {
namespace {

using test::ContainsSubstring;
using test::LocalBox;

Op in_time() {
  return Op{{}, Deadline::after(test::kCommandLimit)};
}

template <class T, class Ask>
Result<T> answer_of(Ask ask) {
  std::promise<Result<T>> promise;
  ask([&](Result<T> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

}  // namespace

TEST_CASE("a shell on a terminal of a sandbox has job control, and closing it leaves nothing", "[local]") {
  REXEC_SKIP_WITHOUT("bwrap");
  LocalBox box;
  REQUIRE(box.ok());
  Runner& runner = box.runner();
  TerminalSpec spec;
  spec.env = {{"TERM", "xterm"}};
  spec.size = {90, 20};
  const auto opened =
      answer_of<TerminalReport>([&](auto done) { runner.open_terminal(spec, in_time(), done); });
  REQUIRE(opened.ok());
  const std::string typed =
      "stty size >size; tty >tty; echo through >/dev/tty; sleep 99 &\rjobs >jobs; setsid sleep 98 &\r"
      "touch done\r";
  REQUIRE(answer_of<InputState>([&](auto done) {
            runner.write_terminal(opened->terminal, typed, in_time(), done);
          }).ok());
  const auto report = box.run("until [ -e done ]; do sleep 0.01; done; cat size tty jobs");
  CHECK_THAT(report.out, ContainsSubstring("20 90\n/dev/pts/"));
  CHECK_THAT(report.out, ContainsSubstring("sleep 99"));

  REQUIRE(answer_of<void>([&](auto done) {
            runner.close_terminal(opened->terminal, std::chrono::milliseconds(100), in_time(), done);
          }).ok());
  TerminalWait wait;
  wait.until = TerminalUntil::end;
  wait.wait = std::chrono::seconds(20);
  wait.max = 1 << 16;
  const auto closed = answer_of<TerminalReport>(
      [&](auto done) { runner.wait_terminal(opened->terminal, wait, in_time(), done); });
  REQUIRE(closed.ok());
  CHECK((closed->status != ProcessStatus::running && closed->end && closed->reason == "closed"));
  CHECK_THAT(closed->data, ContainsSubstring("through"));
  CHECK(box.run("ps -e -o args | grep -c '[s]leep 9'").out == "0\n");
}

}  // namespace rexec::sandbox
