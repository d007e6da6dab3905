#include "sandbox-client/runner/patch.h"

#include "tests/support/catch.h"

using namespace rexec::runner;
using rexec::test::ContainsSubstring;

namespace {

struct Applied {
  std::string text;     // empty when it failed
  std::string problem;  // "missing: …" when the lines are not there
};

Applied patched(std::string_view text, std::string_view written) {
  Patch patch;
  Applied applied;
  if (!parse_patch(written, patch, applied.problem)) return applied;
  PatchApplier applier(text, patch);
  auto state = PatchApplier::State::running;
  while (state == PatchApplier::State::running) state = applier.advance();
  if (state == PatchApplier::State::done) {
    applied.text = applier.result();
    CHECK(applier.result_size() == applied.text.size());
  } else {
    applied.problem = (state == PatchApplier::State::missing ? "missing: " : "") + applier.problem();
  }
  return applied;
}

constexpr std::string_view kTen = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

}  // namespace

TEST_CASE("A patch as diff writes it is applied") {
  const auto applied =
      patched(kTen,
              "diff --git a/x b/x\nindex 123..456 100644\n--- a/x\n+++ b/x\n"
              "@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n@@ -8,3 +8,4 @@ heading\n 8\n 9\n+nine and a half\n 10\n");
  CHECK(applied.problem == "");
  CHECK(applied.text == "one\n2\n3\n4\n5\n6\n7\n8\n9\nnine and a half\n10\n");
}

TEST_CASE("Wrong or missing line numbers, counts and headers are recovered from the lines") {
  const std::string expected = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n";
  const std::string_view body = " 4\n-5\n+five\n 6\n";
  for (const char* header :
       {"@@ -4,3 +4,3 @@\n", "@@ -90,3 +90,3 @@\n", "@@ -4,7 +4,1 @@\n", "@@ -4 +4 @@\n", "@@ ... @@\n",
        "@@\n", "@@ def f():\n", "--- a/x\n+++ b/x\n", "", "```diff\n--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n",
        "*** Begin Patch\n*** Update File: x\n@@\n"}) {
    CAPTURE(header);
    CHECK(patched(kTen, std::string(header).append(body)).text == expected);
    CHECK(patched(kTen, std::string(header).append(body) + "\n").text == expected);
    CHECK(patched(kTen, std::string(header).append(body) + "```\n").text == expected);
    CHECK(patched(kTen, std::string(header).append(body) + "*** End Patch\n").text == expected);
    CHECK(patched(kTen, std::string(header).append(body) + "-- \n2.39.2\n").text == expected);
  }
  CHECK(patched(kTen, "@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6").text == expected);
}

TEST_CASE("Blank context lines may have lost their space") {
  CHECK(patched("a\n\nb\n", "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n").text == "a\n\nc\n");
  CHECK(patched("a\n\nb\n", "@@\n a\n\n-b\n+c\n\n\n").text == "a\n\nc\n");
  CHECK(patched("a\n\nb\n", "@@ -1,2 +1,2 @@\n-a\n+c\n\n").text == "c\n\nb\n");
}

TEST_CASE("Removed and added lines that look like headers belong to their hunk") {
  CHECK(patched("-- x\ny\n", "@@ -1,2 +1,2 @@\n--- x\n+++ x\n y\n").text == "++ x\ny\n");
  CHECK(patched("-- x\ny\n", "@@ -1,2 +1,1 @@\n--- x\n y\n").text == "y\n");
}

TEST_CASE("A line number decides between places, and nothing else does") {
  const std::string_view text = "x\na\nx\nb\nx\nc\n";
  CHECK(patched(text, "@@ -3 +3 @@\n-x\n+y\n").text == "x\na\ny\nb\nx\nc\n");
  const auto unnumbered = patched(text, "@@\n-x\n+y\n");
  CHECK(unnumbered.text.empty());
  CHECK_THAT(unnumbered.problem, ContainsSubstring("hunk 1 of 1 (@@) fits in 3 places, at lines 1, 3, 5"));
  CHECK_THAT(patched(text, "@@ -2 +2 @@\n-x\n+y\n").problem, ContainsSubstring("at lines 1, 3, 5"));
  CHECK_THAT(patched(std::string(100, '\n'), "@@\n-\n+y\n").problem, ContainsSubstring("at least 10 places"));
}

TEST_CASE("Hunks move together, and come in the order of the file") {
  const std::string_view text = "0\n0\nx\na\nx\nb\nx\n";
  // Both numbers are two too small, and the second fits only where the first one's mistake repeats.
  CHECK(patched(text, "@@ -2 +2 @@\n-a\n+A\n@@ -3 +3 @@\n-x\n+y\n").problem != "");
  CHECK(patched(text, "@@ -3 +3 @@\n-a\n+A\n@@ -6 +6 @@\n-x\n+y\n").text == "0\n0\nx\nA\nx\nb\ny\n");
  CHECK(patched(text, "@@\n-b\n+B\n@@\n-x\n+y\n").text == "0\n0\nx\na\nx\nB\ny\n");
  CHECK(patched("a\nb\n", "@@\n-b\n+B\n@@\n-a\n+A\n").text == "A\nB\n");
  CHECK_THAT(patched("a\nb\n", "@@\n-b\n+B\n@@\n-b\n+C\n").problem,
             ContainsSubstring("missing: hunk 2 of 2"));
}

TEST_CASE("Lines are added without context only where the patch says where") {
  CHECK(patched("", "@@ -0,0 +1,2 @@\n+a\n+b\n").text == "a\nb\n");
  CHECK(patched("", "+a\n").text == "a\n");
  CHECK(patched("a\nb\n", "@@ -0,0 +1 @@\n+x\n").text == "x\na\nb\n");
  CHECK(patched("a\nb\n", "@@ -1,0 +2 @@\n+x\n").text == "a\nx\nb\n");
  CHECK(patched("a\nb\n", "@@ -2,0 +3 @@\n+x\n").text == "a\nb\nx\n");
  CHECK(patched("a\nb", "@@ -2,0 +3 @@\n+x\n").text == "a\nb\nx");
  CHECK_THAT(patched("a\nb\n", "@@ -3,0 +4 @@\n+x\n").problem, ContainsSubstring("behind line 3"));
  CHECK_THAT(patched("a\nb\n", "@@ -1,2 +1,3 @@\n+x\n").problem, ContainsSubstring("tell where"));
  CHECK_THAT(patched("a\nb\n", "+x\n").problem, ContainsSubstring("tell where"));
  CHECK(patched("a\nb\n", "@@ -0,0 +1 @@\n+x\n@@ -1 +2 @@\n-a\n+A\n").text == "x\nA\nb\n");
  CHECK(patched("a\nb\n", "@@ -1 +2 @@\n-a\n+A\n@@ -0,0 +1 @@\n+x\n").text == "x\nA\nb\n");
  CHECK_THAT(patched("a\nb\n", "@@ -1,2 +1 @@\n-a\n-b\n+A\n@@ -1,0 +1 @@\n+x\n").problem,
             ContainsSubstring("another hunk"));
}

TEST_CASE("The end of the last line stays as it is unless the patch says otherwise") {
  CHECK(patched("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n").text == "a\nc");
  CHECK(patched("a\nb", "@@ -1,2 +1,3 @@\n a\n b\n+c\n").text == "a\nb\nc");
  CHECK(patched("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n").text == "a\nc\n");
  CHECK(patched("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n").text == "a\nc\n");
  CHECK(patched("a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n").text == "a\nc");
  CHECK(patched("a\nb", "@@ -1,2 +1 @@\n a\n-b\n\\ No newline at end of file\n").text == "a\n");
  // What is said to be at the end is sought there only.
  CHECK(patched("x\na\nx", "@@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n").text ==
        "x\na\ny");
  CHECK_THAT(patched("x\na\n", "@@\n-x\n\\ No newline at end of file\n+y\n").problem,
             ContainsSubstring("missing"));
}

TEST_CASE("Line ends of the file are kept") {
  CHECK(patched("a\r\nb\r\nc\r\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n+y\n c\n").text == "a\r\nx\r\ny\r\nc\r\n");
  CHECK(patched("a\r\nb\r\nc", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n").text == "a\r\nx\r\nc");
  CHECK(patched("a\nb\n", "@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+x\r\n").text == "a\nx\n");
  CHECK(patched("a\r\nb\r\n", "@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+x\r\n").text == "a\r\nx\r\n");
  CHECK(patched("a\r\nb\n", "@@ -1 +1 @@\n-a\r\n+x\n").text == "x\nb\n");
  CHECK(patched("a\r\nb\n", "@@ -1 +1 @@\n-a\n+x\n").text == "x\r\nb\n");
  CHECK(patched("a\r\nb\r\n", "@@ -1,0 +2 @@\n+x\n").text == "a\r\nx\r\nb\r\n");
}

TEST_CASE("Bytes of any value are kept") {
  const std::string text("\xff\xfe\0\n\x80z\n", 7);
  CHECK(patched(text, "@@ -2 +2 @@\n-\x80z\n+\xc3\n").text == std::string("\xff\xfe\0\n\xc3\n", 6));
}

TEST_CASE("What is no patch of one file's lines is refused with what to do") {
  const auto problem = [](std::string_view patch) { return patched("a\n", patch).problem; };
  CHECK_THAT(problem(""), ContainsSubstring("has no hunk"));
  CHECK_THAT(problem("change a to b"), ContainsSubstring("has no hunk"));
  CHECK_THAT(problem("@@ -1 +1 @@\n"), ContainsSubstring("has no lines"));
  CHECK_THAT(problem("@@ -1 +1 @@\n a\n"), ContainsSubstring("removes and adds nothing"));
  CHECK_THAT(problem("@@ -1 +1 @@\n-a\nb\n"), ContainsSubstring("line 3"));
  CHECK_THAT(problem("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"), ContainsSubstring("write_file"));
  CHECK_THAT(problem("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"), ContainsSubstring("remove the file"));
  CHECK_THAT(problem("diff --git a/x b/y\nrename from x\nrename to y\n"), ContainsSubstring("rename from"));
  CHECK_THAT(problem("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n"),
             ContainsSubstring("another file"));
  CHECK_THAT(problem("*** Update File: x\n-a\n+b\n*** Update File: y\n-a\n+b\n"),
             ContainsSubstring("another file"));
  CHECK_THAT(problem("+b\n@@ -1 +1 @@\n-a\n+c\n"), ContainsSubstring("in front of the first"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxHunks; ++i) many += "@@ -1 +1 @@\n-a\n+b\n";
  CHECK_THAT(problem(many), ContainsSubstring("more than 1000 hunks"));
}

TEST_CASE("A hunk that is nowhere says what was sought") {
  Patch patch;
  std::string problem;
  REQUIRE(parse_patch("@@ -1,3 +1,3 @@\n 4\n-55\n+five\n 6\n", patch, problem));
  PatchApplier applier(kTen, patch);
  CHECK(applier.advance() == PatchApplier::State::missing);
  CHECK(applier.sought() == "4\n55\n6");
  CHECK_THAT(applier.problem(), ContainsSubstring("hunk 1 of 1 (@@ -1,3 +1,3 @@) does not fit"));
}

TEST_CASE("Hunks that repeat are placed in bounded time") {
  const std::string text(4 << 20, '\n');
  std::string patch = "@@\n";
  for (int i = 0; i < 100'000; ++i) patch += " \n";
  CHECK_THAT(patched(text, patch + "+x\n").problem, ContainsSubstring("at least 10 places"));
  std::string second = patch + "+x\n";
  CHECK_FALSE(patched(text, "@@ -2000000,1 +1,1 @@\n-\n+y\n" + second).problem.empty());
}
