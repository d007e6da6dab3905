#include "sandbox-client/local/host_check.h"

#include "tests/support/catch.h"

namespace rexec::sandbox {
namespace {

HostFacts facts_with(void (*change)(HostFacts&)) {
  HostFacts facts;
  change(facts);
  return facts;
}

}  // namespace

TEST_CASE("each reason why bubblewrap fails has its remedy", "[local]") {
  const HostFacts plain;
  const HostFacts ubuntu = facts_with([](HostFacts& facts) { facts.apparmor_restriction = 1; });
  const HostFacts debian = facts_with([](HostFacts& facts) { facts.unprivileged_userns_clone = 0; });
  const HostFacts none_left = facts_with([](HostFacts& facts) { facts.max_user_namespaces = 0; });
  const HostFacts container = facts_with([](HostFacts& facts) { facts.container = true; });
  const HostFacts setuid = facts_with([](HostFacts& facts) { facts.bubblewrap_is_setuid = true; });
  struct Case {
    const char* messages;
    const HostFacts& facts;
    const char* remedy;
  };
  const Case cases[] = {
      {"bwrap: setting up uid map: Permission denied", ubuntu, "/etc/apparmor.d/bwrap"},
      {"bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", ubuntu, "/etc/apparmor.d/bwrap"},
      {"bwrap: No permissions to create a new namespace, likely because …", debian,
       "unprivileged_userns_clone=1"},
      {"bwrap: Creating new namespace failed: No space left on device", none_left, "max_user_namespaces="},
      {"bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded "
       "(ENOSPC)",
       plain, "max_user_namespaces="},
      {"bwrap: Can't mount proc on /newroot/proc: Operation not permitted", container,
       "systempaths=unconfined"},
      {"bwrap: No permissions to create a new namespace, likely because …", container, "seccomp=unconfined"},
      {"bwrap: Creating new namespace failed: Operation not permitted", container, "seccomp=unconfined"},
      {"bwrap: Unknown option --disable-userns", plain, "0.8.0"},
      {"bwrap: --disable-userns is not supported", setuid, "chmod u-s"},
      {"bwrap: Can't find source path /root/x: Permission denied", plain, "REXEC_STATE_DIR"},
      {"bwrap: pivot_root: Invalid argument", plain, "root file system"},
      {"bwrap: Creating new namespace failed, likely because the kernel does not support user namespaces.",
       plain, "CONFIG_USER_NS"},
      {"bwrap: No permissions to create a new namespace, likely because …", plain, "chroot"},
      {"something new", plain, "--unshare-all"},
      {"", plain, "--unshare-all"},
  };
  for (const Case& entry : cases) {
    CAPTURE(entry.messages);
    CHECK_THAT(remedy_for(entry.messages, entry.facts), test::ContainsSubstring(entry.remedy));
    CHECK_THAT(remedy_for(entry.messages, entry.facts), !test::ContainsSubstring("backend"));
    const Error error = bubblewrap_failure(entry.messages, entry.facts);
    CHECK(error.code == ErrorCode::failed_precondition);
    CHECK_THAT(error.message, test::ContainsSubstring(entry.messages));
  }
}

TEST_CASE("bubblewrap's version is read and compared", "[local]") {
  CHECK(parse_bubblewrap_version("bubblewrap 0.8.0\n") == "0.8.0");
  CHECK_FALSE(parse_bubblewrap_version("bwrap 0.8.0"));
  CHECK_FALSE(parse_bubblewrap_version(""));
  for (const char* version : {"0.8.0", "0.9", "0.11.1", "1.0", "10.2.3"}) CHECK(is_recent_enough(version));
  for (const char* version : {"0.7.9", "0.6.1", "", "x", "0"}) CHECK_FALSE(is_recent_enough(version));
}

TEST_CASE("a bubblewrap that is not there says how to get it", "[local]") {
  const auto missing = find_bubblewrap("/nonexistent/bwrap");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::failed_precondition);
  CHECK_THAT(missing.error().message, test::ContainsSubstring("/nonexistent/bwrap"));
  CHECK(find_bubblewrap("/bin/sh").value() == "/bin/sh");
}

}  // namespace rexec::sandbox
