#include "sandbox-client/local/isolation.h"

#include <unistd.h>

#include "tests/support/catch.h"

namespace rexec::sandbox {

TEST_CASE("facts of a process are read from its status", "[local]") {
  const ProcessFacts facts = parse_status(
      "Name:\trunner\nPPid:\t77\nUid:\t64434\t64434\t64434\t64434\nNSpid:\t81\t1\nCapInh:\t0000000000000000\n"
      "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:"
      "\t0000000000000000\n"
      "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n");
  CHECK(facts.parent == 77);
  CHECK(facts.uids == std::vector<uid_t>(4, 64434));
  CHECK(facts.innermost_pid == 1);
  CHECK(facts.no_new_privileges == 1);
  CHECK(facts.no_capabilities);
  CHECK(is_sealed(facts));
}

TEST_CASE("facts that are not there satisfy nobody", "[local]") {
  for (const char* text : {"", "\n\n", "Seccomp:", "Seccomp:\tx\nCapEff:\t0", "Seccomp:\t22\n", ":\n:::"}) {
    const ProcessFacts facts = parse_status(text);
    CHECK_FALSE(is_sealed(facts));
    CHECK_FALSE(facts.no_capabilities);
    CHECK(facts.no_new_privileges != 1);
    CHECK(facts.innermost_pid != 1);
  }
  CHECK_FALSE(parse_status("CapInh:\t0\nCapPrm:\t0\nCapEff:\t1\nCapBnd:\t0\nCapAmb:\t0\n").no_capabilities);
}

TEST_CASE("a process that shares our namespaces is not isolated, and the error says what is missing",
          "[local]") {
  const auto verified = verify_isolation(getpid(), geteuid(), Network::none);
  REQUIRE_FALSE(verified);
  CHECK(verified.error().code == ErrorCode::failed_precondition);
  for (const char* part : {"user namespace", "pid namespace", "mount namespace", "ipc namespace",
                           "uts namespace", "net namespace", "seccomp filter", "pid 1"})
    CHECK_THAT(verified.error().message, test::ContainsSubstring(part));
}

TEST_CASE("the network namespace is not missed when the host's network is wanted", "[local]") {
  const auto verified = verify_isolation(getpid(), geteuid(), Network::host);
  REQUIRE_FALSE(verified);
  CHECK(verified.error().message.find("net namespace") == std::string::npos);
}

}  // namespace rexec::sandbox
