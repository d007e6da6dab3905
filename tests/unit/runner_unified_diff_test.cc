#include "sandbox-client/runner/unified_diff.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "sandbox-client/runner/patch.h"
#include "tests/support/catch.h"
#include "tests/support/require.h"

using namespace rexec::runner;
namespace fs = std::filesystem;

namespace {

std::string applied(const std::string& before, const std::string& diff) {
  Patch patch;
  std::string problem;
  if (!parse_patch(diff, patch, problem)) return "unreadable: " + problem;
  PatchApplier applier(before, patch);
  auto state = PatchApplier::State::running;
  while (state == PatchApplier::State::running) state = applier.advance();
  return state == PatchApplier::State::done ? applier.result() : "refused: " + applier.problem();
}

class RandomTexts {
 public:
  explicit RandomTexts(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  std::string text() {
    std::string result;
    for (std::size_t i = below(40); i > 0; --i) result += line();
    if (below(3) == 0 && !result.empty()) result.pop_back();
    return result;
  }
  /// The same with some lines changed, so that there is something in common.
  std::string variant_of(const std::string& text) {
    std::string result;
    std::istringstream lines(text);
    for (std::string next; std::getline(lines, next);) {
      const std::size_t change = below(8);
      if (change == 0) result += line();
      if (change != 1) result += next + "\n";
    }
    if (below(3) == 0 && !result.empty()) result.pop_back();
    return result;
  }

 private:
  std::string line() {
    static const char* const lines[] = {"\n",   "a\n",   "b\n",       "a b\n",  "}\n",
                                        "\r\n", "a\r\n", "-- x\n",    "++ x\n", "@@ -1 +1 @@\n",
                                        "\\\n", " \n",   "\xff\xfe\n"};
    return lines[below(std::size(lines))];
  }
  std::mt19937 random_;
};

void put(const fs::path& path, const std::string& data) {
  std::ofstream(path, std::ios::binary) << data;
}

std::string get(const fs::path& path) {
  std::ostringstream data;
  data << std::ifstream(path, std::ios::binary).rdbuf();
  return data.str();
}

}  // namespace

TEST_CASE("A difference has context, numbers and names as diff -u writes them") {
  CHECK(unified_diff("a\n", "a\n", "/x").text.empty());
  CHECK(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nfive\n6\n7\n8\n", "/d/x").text ==
        "--- a/d/x\n+++ b/d/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
  CHECK(unified_diff("", "a", "/x").text ==
        "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n");
  CHECK(unified_diff("a\n", "", "/x").text == "--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n-a\n");
  CHECK(unified_diff("a", "a\n", "/x").text ==
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
  CHECK(unified_diff("a\n", "b\n", "/x\ny\"")
            .text.starts_with("--- \"a/x\\012y\\042\"\n+++ \"b/x\\012y\\042\"\n"));
}

TEST_CASE("Changes that are far apart make several hunks") {
  std::string before;
  for (int i = 0; i < 30; ++i) before += std::to_string(i) + "\n";
  std::string after = before;
  after.replace(after.find("5\n"), 2, "five\n");
  after.replace(after.find("25\n"), 3, "");
  CHECK(unified_diff(before, after, "/x").text ==
        "--- a/x\n+++ b/x\n@@ -3,7 +3,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        "@@ -23,7 +23,6 @@\n 22\n 23\n 24\n-25\n 26\n 27\n 28\n");
}

TEST_CASE("The script is a shortest one") {
  const auto changes = [](const std::string& before, const std::string& after) {
    const std::string diff = unified_diff(before, after, "/x").text;
    std::istringstream lines(diff.substr(diff.find("@@")));
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);)
      count += line.front() == '-' || line.front() == '+' ? 1U : 0U;
    return count;
  };
  RandomTexts random(7);
  for (int round = 0; round < 300; ++round) {
    std::string before;
    std::string after;
    for (std::size_t i = random.below(12); i > 0; --i)
      before += std::string(1, static_cast<char>('a' + random.below(3))) + "\n";
    for (std::size_t i = random.below(12); i > 0; --i)
      after += std::string(1, static_cast<char>('a' + random.below(3))) + "\n";
    if (before == after) continue;
    // Longest common subsequence by the textbook.
    const std::size_t n = before.size() / 2;
    const std::size_t m = after.size() / 2;
    std::vector<std::vector<std::size_t>> best(n + 1, std::vector<std::size_t>(m + 1));
    for (std::size_t i = 1; i <= n; ++i)
      for (std::size_t j = 1; j <= m; ++j)
        best[i][j] = before[2 * i - 2] == after[2 * j - 2] ? best[i - 1][j - 1] + 1
                                                           : std::max(best[i - 1][j], best[i][j - 1]);
    CAPTURE(before, after);
    CHECK(changes(before, after) == n + m - 2 * best[n][m]);
  }
}

TEST_CASE("Applying the difference gives the new text, within every bound") {
  RandomTexts random(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string before = random.text();
    const std::string after = random.below(4) == 0 ? random.text() : random.variant_of(before);
    if (before == after) continue;
    DiffLimits limits;
    limits.context = 1 + random.below(4);
    if (random.below(3) == 0) limits.work = random.below(60);
    if (random.below(8) == 0) limits.lines = 0;
    const UnifiedDiff diff = unified_diff(before, after, "/x", limits);
    CAPTURE(before, after, diff.text);
    CHECK_FALSE(diff.cut);
    CHECK(applied(before, diff.text) == after);
  }
}

TEST_CASE("A difference of large texts takes bounded work and space") {
  std::string before;
  std::string after;
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    before += std::to_string(i * 7919 % 60'013) + "\n";
    after += std::to_string(i * 104'729 % 60'013) + "\n";
  }
  const UnifiedDiff diff = unified_diff(before, after, "/x");
  CHECK(diff.cut == (before.size() + after.size() > (1 << 20)));
  CHECK(diff.text.size() <= DiffLimits{}.text_bytes);
  const UnifiedDiff cut = unified_diff(before, after, "/x", {.text_bytes = 100});
  CHECK(cut.cut);
  CHECK(cut.text.size() <= 100);
  CHECK(cut.text.ends_with('\n'));
  const std::string blank(3 << 20, '\n');
  CHECK(unified_diff(blank, blank + blank, "/x").cut);
}

TEST_CASE("patch and git take the difference") {
  REXEC_SKIP_WITHOUT("patch");
  char pattern[] = "/tmp/rexec-diff-XXXXXX";
  REQUIRE(::mkdtemp(pattern) != nullptr);
  const fs::path folder = pattern;
  const auto run = [&](const std::string& command) {
    return std::system(("cd " + folder.string() + " && " + command + " >out 2>&1").c_str()) == 0;
  };
  RandomTexts random(2);
  for (int round = 0; round < 30; ++round) {
    const std::string before = random.text();
    const std::string after = random.variant_of(before);
    if (before == after || before.empty() || after.empty()) continue;
    const std::string diff = unified_diff(before, after, "/x").text;
    CAPTURE(before, after, diff);
    put(folder / "diff", diff);
    put(folder / "x", before);
    CHECK(run("patch --binary -s -p1 <diff"));
    CHECK(get(folder / "x") == after);
    put(folder / "x", before);
    CHECK(run("git apply --whitespace=nowarn -p1 diff"));
    CHECK(get(folder / "x") == after);
  }
  fs::remove_all(folder);
}
