#include "tests/support/require.h"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/eventually.h"

namespace rexec::test {
namespace {

class RequireVariable {
 public:
  explicit RequireVariable(const char* value) {
    if (const char* old = std::getenv(kName); old != nullptr) old_ = old;
    if (value != nullptr) {
      ::setenv(kName, value, 1);
    } else {
      ::unsetenv(kName);
    }
  }
  RequireVariable(const RequireVariable&) = delete;
  RequireVariable& operator=(const RequireVariable&) = delete;
  ~RequireVariable() {
    if (old_) {
      ::setenv(kName, old_->c_str(), 1);
    } else {
      ::unsetenv(kName);
    }
  }

 private:
  static constexpr const char* kName = "REXEC_REQUIRE";
  std::optional<std::string> old_;
};

TEST_CASE("nothing is required unless the environment says so", "[support]") {
  const RequireVariable none(nullptr);
  CHECK_FALSE(is_required("bwrap"));
}

TEST_CASE("a comma-separated list requires its words only", "[support]") {
  const RequireVariable list("userns,bwrap");
  CHECK(is_required("userns"));
  CHECK(is_required("bwrap"));
  CHECK_FALSE(is_required("user"));
  CHECK_FALSE(is_required("node"));
}

TEST_CASE("all requires everything", "[support]") {
  const RequireVariable all("all");
  CHECK(is_required("qemu"));
}

TEST_CASE("an unknown prerequisite is absent", "[support]") {
  CHECK_FALSE(have("unobtainium"));
}

TEST_CASE("eventually ends with the condition or with the limit", "[support]") {
  int asked = 0;
  CHECK(eventually([&] { return ++asked == 3; }));
  CHECK(asked == 3);
  CHECK_FALSE(eventually([] { return false; }, std::chrono::milliseconds(1)));
}

}  // namespace
}  // namespace rexec::test
