// Tests that need more than a compiler say so, and are skipped where it is missing - unless the environment
// variable REXEC_REQUIRE names it (a comma-separated list, or "all"): then its absence is a failure, so that
// a CI machine cannot lose tests unnoticed.
//
//   userns   an unprivileged user namespace can be made and mapped
//   bwrap    bubblewrap starts a sandbox
//   node     node runs
//   patch    patch and git run
//   python3  python3 runs
//   qemu     qemu's user mode for aarch64 runs, or the machine is an aarch64
//   root     the test runs as root
//   arm64    there is a C++ compiler that targets aarch64
#pragma once

#include <string_view>

namespace rexec::test {

/// Whether this machine has the prerequisite `name`; probed once per process. Unknown names are absent.
bool have(std::string_view name);

/// Whether REXEC_REQUIRE asks for `name`.
bool is_required(std::string_view name);

/// What REXEC_SKIP_WITHOUT calls: true to go on; false, after a warning, to skip; fails the test when `name`
/// is absent but required, and when it is not one of the names above.
bool present_or_skip(std::string_view name);

}  // namespace rexec::test

/// Leaves the test case (or other void function) when the machine lacks `name`.
#define REXEC_SKIP_WITHOUT(name) \
  if (!::rexec::test::present_or_skip(name)) return
