#include "tools/instructions.h"

#include "tests/support/catch.h"
#include "tests/support/fake_sandbox.h"

using namespace rexec;
using rexec::test::ContainsSubstring;

TEST_CASE("instructions describe the sandbox that there will be", "[tools]") {
  test::FakeSandboxManager manager;
  tools::Services services{manager, {}};
  std::string text = tools::instructions(services);
  CHECK_THAT(text, ContainsSubstring("no network; sandbox_create with network:\"host\""));
  CHECK_THAT(text, ContainsSubstring("/home/user (~); relative paths start there"));
  CHECK_THAT(text, ContainsSubstring("default 30000"));
  static_cast<test::FakeBackend&>(manager.backend()).can.network_host = false;
  CHECK_THAT(tools::instructions(services), ContainsSubstring("none can be had"));
  services.defaults.network = sandbox::Network::host;
  services.defaults.cwd = "/workspace";
  text = tools::instructions(services);
  CHECK_THAT(text, ContainsSubstring("has the network of the host"));
  CHECK_THAT(text, ContainsSubstring("start at /workspace, a directory of the user's machine"));
}

TEST_CASE("instructions fit their bound whatever is configured", "[tools]") {
  test::FakeSandboxManager manager;
  tools::Services services{manager, {}};
  CHECK(tools::instructions(services).size() < tools::kMaxInstructions);
  services.defaults.home = std::string(4000, 'h');
  services.defaults.cwd = std::string(4000, 'c');
  services.limits.default_chars = 400'000;
  services.limits.max_wait = std::chrono::hours(1000);
  CHECK(tools::instructions(services).size() < tools::kMaxInstructions);
}
