#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "sandbox-client/runner/newlines.h"
#include "sandbox-client/runner/output_window.h"
#include "tests/support/catch.h"

namespace rexec::runner {
namespace {

constexpr std::size_t kPlenty = 1 << 30;

/// `size` bytes of which about one in ten is a newline.
std::string sample(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, 0);
  for (char& byte : bytes) byte = random() % 10 == 0 ? '\n' : static_cast<char>(random() % 255);
  return bytes;
}

std::uint64_t newlines(std::string_view bytes) {
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

/// The number of newlines in front of any offset, without counting from the beginning each time.
class NewlineIndex {
 public:
  explicit NewlineIndex(std::string_view bytes) : bytes_(bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += kStep)
      counts_.push_back(counts_.back() + newlines(bytes.substr(at, kStep)));
  }
  std::uint64_t before(std::size_t offset) const {
    const std::size_t steps = offset / kStep;
    return counts_[steps] + newlines(bytes_.substr(steps * kStep, offset % kStep));
  }

 private:
  static constexpr std::size_t kStep = 4096;
  std::string_view bytes_;
  std::vector<std::uint64_t> counts_{0};
};

}  // namespace

TEST_CASE("Newlines are counted exactly at every length and alignment", "[runner]") {
  const std::string bytes = sample(40000, 1);
  for (const std::size_t begin : std::initializer_list<std::size_t>{0, 1, 7, 63})
    for (const std::size_t size :
         std::initializer_list<std::size_t>{0, 1, 15, 63, 64, 65, 127, 16319, 16320, 16321, 39000}) {
      const std::string_view part = std::string_view(bytes).substr(begin, size);
      CHECK(count_newlines(part) == newlines(part));
    }
  CHECK(count_newlines(std::string(1000000, '\n')) == 1000000);
}

TEST_CASE("A short stream is kept whole and reported in one piece", "[runner]") {
  OutputBudget budget(kPlenty);
  OutputWindow window(budget);
  window.append("one\ntwo\nthree");
  const StreamReport report = window.report(0, 5, 8);
  CHECK(report.head == "one\ntwo\nthree");
  CHECK(report.tail.empty());
  CHECK(report.tail_offset == 13);
  CHECK(report.newlines == 2);
  CHECK(report.lost == 0);
  CHECK_FALSE(report.end);
  const StreamReport rest = window.report(4, 100, 0);
  CHECK(rest.head == "two\nthree");
  CHECK(rest.newlines == 1);
  const StreamReport cut = window.report(0, 3, 5);
  CHECK(cut.head == "one");
  CHECK(cut.tail == "three");
  CHECK(cut.tail_offset == 8);
  window.finish();
  CHECK(window.report(13, 5, 5).end);
  CHECK(window.report(99, 5, 5).head.empty());
  CHECK(window.report(99, 5, 5).head_offset == 99);
}

TEST_CASE("Head and newest bytes of a long stream are exact at every size", "[runner]") {
  for (const std::size_t size : {kHeadBytes - 1, kHeadBytes, kHeadBytes + 1, kHeadBytes * 2, kTailBytes,
                                 kHeadBytes + kTailBytes, kHeadBytes + kTailBytes + 1, kTailBytes * 3 + 17}) {
    OutputBudget budget(kPlenty);
    OutputWindow window(budget);
    const std::string stream = sample(size, static_cast<unsigned>(size));
    const NewlineIndex index(stream);
    std::mt19937 random(5);
    for (std::size_t at = 0; at < size;) {
      const std::size_t piece = std::min<std::size_t>(size - at, 1 + random() % 300000);
      window.append(std::string_view(stream).substr(at, piece));
      at += piece;
    }
    const std::size_t lost = size > kHeadBytes + kTailBytes ? size - kHeadBytes - kTailBytes : 0;
    CAPTURE(size, lost);
    CHECK(window.produced() == size);
    for (const std::size_t from : {std::size_t{0}, std::size_t{1000}, kHeadBytes - 5, size / 2, size - 1}) {
      if (from >= size) continue;
      const bool gone = from >= kHeadBytes && from < kHeadBytes + lost;
      const StreamReport report = window.report(from, 3000, 7000);
      CHECK(report.head_offset == (gone ? kHeadBytes + lost : from));
      CHECK(report.head == stream.substr(report.head_offset, report.head.size()));
      CHECK(report.tail == stream.substr(report.tail_offset, report.tail.size()));
      CHECK(report.tail_offset + report.tail.size() == size);
      CHECK(report.lost == (gone ? kHeadBytes + lost - from : from < kHeadBytes ? lost : 0));
      if (size - from <= 10000 && report.lost == 0) CHECK(report.tail.empty());
      if (!gone) CHECK(report.newlines == index.before(size) - index.before(from));
    }
    std::string collected;
    std::size_t at = 0;
    while (at < size) {
      const Output output = window.read(at, 100000);
      if (output.offset != at) {
        CHECK(at == kHeadBytes);
        CHECK(output.offset == at + lost);
        collected.append(stream, at, lost);
      }
      CHECK(output.newlines_before == index.before(output.offset));
      collected += output.data;
      at = output.offset + output.data.size();
    }
    CHECK(collected == stream);
  }
}

TEST_CASE("Newlines within what was dropped are known closely", "[runner]") {
  OutputBudget budget(kPlenty);
  OutputWindow window(budget);
  const std::string line = "0123456789abcde\n";
  std::string block;
  while (block.size() < 1 << 16) block += line;
  const std::size_t size = 100 << 20;
  for (std::size_t at = 0; at < size; at += block.size()) window.append(block);
  for (const std::uint64_t offset : {1000003ULL, 33000000ULL, 77777777ULL}) {
    const std::uint64_t exact = offset / line.size();
    const std::uint64_t known = window.newlines_before(offset);
    CHECK(std::max(exact, known) - std::min(exact, known) <= 2 * size / 512 / line.size());
  }
  CHECK(window.newlines_before(size) == size / line.size());
}

TEST_CASE("Reading in place of append gives the same stream", "[runner]") {
  OutputBudget budget(kPlenty);
  OutputWindow window(budget);
  const std::string stream = sample(20 << 20, 3);
  std::mt19937 random(7);
  for (std::size_t at = 0; at < stream.size();) {
    iovec pieces[2];
    const int count = window.room(pieces, 256 << 10);
    std::size_t left = std::min<std::size_t>(stream.size() - at, 1 + random() % (300 << 10));
    std::size_t done = 0;
    for (int i = 0; i < count && left > 0; ++i) {
      const std::size_t size = std::min(left, pieces[i].iov_len);
      std::copy_n(stream.data() + at + done, size, static_cast<char*>(pieces[i].iov_base));
      done += size;
      left -= size;
    }
    REQUIRE(done > 0);
    window.commit(done);
    at += done;
  }
  const StreamReport report = window.report(stream.size() - kTailBytes, kMaxData / 2, kMaxData / 2);
  CHECK(report.lost == 0);
  CHECK(report.head == stream.substr(stream.size() - kTailBytes, kMaxData / 2));
  CHECK(report.tail == stream.substr(stream.size() - kMaxData / 2));
}

TEST_CASE("The budget takes from the longest finished stream first", "[runner]") {
  OutputBudget budget(24 << 20);
  std::vector<std::unique_ptr<OutputWindow>> windows;
  const std::string stream = sample(9 << 20, 4);
  for (int i = 0; i < 6; ++i) {
    windows.push_back(std::make_unique<OutputWindow>(budget));
    windows.back()->append(stream);
    windows.back()->finish();
    CHECK(budget.used() <= 24 << 20);
  }
  CHECK(windows[0]->tail_capacity() == 0);
  CHECK(windows[5]->tail_capacity() == kTailBytes);
  const StreamReport report = windows[0]->report(0, 1000, 1000);
  CHECK(report.head == stream.substr(0, 1000));
  CHECK(report.tail.empty());
  CHECK(report.lost == stream.size() - kHeadBytes);
  CHECK(report.newlines == newlines(stream));
  windows.clear();
  CHECK(budget.used() == 0);
}

TEST_CASE("Running streams share the budget by halving the largest", "[runner]") {
  OutputBudget budget(10 << 20);
  OutputWindow first(budget);
  OutputWindow second(budget);
  OutputWindow third(budget);
  const std::string stream = sample(9 << 20, 8);
  for (OutputWindow* window : {&first, &second, &third}) {
    window->append(stream);
    CHECK(budget.used() <= 10 << 20);
    const StreamReport report = window->report(stream.size() - 5000, 0, 5000);
    CHECK(report.head + report.tail == stream.substr(stream.size() - 5000));
  }
  CHECK(first.tail_capacity() >= 64 << 10);
  CHECK(second.tail_capacity() >= 64 << 10);
  const std::size_t kept = first.tail_capacity();
  CHECK(first.report(stream.size() - kept, 100, 0).head == stream.substr(stream.size() - kept, 100));
}

TEST_CASE("Without any budget a stream is still counted", "[runner]") {
  OutputBudget budget(0);
  OutputWindow window(budget);
  const std::string stream = sample(1 << 20, 9);
  window.append(stream);
  const StreamReport report = window.report(0, 100, 100);
  CHECK(report.produced == stream.size());
  CHECK(report.newlines == newlines(stream));
  CHECK(report.head == stream.substr(0, 100));
  CHECK(report.lost == stream.size() - kHeadBytes);
}

}  // namespace rexec::runner
