#include <atomic>
#include <limits>
#include <stop_token>

#include "base/json.h"
#include "mcp/uri_template.h"
#include "tests/support/catch.h"
#include "tests/support/fake_inquiry.h"
#include "tests/support/fake_sandbox.h"
#include "tools/resources/features.h"
#include "tools/resources/uris.h"

namespace rexec {
namespace {

using mcp::ResourceContents;
using test::ContainsSubstring;

struct ResourceBench {
  test::FakeSandboxManager manager;
  tools::ToolLimits limits;
  test::Asker asker;

  std::shared_ptr<mcp::ResourceProvider> provider() {
    const tools::Services services{manager, limits, tools::SandboxDefaults(), nullptr,
                                   std::make_shared<const std::vector<tools::Template>>()};
    return tools::make_resources(services);
  }
  Result<ResourceContents> read(const std::string& uri) {
    test::Answer<ResourceContents> answer;
    provider()->read(asker.inquiry(), uri, answer.reply());
    return answer.take();
  }
  std::vector<mcp::ResourceInfo> list() {
    test::Answer<std::vector<mcp::ResourceInfo>> answer;
    provider()->list(asker.inquiry(), answer.reply());
    return answer.take().value();
  }
  std::size_t sandboxes() { return manager.list({}, Op{}).value().size(); }

  /// The runner of `sandbox`, with one file of these contents wherever one looks.
  test::FakeRunner& with_file(const std::string& data, std::uint64_t size = 0,
                              const std::string& sandbox = "default") {
    test::FakeRunner& runner = manager.runner(sandbox);
    sandbox::FileInfo info;
    info.size = size == 0 ? data.size() : size;
    runner.on_stat_file = [info](auto, auto, auto, auto done) { done(info); };
    runner.on_read_file = [info, data](auto, auto, std::size_t max, auto, auto done) {
      sandbox::FileData read;
      read.info = info;
      read.data = data.substr(0, max);
      read.probe = data.substr(0, 512);
      done(std::move(read));
    };
    return runner;
  }
};

sandbox::FileInfo info_of(sandbox::FileType type) {
  sandbox::FileInfo info;
  info.type = type;
  return info;
}

}  // namespace

TEST_CASE("what is published is complete and matches what is served", "[tools]") {
  REQUIRE(tools::published_resources().size() == 1);
  REQUIRE(tools::published_resources().front().uri == "rexec://about");
  REQUIRE(tools::published_templates().size() == 4);
  for (const mcp::ResourceInfo& info : tools::published_templates()) {
    const auto parsed = mcp::UriTemplate::parse(info.uri);
    REQUIRE(parsed);
    CHECK(tools::parse_resource_uri(
        parsed->expand({{"sandbox", "x"}, {"path", "y"}, {"process", "p1"}, {"terminal", "t1"}})));
    CHECK_FALSE(info.name.empty());
    CHECK_FALSE(info.title.empty());
    CHECK_FALSE(info.description.empty());
  }
}

TEST_CASE("a list shows the description of the server and the homes of running sandboxes", "[tools]") {
  ResourceBench bench;
  REQUIRE(bench.list().size() == 1);
  bench.manager.runner("work");
  bench.manager.runner("agent:box");
  REQUIRE(bench.manager.control({}, "work", sandbox::ControlAction::stop, {}, Op{}));
  const auto listed = bench.list();
  REQUIRE(listed.size() == 2);
  CHECK(listed[0].uri == "rexec://about");
  CHECK(listed[1].uri == "rexec://agent%3Abox/files/~");
}

TEST_CASE("about tells limits and sandboxes, and makes none", "[tools]") {
  ResourceBench bench;
  auto about = bench.read("rexec://about").value();
  CHECK(about.mime_type == "text/markdown");
  CHECK_THAT(about.data, ContainsSubstring("at most 400000"));
  CHECK_THAT(about.data, ContainsSubstring("None yet"));
  CHECK(bench.sandboxes() == 0);
  bench.manager.runner("work");
  CHECK_THAT(bench.read("rexec://about").value().data, ContainsSubstring("work · running · fake"));
}

TEST_CASE("reading makes no sandbox", "[tools]") {
  ResourceBench bench;
  for (const char* uri :
       {"rexec://default/files/~", "rexec://default/processes/p1/output", "rexec://other/files/a",
        "rexec://default/terminals/t1/screen", "rexec://", "rexec://default", "file:///etc/passwd",
        "rexec://default/processes/7/output", "rexec://default/processes/p0/output"}) {
    INFO(uri);
    const auto read = bench.read(uri);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::not_found);
  }
  CHECK(bench.sandboxes() == 0);
}

TEST_CASE("a path is absolute, from the home, or from the cwd", "[tools]") {
  ResourceBench bench;
  const test::FakeRunner& runner = bench.with_file("x");
  for (const char* path : {"/etc/hosts", "~/a%20b", "notes/c", ""}) {
    REQUIRE(bench.read(std::string("rexec://default/files/") + path));
  }
  std::vector<std::string> looked;
  for (const std::string& call : runner.calls()) {
    if (call.starts_with("stat_file ")) looked.push_back(call.substr(10));
  }
  REQUIRE(looked.size() == 4);
  CHECK(looked[0] == "/etc/hosts");
  CHECK(looked[1] == "/home/user/a b");
  CHECK(looked[2] == "/home/user/notes/c");
  CHECK_THAT(looked[3], ContainsSubstring("/home/user"));
}

TEST_CASE("a path that cannot be one is refused", "[tools]") {
  ResourceBench bench;
  bench.with_file("x");
  CHECK(bench.read("rexec://default/files/a%00b").error().code == ErrorCode::invalid_argument);
  CHECK(bench.read("rexec://default/files/" + std::string(4096, 'a')).error().code ==
        ErrorCode::invalid_argument);
}

TEST_CASE("text is exact, and says what is missing when it is cut", "[tools]") {
  ResourceBench bench;
  bench.limits.read_cap = 1000;
  bench.with_file("one\ntwo\n");
  auto text = bench.read("rexec://default/files/a").value();
  CHECK(text.mime_type == "text/plain");
  CHECK_FALSE(text.binary);
  CHECK(text.data == "one\ntwo\n");
  bench.with_file(std::string(5000, 'x'));
  text = bench.read("rexec://default/files/a").value();
  CHECK_THAT(text.data, ContainsSubstring("bytes 0-999 of 5000"));
  CHECK_THAT(text.data, ContainsSubstring("\"offset_bytes\":1000"));
}

TEST_CASE("binary files and images are exact, or too large", "[tools]") {
  ResourceBench bench;
  bench.limits.read_cap = 1000;
  const std::string binary("\0\1\2\xff", 4);
  bench.with_file(binary);
  auto contents = bench.read("rexec://default/files/a").value();
  CHECK(contents.binary);
  CHECK(contents.mime_type == "application/octet-stream");
  CHECK(contents.data == binary);
  bench.with_file("\x89PNG\r\n\x1a\n");
  contents = bench.read("rexec://default/files/a").value();
  CHECK(contents.binary);
  CHECK(contents.mime_type == "image/png");
  bench.with_file(std::string(1001, '\0'));
  const auto large = bench.read("rexec://default/files/a");
  REQUIRE_FALSE(large);
  CHECK(large.error().code == ErrorCode::resource_exhausted);
  CHECK_THAT(large.error().message, ContainsSubstring("at most 1000"));
}

TEST_CASE("what is no file says what it is", "[tools]") {
  ResourceBench bench;
  test::FakeRunner& runner = bench.manager.runner();
  runner.on_stat_file = [](auto, auto, auto, auto done) { done(Error{ErrorCode::not_found, "ENOENT"}); };
  CHECK(bench.read("rexec://default/files/a").error().code == ErrorCode::not_found);
  runner.on_stat_file = [](auto, auto, auto, auto done) { done(info_of(sandbox::FileType::other)); };
  CHECK_THAT(bench.read("rexec://default/files/a").error().message, ContainsSubstring("device"));
  runner.on_stat_file = [](auto, auto, auto, auto done) { done(Error{ErrorCode::data_loss, "it died"}); };
  CHECK(bench.read("rexec://default/files/a").error().code == ErrorCode::not_found);
}

TEST_CASE("the output of a process is that of process_read", "[tools]") {
  ResourceBench bench;
  bench.limits.read_cap = 4000;
  test::FakeRunner& runner = bench.manager.runner("work");
  runner.on_wait = [](std::uint64_t process, auto, auto, auto done) {
    if (process != 7) return done(Error{ErrorCode::not_found, "no such process"});
    done(test::exited_report(7, 3, "out\n", "err\n"));
  };
  const auto output = bench.read("rexec://work/processes/p7/output").value();
  CHECK(output.mime_type == "text/plain");
  CHECK_THAT(output.data, ContainsSubstring("out\n[stderr]\nerr\n[exit 3"));
  CHECK(bench.read("rexec://work/processes/p8/output").error().code == ErrorCode::not_found);

  runner.on_wait = [](auto, auto, auto, auto done) {
    done(test::exited_report(7, 0, std::string(100'000, 'x')));
  };
  const auto cut = bench.read("rexec://work/processes/p7/output").value();
  CHECK(cut.data.size() < 5000);
  CHECK_THAT(cut.data, ContainsSubstring("process_read"));
  CHECK_THAT(cut.data, ContainsSubstring("\"sandbox\":\"work\""));
}

TEST_CASE("a watch fires once, when the process ends", "[tools]") {
  ResourceBench bench;
  test::FakeRunner& runner = bench.manager.runner();
  sandbox::Completion<sandbox::ProcessReport> ending;
  runner.on_wait = [&](auto, const sandbox::WaitSpec& spec, auto, auto done) {
    if (spec.until == sandbox::Until::now) return done(test::running_report(7, ""));
    ending = std::move(done);
  };
  std::atomic<int> changed = 0;
  test::Answer<std::unique_ptr<mcp::ResourceWatch>> answer;
  bench.provider()->watch(
      bench.asker.inquiry(), "rexec://default/processes/p7/output", [&] { ++changed; }, answer.reply());
  const auto watch = answer.take();
  REQUIRE(watch);
  REQUIRE(changed == 0);
  // The wait in the runner is over, the process is not.
  std::exchange(ending, nullptr)(test::running_report(7, "more"));
  REQUIRE(changed == 0);
  REQUIRE(ending);
  std::exchange(ending, nullptr)(test::exited_report(7, 0, "more"));
  REQUIRE(changed == 1);
  REQUIRE_FALSE(ending);
}

TEST_CASE("a watch fires when its sandbox is lost", "[tools]") {
  ResourceBench bench;
  test::FakeRunner& runner = bench.manager.runner();
  runner.on_wait = [&](auto, const sandbox::WaitSpec& spec, auto, auto done) {
    if (spec.until == sandbox::Until::now) return done(test::running_report(7, ""));
    done(Error{ErrorCode::data_loss, "it died"});
  };
  int changed = 0;
  test::Answer<std::unique_ptr<mcp::ResourceWatch>> answer;
  bench.provider()->watch(
      bench.asker.inquiry(), "rexec://default/processes/p7/output", [&] { ++changed; }, answer.reply());
  REQUIRE(answer.take());
  REQUIRE(changed == 1);
}

TEST_CASE("a watch that is let go of gives its wait up and stays silent", "[tools]") {
  ResourceBench bench;
  test::FakeRunner& runner = bench.manager.runner();
  std::shared_ptr<void> waiting;
  int given_up = 0;
  runner.on_wait = [&](auto, const sandbox::WaitSpec& spec, const Op& op, auto done) {
    if (spec.until == sandbox::Until::now) return done(test::running_report(7, ""));
    waiting = test::give_up_by_op<sandbox::ProcessReport>(
        op, [&given_up, done](Result<sandbox::ProcessReport> report) {
          ++given_up;
          done(std::move(report));
        });
  };
  int changed = 0;
  test::Answer<std::unique_ptr<mcp::ResourceWatch>> answer;
  bench.provider()->watch(
      bench.asker.inquiry(), "rexec://default/processes/p7/output", [&] { ++changed; }, answer.reply());
  auto watch = answer.take();
  REQUIRE(watch);
  bench.asker.give_up();  // the end of the request is not the end of the subscription
  REQUIRE(given_up == 0);
  watch->reset();
  REQUIRE(given_up == 1);
  REQUIRE(changed == 0);
}

TEST_CASE("only outputs of processes that exist can be watched", "[tools]") {
  ResourceBench bench;
  const auto watch = [&](const std::string& uri) {
    test::Answer<std::unique_ptr<mcp::ResourceWatch>> answer;
    bench.provider()->watch(
        bench.asker.inquiry(), uri, [] {}, answer.reply());
    return answer.take().error().code;
  };
  CHECK(watch("rexec://default/processes/p7/output") == ErrorCode::not_found);
  CHECK(bench.sandboxes() == 0);
  bench.manager.runner().on_wait = [](auto, auto, auto, auto done) {
    done(Error{ErrorCode::not_found, "no such process"});
  };
  CHECK(watch("rexec://default/processes/p7/output") == ErrorCode::not_found);
  CHECK(watch("rexec://about") == ErrorCode::unsupported);
  CHECK(watch("rexec://default/files/a") == ErrorCode::unsupported);
}

}  // namespace rexec
