#include "base/encoding.h"
#include "base/utf8.h"
#include "tests/support/catch.h"
#include "tests/support/fake_output.h"
#include "tests/support/fake_tool_call.h"
#include "tests/support/numbered_lines.h"

using namespace rexec;
using namespace rexec::test;
using namespace std::chrono_literals;
using rexec::test::ContainsSubstring;
using rexec::test::EndsWith;
using sandbox::Completion;
using sandbox::ProcessReport;
using sandbox::ProcessStatus;
using sandbox::WaitSpec;

namespace {

WaitSpec asked_for(Json arguments) {
  ToolBench bench;
  WaitSpec asked;
  arguments["process"] = "p7";
  bench.runner().on_wait = [&](std::uint64_t process, const WaitSpec& wait, const Op&,
                               const Completion<ProcessReport>& done) {
    asked = wait;
    done(exited_report(process, 0, ""));
  };
  bench.run("process_read", std::move(arguments));
  return asked;
}

}  // namespace

TEST_CASE("process_read without a cursor shows both ends, with one the next page", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(3000), "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  auto result = bench.run("process_read", {{"process", "p7"}, {"max_chars", 2000}});
  CHECK(result.structured->contains("gap_cursor"));
  CHECK_FALSE(result.structured->contains("more"));
  CHECK_THAT(text_of(result), EndsWith("line 3000\n[exit 0 · 2 ms]"));

  std::string text;
  Json cursor = "0.0";
  for (bool more = true; more;) {
    result = bench.run("process_read", {{"process", "p7"}, {"max_chars", 2000}, {"cursor", cursor}});
    REQUIRE_FALSE(result.is_error);
    CHECK(utf8_length(text_of(result)) <= 2000);
    const Json& json = *result.structured;
    CHECK_FALSE(json.contains("gap_cursor"));
    text += json["stdout"].get<std::string>();
    more = json.contains("more");
    REQUIRE(json["cursor"] != cursor);
    cursor = json["cursor"];
    if (more) {
      CHECK_THAT(text_of(result),
                 EndsWith(" — read more with process_read {\"process\":\"p7\",\"cursor\":\"" +
                          cursor.get<std::string>() + "\"}]"));
      CHECK(json["omitted_bytes"] == process.out.size() - text.size());
    }
  }
  CHECK(text == process.out);
}

TEST_CASE("the missing part is read from the gap cursor on", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(3000), numbered_lines(500), ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  const auto cut = bench.run("process_read", {{"process", "p7"}, {"max_chars", 3000}});
  const Json gap = cut.structured->at("gap_cursor");
  const auto next = bench.run("process_read", {{"process", "p7"}, {"cursor", gap}});
  const std::string head = cut.structured->at("stdout").get<std::string>();
  const std::size_t at = head.find("[…");
  REQUIRE(at != std::string::npos);
  CHECK(process.out.substr(at, 200) == next.structured->at("stdout").get<std::string>().substr(0, 200));
  CHECK(process.err.substr(cut.structured->at("stderr").get<std::string>().find("[…"), 100) ==
        next.structured->at("stderr").get<std::string>().substr(0, 100));
}

TEST_CASE("only the stream that was asked for advances the cursor", "[tools]") {
  ToolBench bench;
  FakeProcess process{"out\n", "err\n", ProcessStatus::running, 0, 0};
  process.serve(bench.runner());
  const auto result = bench.run("process_read", {{"process", "p7"}, {"stream", "stderr"}, {"cursor", "1.1"}});
  CHECK(result.structured->at("stderr") == "rr\n");
  CHECK_FALSE(result.structured->contains("stdout"));
  CHECK(result.structured->at("cursor") == "1.4");
  CHECK_THAT(text_of(result), ContainsSubstring(R"({"process":"p7","stream":"stderr","cursor":"1.4"})"));
}

TEST_CASE("base64 gives exact bytes, forward", "[tools]") {
  ToolBench bench;
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 31);
  FakeProcess process{bytes, "e\xff", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  std::string out;
  std::string err;
  Json arguments = {{"process", "p7"}, {"encoding", "base64"}, {"max_chars", 1000}};
  for (bool more = true; more;) {
    const auto result = bench.run("process_read", arguments);
    REQUIRE_FALSE(result.is_error);
    CHECK(text_of(result).size() <= 1100);
    const Json& json = *result.structured;
    CHECK(json["encoding"] == "base64");
    out += base64_decode(json["stdout"].get<std::string>()).value();
    err += base64_decode(json["stderr"].get<std::string>()).value();
    more = json.contains("more");
    arguments["cursor"] = json["cursor"];
  }
  CHECK(out == bytes);
  CHECK(err == process.err);
  const auto bad = bench.run("process_read", {{"process", "p7"}, {"encoding", "base64"}, {"grep", "x"}});
  CHECK(bad.is_error);
  CHECK_THAT(text_of(bad), ContainsSubstring("/grep"));
}

TEST_CASE("process_read waits for output or for the end", "[tools]") {
  CHECK(asked_for(Json::object()).until == sandbox::Until::now);
  CHECK(asked_for({{"wait_s", 3}}).until == sandbox::Until::output);
  const WaitSpec exit = asked_for({{"wait_s", 1000}, {"until", "exit"}, {"cursor", "5.6"}});
  CHECK(exit.until == sandbox::Until::exit);
  CHECK(exit.wait <= 300s);
  CHECK(exit.wait > 299s);
  CHECK(exit.from == std::array<std::uint64_t, 2>{5, 6});
  CHECK(exit.tail == 0);
  CHECK(asked_for({{"stream", "stdout"}}).wanted == std::array<bool, 2>{true, false});
}

TEST_CASE("a selection covers all that is kept from the cursor on", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(200'000), "", ProcessStatus::running, 0, 1'000'000};
  process.serve(bench.runner());
  auto result = bench.run("process_read", {{"process", "p7"}, {"tail_lines", 1}});
  CHECK(result.structured->at("stdout") == "line 200000\n");
  CHECK(result.structured->at("lost_bytes") == 1'000'000);
  CHECK_THAT(text_of(result), ContainsSubstring("[1000000 bytes before this are no longer kept]"));
  CHECK(result.structured->at("cursor") == std::to_string(process.out.size()) + ".0");
  process.kept_from = 0;
  result = bench.run("process_read", {{"process", "p7"}, {"cursor", "7.0"}, {"head_lines", 1}});
  CHECK(result.structured->at("stdout") == "line 2\n");
}

TEST_CASE("a line that is still being written is not missed by the next selection", "[tools]") {
  ToolBench bench;
  FakeProcess process{"one\nt", "", ProcessStatus::running, 0, 0};
  process.serve(bench.runner());
  auto result = bench.run("process_read", {{"process", "p7"}, {"grep", "two"}});
  CHECK(result.structured->at("matched_lines") == 0);
  const Json cursor = result.structured->at("cursor");
  CHECK(cursor == "4.0");
  process.out += "wo\n";
  result = bench.run("process_read", {{"process", "p7"}, {"grep", "two"}, {"cursor", cursor}});
  CHECK(result.structured->at("stdout") == "two\n");
}

TEST_CASE("a page over lost output says what is gone", "[tools]") {
  ToolBench bench;
  FakeProcess process{numbered_lines(100), "", ProcessStatus::exited, 0, 700};
  process.serve(bench.runner());
  const auto result = bench.run("process_read", {{"process", "p7"}, {"cursor", "100.0"}});
  CHECK(result.structured->at("lost_bytes") == 600);
  CHECK_THAT(text_of(result), ContainsSubstring("[600 bytes before this are no longer kept]"));
  CHECK(result.structured->at("stdout") == process.out.substr(700));
}

TEST_CASE("process_read says what to do about a process that is not there", "[tools]") {
  ToolBench bench;
  bench.runner().on_wait = [](std::uint64_t, const WaitSpec&, const Op&,
                              const Completion<ProcessReport>& done) {
    done(Error{ErrorCode::not_found, "no such process"});
  };
  auto result = bench.run("process_read", {{"process", "p9"}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("There is no process p9"));
  CHECK_THAT(text_of(result), ContainsSubstring("process_list"));
  result = bench.run("process_read", {{"process", "9"}, {"cursor", "x"}});
  CHECK_THAT(text_of(result), ContainsSubstring("/process"));
  CHECK_THAT(text_of(result), ContainsSubstring("/cursor"));
}
