#include "app/copy_operands.h"

#include "tests/support/catch.h"

using namespace rexec::app;
using rexec::test::ContainsSubstring;

namespace {

std::string operand_error(const std::string& source, const std::string& destination) {
  const auto plan = plan_copy(source, destination);
  return plan ? "" : plan.error().message;
}

}  // namespace

TEST_CASE("the one of SRC and DST that names a sandbox says where the copy goes", "[app]") {
  const auto in = plan_copy("dir/a", "work:/tmp/a:b");
  REQUIRE(in.ok());
  CHECK((in->into_sandbox && in->sandbox == "work" && in->sandbox_path == "/tmp/a:b" &&
         in->host_path == "dir/a"));
  const auto out = plan_copy("w-1:x/.", "/home/a");
  REQUIRE(out.ok());
  CHECK((!out->into_sandbox && out->sandbox == "w-1" && out->sandbox_path == "x/." &&
         out->host_path == "/home/a"));
}

TEST_CASE("nothing after the colon is the working directory of the sandbox", "[app]") {
  CHECK(plan_copy("a", "work:")->sandbox_path == ".");
}

TEST_CASE("a colon behind a slash belongs to a path of this machine", "[app]") {
  CHECK(plan_copy("./a:b", "work:x")->host_path == "./a:b");
  CHECK(plan_copy("work:x", "/a:b")->host_path == "/a:b");
  CHECK(plan_copy("dir/a:b", "work:x")->host_path == "dir/a:b");
}

TEST_CASE("a hyphen is standard input or output", "[app]") {
  CHECK(plan_copy("-", "work:x")->host_path.empty());
  CHECK(plan_copy("work:x", "-")->host_path.empty());
  CHECK(plan_copy("./-", "work:x")->host_path == "./-");
}

TEST_CASE("what is no copy between a sandbox and this machine is refused", "[app]") {
  CHECK_THAT(operand_error("a", "b"), ContainsSubstring("NAME:PATH"));
  CHECK_THAT(operand_error("a:x", "b:y"), ContainsSubstring("two steps"));
  CHECK_THAT(operand_error("A:x", "b:y"), ContainsSubstring("./A:x"));
  CHECK_THAT(operand_error(":x", "b:y"), ContainsSubstring("./:x"));
  CHECK_THAT(operand_error("", "b:y"), ContainsSubstring("empty"));
  CHECK_THAT(operand_error("b:y", ""), ContainsSubstring("empty"));
}
