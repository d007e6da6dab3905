#include "tests/support/catch.h"
#include "tests/support/fake_tool_call.h"

using namespace rexec;
using namespace rexec::test;
using rexec::test::ContainsSubstring;
using sandbox::Completion;
using sandbox::FileWritten;
using sandbox::WriteSpec;

namespace {

struct WriteBench : ToolBench {
  WriteSpec spec;
  Result<FileWritten> answer = FileWritten{"/home/user/a.txt", 14, true, std::string(64, 'a')};

  WriteBench() {
    runner().on_write_file = [this](WriteSpec asked, const Op&, const Completion<FileWritten>& done) {
      spec = std::move(asked);
      done(answer);
    };
  }
  mcp::ToolResult write(Json arguments) {
    if (!arguments.contains("path")) arguments["path"] = "a.txt";
    if (!arguments.contains("content")) arguments["content"] = "x";
    return run("write_file", std::move(arguments));
  }
};

}  // namespace

TEST_CASE("write_file answers in both forms", "[tools]") {
  WriteBench bench;
  const auto result = bench.write({{"content", "one\ntwo\nthree\n"}});
  CHECK(text_of(result) == "[created /home/user/a.txt · 14 bytes · sha256 " + std::string(64, 'a') + "]");
  CHECK(*result.structured == Json{{"sandbox", "default"},
                                   {"path", "/home/user/a.txt"},
                                   {"bytes", 14},
                                   {"created", true},
                                   {"sha256", std::string(64, 'a')}});
  CHECK(bench.spec.path == "/home/user/a.txt");
  CHECK(bench.spec.content == "one\ntwo\nthree\n");
  CHECK(bench.spec.create_parents);
  CHECK_FALSE(bench.spec.append);
  CHECK_FALSE(bench.spec.mode);
  bench.answer = FileWritten{"/a", 1, false, ""};
  CHECK_THAT(text_of(bench.write(Json::object())), ContainsSubstring("[replaced /a"));
  CHECK_THAT(text_of(bench.write({{"append", true}})), ContainsSubstring("[appended to /a"));
}

TEST_CASE("write_file passes on mode, encoding and expectation", "[tools]") {
  WriteBench bench;
  bench.write({{"mode", "0755"},
               {"content", "AP8="},
               {"encoding", "base64"},
               {"create_parents", false},
               {"expect_sha256", std::string(64, 'A')}});
  CHECK(bench.spec.mode == std::optional<unsigned>(0755));
  CHECK(bench.spec.content == std::string("\0\xff", 2));
  CHECK_FALSE(bench.spec.create_parents);
  CHECK(bench.spec.expect_sha256 == std::string(64, 'a'));
  bench.write({{"expect_sha256", "absent"}});
  CHECK(bench.spec.expect_sha256 == "absent");
}

TEST_CASE("write_file refuses what cannot be", "[tools]") {
  WriteBench bench;
  for (const char* mode : {"", "rwx", "888", "77777", "0o755", "755 "}) {
    CHECK_THAT(text_of(bench.write({{"mode", mode}})), ContainsSubstring("/mode"));
  }
  for (const std::string& digest :
       {std::string(), std::string(63, 'a'), std::string(64, 'g'), std::string("Absent")}) {
    CHECK_THAT(text_of(bench.write({{"expect_sha256", digest}})), ContainsSubstring("/expect_sha256"));
  }
  CHECK_THAT(text_of(bench.write({{"content", "x"}, {"encoding", "base64"}})), ContainsSubstring("/content"));
  CHECK_THAT(text_of(bench.write({{"path", ""}})), ContainsSubstring("/path"));
  CHECK(bench.runner().calls().empty());
}

TEST_CASE("a file that is not what was expected is not written", "[tools]") {
  WriteBench bench;
  bench.answer = Error{ErrorCode::failed_precondition, "the file has another digest"};
  const auto result = bench.write({{"expect_sha256", std::string(64, 'a')}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("Nothing was written: the file has another digest"));
  CHECK_THAT(text_of(result), ContainsSubstring("read_file, then decide"));
}

TEST_CASE("a directory that is missing and not to be made is said to be", "[tools]") {
  WriteBench bench;
  bench.answer = Error{ErrorCode::not_found, "open: no such file or directory"};
  const auto result = bench.write({{"path", "x/y"}, {"create_parents", false}});
  CHECK(result.is_error);
  CHECK_THAT(text_of(result), ContainsSubstring("the directory of \"/home/user/x/y\" does not exist"));
}
