#include "sandbox-client/local/resource_limits.h"

#include "tests/support/catch.h"

namespace rexec::sandbox {

TEST_CASE("hard limits are read from the kernel's table", "[local]") {
  constexpr const char* kTable =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max core file size        0                    0                    bytes     \n"
      "Max processes             4096                 5000                 processes \n"
      "Max open files            1024                 unlimited            files     \n"
      "Max cpu time";
  CHECK(parse_hard_limit(kTable, "Max processes") == std::uint64_t{5000});
  CHECK(parse_hard_limit(kTable, "Max core file size") == std::uint64_t{0});
  CHECK_FALSE(parse_hard_limit(kTable, "Max open files"));
  CHECK_FALSE(parse_hard_limit(kTable, "Max cpu time"));
  CHECK_FALSE(parse_hard_limit(kTable, "Max stack size"));
  CHECK_FALSE(parse_hard_limit("", "Max processes"));
}

}  // namespace rexec::sandbox
