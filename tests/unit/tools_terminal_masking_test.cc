// Secrets in the output of terminals: what no window of it shows, wherever it is cut.
#include "tests/support/catch.h"
#include "tests/support/fake_terminal.h"
#include "tools/secrets.h"
#include "tools/support/masking_runner.h"

using namespace rexec;
using namespace rexec::test;

namespace {

const std::string kTerminalToken = "s3cr3t-value-of-a-token";

struct MaskedTerminal {
  std::shared_ptr<FakeRunner> fake = std::make_shared<FakeRunner>();
  FakeTerminal terminal{4};
  std::shared_ptr<sandbox::Runner> runner;

  MaskedTerminal() {
    terminal.serve(*fake);
    tools::Secrets secrets({{"TOKEN", [](const Op&) -> Result<std::string> { return kTerminalToken; }}});
    const auto loaded = secrets.load(Op{});
    REQUIRE(loaded.ok());
    runner = tools::make_masking_runner(fake, *loaded);
  }

  sandbox::TerminalReport look(std::uint64_t from, std::size_t max) const {
    sandbox::TerminalWait wait;
    wait.from = from;
    wait.max = max;
    Result<sandbox::TerminalReport> result = Error{ErrorCode::internal, "no answer"};
    runner->wait_terminal(4, wait, Op{}, [&](Result<sandbox::TerminalReport> report) { result = report; });
    REQUIRE(result.ok());
    return *result;
  }
};

bool shows_token(const std::string& text) {
  constexpr std::size_t kPart = 8;
  for (std::size_t at = 0; at + kPart <= kTerminalToken.size(); ++at)
    if (text.find(std::string_view(kTerminalToken).substr(at, kPart)) != text.npos) return true;
  return false;
}

}  // namespace

TEST_CASE("windows of a terminal are slices of one masked stream", "[tools]") {
  MaskedTerminal m;
  const std::string output = "\x1b[31mtoken: " + kTerminalToken + "\r\n$ ";
  m.terminal.put_out(output);
  m.terminal.exit(0);
  const std::string whole = m.look(0, 1000).data;
  CHECK_FALSE(shows_token(whole));
  CHECK(whole.size() == output.size());
  CHECK(whole.substr(0, 12) == "\x1b[31mtoken: ");
  CHECK(whole.substr(whole.size() - 4) == "\r\n$ ");
  for (std::size_t from = 0; from < output.size(); ++from)
    for (const std::size_t max : {std::size_t{1}, std::size_t{5}, std::size_t{100}})
      CHECK(m.look(from, max).data == whole.substr(from, max));
}

TEST_CASE("a terminal that has put out a part of a secret so far shows none of it", "[tools]") {
  const std::string output = "token: " + kTerminalToken + "\r\n";
  for (std::size_t first = 0; first <= output.size(); ++first) {
    MaskedTerminal m;
    m.terminal.put_out(output.substr(0, first));
    std::string shown = m.look(0, 1000).data;
    REQUIRE(shown.size() == first);
    m.terminal.put_out(output.substr(first));
    shown += m.look(first, 1000).data;
    INFO(shown);
    CHECK_FALSE(shows_token(shown));
    CHECK(shown.size() == output.size());
  }
}

TEST_CASE("what follows lost output of a terminal shows no end of a secret", "[tools]") {
  for (std::size_t lost = 1; lost < kTerminalToken.size(); ++lost) {
    MaskedTerminal m;
    m.terminal.put_out(kTerminalToken + " and more\r\n");
    m.terminal.lose(lost);
    const auto report = m.look(0, 1000);
    CHECK((report.offset == lost && report.lost == lost));
    CHECK_FALSE(shows_token(report.data));
    CHECK(report.data.find(" and more\r\n") != std::string::npos);
  }
}
