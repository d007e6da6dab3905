// Secrets through whole tools: what is put in, what no window shows, and what is not overwritten.
#include <array>
#include <atomic>
#include <thread>

#include "base/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/fake_output.h"
#include "tests/support/fake_tool_call.h"
#include "tools/instructions.h"
#include "tools/support/secret_patterns.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::Completion;
using sandbox::FileData;
using sandbox::FileInfo;
using sandbox::ProcessReport;
using sandbox::ProcessStatus;
using sandbox::WaitSpec;

namespace {

const std::string kToken = "s3cr3t/value=of \"one\" token";
const std::string kKey = "-----BEGIN KEY-----\nQkFTRTY0IGxvb2tpbmc\nc2Vjb25kIGxpbmU9\n-----END KEY-----";

tools::SecretSource constant(std::string name, const std::string& value) {
  return {std::move(name), [value](const Op&) -> Result<std::string> { return value; }};
}

struct SecretBench : ToolBench {
  SecretBench() { configure({constant("TOKEN", kToken), constant("KEY", kKey)}); }
};

/// The secret in every form, between other text, with lines.
std::string output_with_secrets() {
  std::string text = "before\n";
  for (const std::string& form : tools::secret_patterns(kToken)) text += "<" + form + ">\n";
  text += "%73%33cr3t%2Fvalue%3dof%20%22one%22%20token\n" + base64_encode("user:" + kToken + "!") + "\n";
  return text + kKey + "\nafter\n";
}

bool leaks(const std::string& text) {
  static const std::vector<std::string> patterns = [] {
    std::vector<std::string> all = tools::secret_patterns(kToken);
    for (const std::string& pattern : tools::secret_patterns(kKey)) all.push_back(pattern);
    return all;
  }();
  constexpr std::size_t kPart = 8;
  for (const std::string& pattern : patterns) {
    for (std::size_t at = 0; at + kPart <= pattern.size(); ++at) {
      const std::string_view part = std::string_view(pattern).substr(at, kPart);
      if (part.find("-----") == part.npos && text.find(part) != text.npos) return true;
    }
  }
  return false;
}

std::string everything(const mcp::ToolResult& result) {
  std::string all;
  for (const mcp::Content& content : result.content) all += content.text + "\n";
  // As JSON has it, and each text by itself.
  if (result.structured) {
    all += dump_json(*result.structured) + "\n";
    for (const auto& [name, value] : result.structured->items()) {
      if (value.is_string()) all += value.get<std::string>() + "\n";
    }
  }
  return all;
}

}  // namespace

TEST_CASE("no window of a process's output shows a secret, in either form of the answer", "[tools]") {
  SecretBench bench;
  const std::string output = output_with_secrets();
  FakeProcess process{output, output, ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  std::string pages;
  for (std::size_t from = 0; from < output.size(); ++from) {
    const std::string cursor = std::to_string(from) + "." + std::to_string(output.size() - from);
    const auto result = bench.run("process_read", {{"process", "p7"}, {"cursor", cursor}, {"max_chars", 1}});
    INFO("from " << from << ": " << everything(result));
    REQUIRE_FALSE(result.is_error);
    REQUIRE_FALSE(leaks(everything(result)));
    if (from < 7 || from + 6 > output.size()) continue;
    pages += result.structured->at("stdout").get<std::string>().substr(0, 1);
  }
  CHECK(pages.find("[secret TOKEN***") != pages.npos);  // single bytes of windows make up the same masks
  for (int max = 1; max < 1500; max += 7) {
    const auto result = bench.run("process_read", {{"process", "p7"}, {"max_chars", max}});
    REQUIRE_FALSE(leaks(everything(result)));
  }
  const auto whole = bench.run("exec", {{"command", "x"}});
  CHECK_THAT(text_of(whole), ContainsSubstring("before\n<[secret TOKEN"));
  CHECK_THAT(text_of(whole), ContainsSubstring("\nafter\n"));
}

TEST_CASE("a process that has written a part of a secret so far shows none of it", "[tools]") {
  SecretBench bench;
  const std::string output = "log in with " + kToken + "\n";
  for (std::size_t written = 0; written <= output.size(); ++written) {
    FakeProcess process{output.substr(0, written), "", ProcessStatus::running, 0, 0};
    process.serve(bench.runner());
    const auto first = bench.run("process_read", {{"process", "p7"}, {"cursor", "0.0"}});
    process.out = output;
    const auto next =
        bench.run("process_read", {{"process", "p7"}, {"cursor", first.structured->at("cursor")}});
    const std::string shown =
        first.structured->at("stdout").get<std::string>() + next.structured->at("stdout").get<std::string>();
    INFO(written << ": " << shown);
    CHECK_FALSE(leaks(shown));
    CHECK(shown.size() == output.size());
  }
}

TEST_CASE("what follows lost output shows no end of a secret", "[tools]") {
  SecretBench bench;
  const std::string output = kToken + " and more\n";
  for (std::size_t lost = 1; lost < kToken.size(); ++lost) {
    FakeProcess process{output, "", ProcessStatus::exited, 0, lost};
    process.serve(bench.runner());
    const auto result = bench.run("process_read", {{"process", "p7"}, {"cursor", "0.0"}});
    INFO(everything(result));
    CHECK_FALSE(leaks(everything(result)));
    CHECK_THAT(text_of(result), ContainsSubstring(" and more\n"));
  }
}

TEST_CASE("base64 pages are those of the masked bytes", "[tools]") {
  SecretBench bench;
  FakeProcess process{"key: " + kToken + "\n", "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  const auto result = bench.run("process_read", {{"process", "p7"}, {"encoding", "base64"}});
  CHECK(base64_decode(result.structured->at("stdout").get<std::string>()) ==
        "key: [secret TOKEN*************]\n");
  for (std::size_t from = 0; from < process.out.size(); ++from) {
    const auto page = bench.run("process_read", {{"process", "p7"},
                                                 {"encoding", "base64"},
                                                 {"max_chars", 12},
                                                 {"cursor", std::to_string(from) + ".0"}});
    CHECK_FALSE(leaks(*base64_decode(page.structured->at("stdout").get<std::string>())));
  }
}

TEST_CASE("a selection of lines sees masked text, so it cannot ask for a secret bit by bit", "[tools]") {
  SecretBench bench;
  FakeProcess process{"a\n" + kToken + "\n" + std::string(3 << 20, 'x') + "\n" + kToken + "\n", "",
                      ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  CHECK(bench.run("process_read", {{"process", "p7"}, {"grep", "^s3"}}).structured->at("matched_lines") == 0);
  const auto result = bench.run("process_read", {{"process", "p7"}, {"grep", "secret TOKEN"}});
  CHECK(result.structured->at("matched_lines") == 2);
  CHECK_FALSE(leaks(everything(result)));
}

TEST_CASE("no range of a file shows a secret", "[tools]") {
  SecretBench bench;
  const std::string file = output_with_secrets();
  bench.runner().on_read_file = [&](const std::string&, std::uint64_t offset, std::size_t max, const Op&,
                                    const Completion<FileData>& done) {
    FileData data;
    data.info.size = file.size();
    data.probe = "text";
    data.offset = std::min<std::uint64_t>(offset, file.size());
    data.data = file.substr(data.offset, max);
    done(std::move(data));
  };
  for (std::size_t from = 0; from < file.size(); ++from) {
    for (const std::size_t size : {1U, 9U, 100U}) {
      auto result = bench.run("read_file", {{"path", "x"}, {"offset_bytes", from}, {"max_bytes", size}});
      REQUIRE_FALSE(leaks(everything(result)));
    }
    const auto result = bench.run(
        "read_file", {{"path", "x"}, {"offset_bytes", from}, {"max_bytes", 30}, {"encoding", "base64"}});
    const std::string text = text_of(result);
    REQUIRE_FALSE(leaks(base64_decode(text.substr(0, text.find('\n'))).value_or("")));
  }

  // A line that is cut, read without what follows it.
  bench.runner().on_read_lines = [&](const std::string&, const sandbox::LineRange&, const Op&,
                                     const Completion<FileData>& done) {
    FileData data;
    data.info.size = file.size();
    data.probe = "text";
    data.offset = file.find(kKey) + 30;
    data.data = file.substr(data.offset, 12);
    data.first_line = data.lines = 1;
    data.total_lines = 9;
    done(std::move(data));
  };
  const auto lines = bench.run("read_file", {{"path", "x"}});
  CHECK_FALSE(leaks(everything(lines)));
  CHECK_THAT(text_of(lines), ContainsSubstring("**"));
}

TEST_CASE("errors, progress, command lines and violations show no secret", "[tools]") {
  SecretBench bench;
  bench.runner().on_wait = [](std::uint64_t, const WaitSpec&, const Op&,
                              const Completion<ProcessReport>& done) {
    done(Error{ErrorCode::internal, "cannot use " + std::string(1980, ' ') + kToken});
  };
  const auto failed = bench.run("process_read", {{"process", "p1"}});
  CHECK(failed.is_error);
  CHECK_FALSE(leaks(everything(failed)));

  bench.runner().on_list = [](bool, const Op&, const Completion<sandbox::ProcessEntries>& done) {
    sandbox::ProcessEntries found;
    found.entries.resize(1);
    found.entries[0].command = std::string(285, 'x') + kToken;
    done(std::move(found));
  };
  const auto listed = bench.run("process_list", Json::object());
  CHECK_FALSE(leaks(everything(listed)));
  CHECK_THAT(text_of(listed), ContainsSubstring("x[secret TOKEN"));

  FakeProcess process{"", "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  CHECK_FALSE(leaks(everything(bench.run("process_read", {{"process", kToken}}))));

  bench.limits.progress_interval = std::chrono::milliseconds(1);
  int waits = 0;
  bench.runner().on_wait = [&](std::uint64_t number, const WaitSpec&, const Op&,
                               const Completion<ProcessReport>& done) {
    done(++waits < 3 ? running_report(number, "at " + kToken + "\n") : exited_report(number, 0, ""));
  };
  bench.runner().on_start = [](const sandbox::ProcessSpec&, const WaitSpec&, const Op&,
                               const Completion<ProcessReport>& done) {
    done(running_report(7, "at " + kToken.substr(0, 12)));
  };
  const auto call = bench.begin("exec", {{"command", "x"}, {"wait_s", 60}}, true);
  REQUIRE(call->wait_result());
  REQUIRE_FALSE(call->messages().empty());
  for (const std::string& message : call->messages()) CHECK_FALSE(leaks(message));
}

TEST_CASE("exec puts the secrets into the environment that it names", "[tools]") {
  SecretBench bench;
  sandbox::ProcessSpec spec;
  bench.runner().on_start = [&](sandbox::ProcessSpec asked, const WaitSpec&, const Op&,
                                const Completion<ProcessReport>& done) {
    spec = std::move(asked);
    done(exited_report(1, 0, ""));
  };
  bench.run("exec", {{"command", "x"}, {"env", {{"A", "1"}, {"KEY", "2"}}}, {"secrets", {"KEY"}}});
  CHECK(spec.env == std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"KEY", kKey}});
  bench.run("exec", {{"command", "x"}});
  CHECK(spec.env.empty());
  const auto unknown = bench.run("exec", {{"command", "x"}, {"secrets", {"KEY", "TOKENS"}}});
  CHECK(unknown.is_error);
  CHECK_THAT(text_of(unknown), ContainsSubstring("/secrets/1"));
  CHECK_THAT(text_of(unknown), ContainsSubstring("expected one of TOKEN, KEY"));
  ToolBench without;
  CHECK_THAT(text_of(without.run("exec", {{"command", "x"}, {"secrets", {"KEY"}}})),
             ContainsSubstring("none is configured"));
}

TEST_CASE("a write of a mask is refused with the reason, and writes nothing", "[tools]") {
  SecretBench bench;
  int writes = 0;
  bench.runner().on_write_file = [&](const sandbox::WriteSpec&, const Op&,
                                     const Completion<sandbox::FileWritten>& done) {
    ++writes;
    done(sandbox::FileWritten{});
  };
  const std::string content = "token: [secret TOKEN*************]\n";
  for (const Json& arguments :
       {Json{{"path", "a"}, {"content", content}},
        Json{{"path", "a"}, {"content", base64_encode(content)}, {"encoding", "base64"}}}) {
    const auto refused = bench.run("write_file", arguments);
    CHECK(refused.is_error);
    CHECK_THAT(text_of(refused), ContainsSubstring("/content"));
    CHECK_THAT(text_of(refused), ContainsSubstring("stands for a value that answers hide"));
  }
  CHECK_THAT(text_of(bench.run("process_input", {{"process", "p1"}, {"text", content}})),
             ContainsSubstring("/text"));
  CHECK_THAT(text_of(bench.run("exec", {{"command", "cat"}, {"stdin", content}})),
             ContainsSubstring("/stdin"));
  CHECK(writes == 0);
  bench.run("write_file", {{"path", "a"}, {"content", "[secret OTHER***]"}});
  CHECK(writes == 1);
}

TEST_CASE("nothing runs while a secret cannot be read or hidden, and the next call tries again", "[tools]") {
  ToolBench bench;
  Result<std::string> value = Error{ErrorCode::not_found, "there is no such file"};
  bench.configure({{"TOKEN", [&](const Op&) { return value; }}});
  FakeProcess process{"out\n", "", ProcessStatus::exited, 0, 0};
  process.serve(bench.runner());
  const auto fails_with = [&](const std::string& text) {
    const auto result = bench.run("exec", {{"command", "x"}});
    CHECK(result.is_error);
    CHECK_THAT(text_of(result), ContainsSubstring("The secret TOKEN "));
    CHECK_THAT(text_of(result), ContainsSubstring(text));
  };
  fails_with("there is no such file");
  value = std::string("seven77");
  fails_with("shorter than 8 bytes");
  value = std::string(tools::kMaxSecretBytes + 1, 'x');
  fails_with("longer than 4096 bytes");
  value = std::string("12345678\0", 9);
  fails_with("NUL");
  CHECK(bench.runner().calls().empty());
  value = std::string("12345678");
  CHECK_FALSE(bench.run("exec", {{"command", "x"}}).is_error);
  value = Error{ErrorCode::internal, "read twice"};
  CHECK_FALSE(bench.run("exec", {{"command", "x"}}).is_error);
}

TEST_CASE("all secrets together have a limit", "[tools]") {
  std::vector<tools::SecretSource> sources;
  for (std::size_t i = 0; i <= tools::kMaxSecretsBytes / tools::kMaxSecretBytes; ++i) {
    sources.push_back(constant("S" + std::to_string(i), std::string(tools::kMaxSecretBytes, 'x')));
  }
  tools::Secrets secrets(std::move(sources));
  const auto loaded = secrets.load(Op{});
  REQUIRE_FALSE(loaded);
  CHECK_THAT(loaded.error().message, ContainsSubstring("longer than 32768 bytes"));
}

TEST_CASE("secrets are read once, however many calls want them", "[tools]") {
  std::atomic<int> reads = 0;
  tools::Secrets secrets({{"TOKEN", [&](const Op&) -> Result<std::string> {
                             ++reads;
                             return std::string("12345678");
                           }}});
  CHECK(secrets.loaded() == nullptr);
  std::array<std::thread, 8> threads;
  for (std::thread& thread : threads) thread = std::thread([&] { CHECK(secrets.load(Op{}).ok()); });
  for (std::thread& thread : threads) thread.join();
  CHECK(reads == 1);
  CHECK(secrets.loaded() != nullptr);
}

TEST_CASE("the instructions name the secrets, within their bound", "[tools]") {
  SecretBench bench;
  CHECK_THAT(tools::instructions(bench.services()), ContainsSubstring("secrets: TOKEN KEY. "));
  ToolBench many;
  std::vector<tools::SecretSource> sources;
  for (int i = 0; i < 64; ++i) sources.push_back(constant(std::string(60, 'N') + std::to_string(i), kToken));
  many.configure(std::move(sources));
  tools::Services services = many.services();
  services.defaults.home = std::string(4000, 'h');
  services.defaults.cwd = std::string(4000, 'c');
  CHECK(tools::instructions(services).size() < tools::kMaxInstructions);
}
