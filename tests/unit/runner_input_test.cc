#include "sandbox-client/runner/input_queue.h"
#include "sandbox-client/runner/wire.h"
#include "tests/support/catch.h"

namespace rexec::runner {

using Verdict = InputQueue::Verdict;

TEST_CASE("A resend is recognised by its offset and a gap is refused", "[runner]") {
  InputQueue queue;
  CHECK(queue.accept("a", 0, "hello ") == Verdict::accepted);
  CHECK(queue.accept("a", 0, "hello ") == Verdict::accepted);
  CHECK(queue.accept("a", 3, "lo world") == Verdict::accepted);
  CHECK(queue.accept("a", 12, "gap") == Verdict::gap);
  CHECK(queue.accept("b", 1, "gap") == Verdict::gap);
  CHECK(queue.front() == "hello world");
  CHECK(queue.accepted("a") == 11);
  CHECK(queue.accepted("b") == 0);
}

TEST_CASE("Writers are counted apart and their bytes follow each other", "[runner]") {
  InputQueue queue;
  CHECK(queue.accept("a", 0, "1") == Verdict::accepted);
  CHECK(queue.accept("b", 0, "2") == Verdict::accepted);
  CHECK(queue.accept("a", 1, "3") == Verdict::accepted);
  CHECK(queue.front() == "123");
  queue.pop(2);
  CHECK(queue.front() == "3");
}

TEST_CASE("The end follows what is queued, and later bytes go nowhere", "[runner]") {
  InputQueue queue;
  queue.accept("a", 0, "rest");
  queue.close();
  CHECK_FALSE(queue.at_end());
  CHECK(queue.accept("a", 4, "late") == Verdict::accepted);
  CHECK(queue.accepted("a") == 8);
  queue.pop(4);
  CHECK(queue.at_end());
  CHECK(queue.empty());
}

TEST_CASE("There is room until kInputQueue bytes wait", "[runner]") {
  InputQueue queue;
  CHECK(queue.has_room());
  queue.accept("a", 0, std::string(kInputQueue - 1, 'x'));
  CHECK(queue.has_room());
  queue.accept("a", kInputQueue - 1, std::string(kMaxData, 'y'));
  CHECK_FALSE(queue.has_room());
  std::string taken;
  while (!queue.empty()) {
    const std::string part(queue.front().substr(0, 70000));
    queue.pop(part.size());
    taken += part;
    if (taken.size() == 70000 * 20) queue.accept("b", 0, "late");
  }
  CHECK(taken == std::string(kInputQueue - 1, 'x') + std::string(kMaxData, 'y') + "late");
  CHECK(queue.has_room());
}

TEST_CASE("Of too many writers the one that wrote longest ago is forgotten, and names are bounded",
          "[runner]") {
  InputQueue queue;
  for (std::size_t i = 0; i < InputQueue::kMaxWriters; ++i)
    CHECK(queue.accept("w" + std::to_string(i), 0, "x") == Verdict::accepted);
  CHECK(queue.accept("w0", 1, "x") == Verdict::accepted);
  CHECK(queue.accept("one more", 0, "x") == Verdict::accepted);
  CHECK(queue.accepted("w0") == 2);
  CHECK(queue.accepted("w1") == 0);
  CHECK(queue.accept("w1", 1, "x") == Verdict::gap);
  CHECK(queue.accept("w3", 1, "x") == Verdict::accepted);
  InputQueue other;
  CHECK(other.accept(std::string(InputQueue::kMaxWriterName, 'n'), 0, "x") == Verdict::accepted);
  CHECK(other.accept(std::string(InputQueue::kMaxWriterName + 1, 'n'), 0, "x") == Verdict::long_name);
}

TEST_CASE("When nobody reads any more, everything is dropped", "[runner]") {
  InputQueue queue;
  queue.accept("a", 0, "data");
  queue.abandon();
  CHECK(queue.at_end());
  CHECK(queue.accept("a", 4, "more") == Verdict::accepted);
  CHECK(queue.empty());
}

}  // namespace rexec::runner
