#include "sandbox-client/runner/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "sandbox-client/runner/loop.h"
#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

class Counter final : public Replies {
 public:
  void send(RequestId, std::string) override { ++answers; }
  bool congested(std::uint64_t) const override { return false; }

  int answers = 0;
};

}  // namespace

TEST_CASE("Reading the last lines of a file ends although the file shrinks meanwhile", "[runner]") {
  constexpr std::size_t kSize = (1 << 20) - 1;  // counted and searched in one turn each
  constexpr int kAttempts = 100;                // the file is to shrink at any moment of them
  constexpr int kMaxTurns = 100;
  std::string path = "/tmp/rexec-line-reader-XXXXXX";
  const Fd file(::mkstemp(path.data()));
  REQUIRE(file.valid());
  std::string text(kSize, 'x');
  text[kSize - 3] = '\n';
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    REQUIRE(::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    std::atomic<bool> begun{false};
    std::thread shrink([&] {
      while (!begun) std::this_thread::yield();
      const std::uint64_t until = monotonic_us() + static_cast<std::uint64_t>(attempt) * 5;
      while (monotonic_us() < until) {
      }
      if (::ftruncate(file.get(), 0) != 0) ::abort();
    });
    Counter replies;
    ReadLines wanted;
    wanted.path = path;
    wanted.start = -1;
    wanted.max_lines = 10;
    wanted.max_bytes = 1000;
    LineReader reader(RequestId{1, 1}, replies, wanted);
    begun = true;
    int turns = 0;
    while (reader.advance() == FileTask::State::running && ++turns < kMaxTurns) {
    }
    shrink.join();
    CHECK(turns < kMaxTurns);
    CHECK(replies.answers == 1);
  }
  ::unlink(path.c_str());
}

}  // namespace rexec::runner
