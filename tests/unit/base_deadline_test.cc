#include "base/deadline.h"

#include <climits>

#include "tests/support/catch.h"

namespace rexec {
namespace {

using namespace std::chrono_literals;

TEST_CASE("an infinite deadline never passes and waits for ever", "[base][deadline]") {
  const Deadline never = Deadline::infinite();
  CHECK(never.is_infinite());
  CHECK_FALSE(never.passed());
  CHECK(never.left() == Duration::max());
  CHECK(never.poll_ms() == -1);
}

TEST_CASE("a passed deadline has nothing left and does not wait", "[base][deadline]") {
  const Deadline past = Deadline::after(-1s);
  CHECK(past.passed());
  CHECK(past.left() == Duration::zero());
  CHECK(past.poll_ms() == 0);
}

TEST_CASE("the time left is rounded up for poll", "[base][deadline]") {
  const Deadline soon = Deadline::after(1h);
  CHECK_FALSE(soon.passed());
  CHECK(soon.left() <= Duration(1h));
  CHECK(soon.poll_ms() > 3'500'000);
  CHECK(soon.poll_ms() <= 3'600'000);
}

TEST_CASE("a far deadline is clipped to what poll can take", "[base][deadline]") {
  CHECK(Deadline::after(24h * 365).poll_ms() == INT_MAX);
}

TEST_CASE("the sooner of two deadlines wins, and any beats the infinite one", "[base][deadline]") {
  const Deadline near = Deadline::after(1s);
  const Deadline far = Deadline::after(1h);
  CHECK(near.sooner(far).time() == near.time());
  CHECK(far.sooner(near).time() == near.time());
  CHECK(Deadline::infinite().sooner(near).time() == near.time());
}

TEST_CASE("the machine's clock moves forward and knows the date", "[base][deadline]") {
  const SteadyTime before = system_clock().now();
  CHECK(system_clock().now() >= before);
  CHECK(system_clock().unix_ms() > 1'600'000'000'000);
}

TEST_CASE("an Op never stops unless somebody says so", "[base][deadline]") {
  const Op op;
  CHECK_FALSE(op.stop.stop_possible());
  CHECK(op.deadline.is_infinite());
}

}  // namespace
}  // namespace rexec
